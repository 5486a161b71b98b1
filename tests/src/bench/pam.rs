//! PAM.
