//! Command line, and the two processes of a login: the one that OpenVPN waits for, and the one that decides.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use clap::Parser;
use otpost_conf::OpenvpnConfig;

use crate::{
    HelperError,
    call::Call,
    credentials::Credentials,
    login::{Decided, Servers, Verdict},
};

/// What OpenVPN takes for "the verdict comes later"; 0 would let the client in, 1 keeps it out.
const DEFERRED: u8 = 2;

/// Asks a RADIUS server on behalf of an OpenVPN server.
///
/// Written into the configuration of an OpenVPN server, 2.6 or newer, as
/// `auth-user-pass-verify /usr/bin/otpost-openvpn via-file`.
#[derive(Debug, Parser)]
#[command(name = "otpost-openvpn", version, about)]
struct Args {
    /// Configuration file
    #[arg(long, value_name = "PATH", default_value = "/etc/otpost/openvpn.toml")]
    config: PathBuf,
    /// Check the configuration, ask each server whether it is there, and exit
    #[arg(long, conflicts_with_all = ["credentials", "worker"])]
    check: bool,
    /// Decide a login that comes over standard input
    #[arg(long, hide = true, conflicts_with = "credentials")]
    worker: bool,
    /// File with name and password, which OpenVPN names
    #[arg(value_name = "FILE")]
    credentials: Option<PathBuf>,
}

/// The whole program. The exit code is 0 after a sound check, 2 when the verdict of a login comes later, 1 otherwise. Started by
/// OpenVPN it is never 0, whatever the arguments: that would let the client in.
#[must_use]
pub fn run() -> ExitCode {
    let code = begin();
    let by_openvpn = env::var_os("script_type").is_some();
    if by_openvpn && code != DEFERRED {
        return ExitCode::FAILURE;
    }
    ExitCode::from(code)
}

fn begin() -> u8 {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Nothing more can be done where even this fails.
            let _ = error.print();
            // Not clap's own 2 after an error, which OpenVPN would take for "deferred".
            return u8::from(error.use_stderr());
        }
    };
    if args.check {
        return check(&args.config);
    }
    let result = if args.worker {
        decide(&args.config).map(|()| 0)
    } else {
        defer(&args).map(|()| DEFERRED)
    };
    result.unwrap_or_else(|error| {
        log(&error.to_string());
        1
    })
}

/// Hands the login to a process of its own, because OpenVPN serves nobody while it waits for this one.
fn defer(args: &Args) -> Result<(), HelperError> {
    let call = Call::read(env_var)?;
    let handed = start(args, &call);
    if let Err(error) = &handed {
        call.fail(error.told())?;
    }
    handed
}

/// Nobody waits for the process: this one ends before it, and init reaps it.
fn start(args: &Args, call: &Call) -> Result<(), HelperError> {
    let path = args.credentials.as_deref().ok_or(HelperError::NoFile)?;
    // OpenVPN takes the file away as soon as this process ends.
    let file = File::open(path).map_err(|error| HelperError::File {
        path: path.to_owned(),
        kind: error.kind(),
    })?;
    let credentials = Credentials::read(file)?;
    let failed = |error: io::Error| HelperError::Process(error.kind());
    let program = env::current_exe().map_err(failed)?;
    let mut worker = Command::new(program)
        .arg("--config")
        .arg(&args.config)
        .arg("--worker")
        .env_clear()
        .envs(call.variables())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let pipe = worker.stdin.take();
    // It fits the pipe, so nobody waits.
    pipe.map_or(Ok(()), |pipe| credentials.write(pipe))
        .map_err(failed)
}

/// Decides the login that comes over standard input.
fn decide(config: &Path) -> Result<(), HelperError> {
    let call = Call::read(env_var)?;
    let decided = Credentials::read(io::stdin().lock()).and_then(|credentials| {
        let config: OpenvpnConfig = otpost_conf::load(config)?;
        let decided = Servers::new(&config)?.decide(&credentials, call.station.as_deref())?;
        Ok((credentials.user, decided))
    });
    let from = call.station.as_deref().unwrap_or("an unknown address");
    let waits = match &decided {
        Ok((user, Decided { verdict, reply })) => {
            let (outcome, waits) = match verdict {
                Verdict::In => ("let in", call.accept()?),
                Verdict::Out(reason) => ("refused", call.fail(reason)?),
                Verdict::Asked(reason) => ("asked for more", call.fail(reason)?),
            };
            let user: String = user.chars().filter(|c| !c.is_control()).take(64).collect();
            log(&format!(
                "{user} from {from}: {outcome}, {} ms, {} packets",
                reply.took.as_millis(),
                reply.sent
            ));
            waits
        }
        Err(error) => {
            log(&format!("a login from {from}: {error}"));
            call.fail(error.told())?
        }
    };
    if !waits {
        log(&format!(
            "a login from {from}: OpenVPN does not wait for it any more"
        ));
    }
    Ok(())
}

fn check(path: &Path) -> u8 {
    let checked = otpost_conf::load::<OpenvpnConfig>(path).map_err(HelperError::from);
    let checked = checked.and_then(|config| {
        let mut failed = 0;
        for (name, status) in Servers::new(&config)?.status() {
            let line = match status {
                Ok(reply) => format!("{name}: answers, {} ms", reply.took.as_millis()),
                Err(error) => {
                    failed = 1;
                    format!("{name}: {error}")
                }
            };
            let _ = writeln!(io::stdout(), "{line}");
        }
        Ok(failed)
    });
    match checked {
        Ok(0) => {
            let _ = writeln!(io::stdout(), "{}: OK", path.display());
            0
        }
        Ok(code) => code,
        Err(error) => {
            log(&error.to_string());
            1
        }
    }
}

fn env_var(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// OpenVPN's own log, or the journal of its unit, gets what its scripts say.
fn log(line: &str) {
    let _ = writeln!(io::stderr(), "otpost-openvpn: {line}");
}
