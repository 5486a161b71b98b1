//! What every store must do.
pub mod samples;
