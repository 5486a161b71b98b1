//! otpost-portal.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    otpost_portal::run()
}
