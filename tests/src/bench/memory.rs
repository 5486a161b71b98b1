//! Resident memory with many tokens.
