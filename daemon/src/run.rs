//! The command line, signals and the log.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use otpost_conf::DaemonConfig;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::console::setup;
use crate::dictionaries;
use crate::serve::{Deps, prepare, serve};
use crate::state::Daemon;
use crate::sys::{SystemClock, SystemEntropy};

/// otpostd owns users, tokens and SMS sending, and answers PAM modules, otpost-radius and otpostctl.
#[derive(Debug, Parser)]
#[command(name = "otpostd", version, about)]
struct Args {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/otpost/daemon.toml")]
    config: PathBuf,
    /// Check the configuration and exit.
    #[arg(long)]
    check: bool,
}

/// Why the program ends with a failure: already a sentence with its fix.
struct Failure(String);

type LogHandle = reload::Handle<EnvFilter, Registry>;

/// Runs the daemon until a signal ends it.
#[must_use]
pub fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match start(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            let _ = writeln!(std::io::stderr(), "otpostd: {message}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: &Args) -> Result<(), Failure> {
    let config = read(&args.config)?;
    if args.check {
        dictionaries::load(&config.radius.dictionaries).map_err(|e| Failure(e.to_string()))?;
        let _ = writeln!(
            std::io::stdout(),
            "{}: the configuration is good",
            args.config.display()
        );
        return Ok(());
    }
    let log = init_log(&config.log.level)?;
    // A daemon in an unknown state must not decide logins: systemd starts it anew.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        default(info);
        std::process::abort();
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("otpostd")
        .build()
        .map_err(|e| Failure(format!("cannot start: {e}")))?;
    let served = runtime.block_on(main(args, config, log));
    runtime.shutdown_background();
    served
}

fn read(path: &Path) -> Result<DaemonConfig, Failure> {
    otpost_conf::load(path).map_err(|e| Failure(e.to_string()))
}

fn init_log(level: &str) -> Result<LogHandle, Failure> {
    let filter = EnvFilter::try_new(level).map_err(|e| Failure(format!("log.level: {e}")))?;
    let (filter, handle) = reload::Layer::new(filter);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init()
        .map_err(|e| Failure(format!("cannot start the log: {e}")))?;
    Ok(handle)
}

async fn main(args: &Args, config: DaemonConfig, log: LogHandle) -> Result<(), Failure> {
    let deps = Deps {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
    };
    let signals = |kind| signal(kind).map_err(|e| Failure(format!("cannot listen for signals: {e}")));
    let mut term = signals(SignalKind::terminate())?;
    let mut int = signals(SignalKind::interrupt())?;
    let mut hup = signals(SignalKind::hangup())?;
    let ready = prepare(&config, deps).await.map_err(|e| Failure(e.to_string()))?;
    let daemon = ready.daemon();
    say_first_run(&daemon).await?;
    let serving = tokio::spawn(serve(ready));
    info!(version = env!("CARGO_PKG_VERSION"), sockets = %config.sockets.directory.display(), "ready");
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = hup.recv() => reload_config(&args.config, &config, &daemon, &log),
        }
    }
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    daemon.stopping.send_replace(true);
    let _ = serving.await;
    info!("stopped");
    Ok(())
}

/// Without an administrator, says once how to become one. The link is a secret, and this is the one place that writes one: to whoever
/// started the daemon, or its journal, and never through the log, which may go elsewhere.
async fn say_first_run(daemon: &Daemon) -> Result<(), Failure> {
    let link = setup::first_run(daemon)
        .await
        .map_err(|e| Failure(format!("cannot make the set-up link: {e}")))?;
    if let Some(link) = link {
        let _ = writeln!(
            std::io::stderr(),
            "otpostd: there is no administrator yet. SET-UP LINK, good once and for 24 hours: {}\n\
             otpostd: another one: otpostctl admin setup-link",
            link.address.as_str()
        );
    }
    Ok(())
}

/// Takes over what may change while serving; a bad file changes nothing and says which line is wrong.
fn reload_config(path: &Path, running: &DaemonConfig, daemon: &Daemon, log: &LogHandle) {
    let new = match read(path) {
        Ok(new) => new,
        Err(Failure(message)) => {
            error!("the configuration is not reloaded, the old one stays: {message}");
            return;
        }
    };
    if let Ok(filter) = EnvFilter::try_new(&new.log.level) {
        let _ = log.reload(filter);
    }
    if let Ok(mut lockers) = daemon.lockers.write() {
        lockers.clone_from(&new.sockets.lockers);
    }
    if let Err(error) = daemon.dictionaries.reload(&new.radius) {
        error!("the RADIUS dictionaries are not read anew, the old ones stay: {error}");
    }
    let mut restart = Vec::new();
    if new.store != running.store {
        restart.push("store");
    }
    if new.keys != running.keys {
        restart.push("keys");
    }
    if new.environment != running.environment {
        restart.push("environment");
    }
    if new.passwords != running.passwords {
        restart.push("passwords");
    }
    if new.outbox != running.outbox {
        restart.push("outbox");
    }
    let directory_changed = new.sockets.directory != running.sockets.directory
        || new.sockets.radius_user != running.sockets.radius_user
        || new.sockets.admin_group != running.sockets.admin_group;
    if directory_changed {
        restart.push("sockets");
    }
    info!(needs_restart = restart.join(" "), "configuration reloaded");
}
