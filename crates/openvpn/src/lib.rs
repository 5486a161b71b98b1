//! OpenVPN helper.
#![forbid(unsafe_code)]
