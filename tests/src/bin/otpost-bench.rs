//! The benchmark behind `make bench`; tests/bench/run.sh builds what it needs and starts it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    otpost_tests::bench::main()
}
