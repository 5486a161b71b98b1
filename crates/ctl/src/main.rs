//! The program otpostctl: hands the process' arguments and streams to the library.
#![forbid(unsafe_code)]

use std::io::{self, BufReader, IsTerminal};
use std::process::ExitCode;

use otpost_ctl::{Io, Tty};

fn main() -> ExitCode {
    let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let code = otpost_ctl::run(
        std::env::args_os(),
        &mut Io {
            out: &mut io::stdout().lock(),
            err: &mut io::stderr(),
            input: &mut BufReader::new(io::stdin()),
            terminal: &mut Tty::default(),
            color,
        },
    );
    ExitCode::from(code)
}
