//! otpostctl: administration from the command line, a RADIUS test client, and a demonstration.
//!
//! Does: turns nouns and verbs into [`AdminOp`](otpost_ipc::admin::AdminOp)s, shows the answers as aligned text or
//! JSON, asks for secrets without echo, checks configuration files, logs in over RADIUS as a VPN would, and runs all
//! processes on temporary state to watch a login.
//!
//! Deliberately absent: any decision and the store. The daemon validates, authorises and decides; what is refused
//! here is only what cannot be meant.
//!
//! Entry points: [`run`], [`args::Cli`].
#![forbid(unsafe_code)]

mod admin;
pub mod args;
mod commands;
mod demo;
mod error;
mod input;
mod radius;
mod render;
mod sys;
mod terminal;
mod text;

use std::{
    ffi::OsString,
    io::{BufRead, Write},
};

use clap::Parser;

pub use demo::DemoError;
pub use error::{CtlError, Exit};
pub use radius::RadiusError;
pub use terminal::{AskError, Terminal, Tty};

/// The streams of one run; tests bring their own.
pub struct Io<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Errors.
    pub err: &'a mut dyn Write,
    /// What `-` reads from, a line at a time.
    pub input: &'a mut dyn BufRead,
    /// Where a person can be asked.
    pub terminal: &'a mut dyn Terminal,
    /// Whether results go to a terminal that may be coloured.
    pub color: bool,
}

/// Runs one command line, `args` with the program's name in front, and returns the exit status.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
    let cli = match args::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, io).code(),
    };
    let json = cli.json;
    let outcome = commands::run(cli, io).and_then(|exit| {
        io.out.flush()?;
        Ok(exit)
    });
    match outcome {
        Ok(exit) => exit.code(),
        // Whoever read our output has seen enough.
        Err(CtlError::Output(std::io::ErrorKind::BrokenPipe)) => Exit::Done.code(),
        Err(error) => {
            // There is nobody left to tell when this fails too.
            let _ = report(&error, json, io.err);
            error.exit().code()
        }
    }
}

/// Help and version are results; anything else is an error.
fn usage(error: &clap::Error, io: &mut Io<'_>) -> Exit {
    let text = error.render().to_string();
    if error.use_stderr() {
        let _ = io.err.write_all(text.as_bytes());
        Exit::Usage
    } else {
        let _ = io.out.write_all(text.as_bytes()).and_then(|()| io.out.flush());
        Exit::Done
    }
}

fn report(error: &CtlError, json: bool, err: &mut dyn Write) -> std::io::Result<()> {
    if json {
        render::json(err, &error.as_json())
    } else {
        writeln!(err, "otpostctl: {}", text::clean_lines(&error.to_string()))
    }
}
