//! otpost-openvpn.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    otpost_openvpn::run()
}
