//! Command line, log and signals: everything between `main` and [`serve`].

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use otpost_conf::PortalConfig;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};
use tracing_subscriber::{EnvFilter, Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

use crate::{
    error::{ServeError, errno},
    server::{Deps, serve},
};

/// Web pages of otpost: self-service and administration. Asks otpostd for everything.
#[derive(Debug, Parser)]
#[command(name = "otpost-portal", version, about)]
struct Args {
    /// Configuration file
    #[arg(long, value_name = "PATH", default_value = "/etc/otpost/portal.toml")]
    config: PathBuf,
    /// Check the configuration, say whether it is sound, and exit
    #[arg(long)]
    check: bool,
}

type FilterHandle = reload::Handle<EnvFilter, Registry>;

/// The whole program. The exit code is 0 after a stop or a sound check, 1 after any error, 2 after wrong usage.
#[must_use]
pub fn run() -> ExitCode {
    let args = Args::parse();
    match try_run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing more can be done where even this fails.
            let _ = writeln!(io::stderr(), "otpost-portal: {error}");
            ExitCode::FAILURE
        }
    }
}

fn try_run(args: &Args) -> Result<(), ServeError> {
    let config: PortalConfig = otpost_conf::load(&args.config)?;
    if let Some(address) = config.plain_http_address() {
        return Err(ServeError::PlainHttp { address });
    }
    if args.check {
        let _ = writeln!(io::stdout(), "{}: OK", args.config.display());
        return Ok(());
    }
    let log = start_log(&config.log.level);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| ServeError::Runtime { errno: errno(&error) })?;
    runtime.block_on(async {
        let failed = |error: io::Error| ServeError::Runtime { errno: errno(&error) };
        let stop = StopSignals {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        };
        let hangup = signal(SignalKind::hangup()).map_err(failed)?;
        let (configs, reload) = mpsc::channel(1);
        tokio::spawn(reload_on(hangup, args.config.clone(), log, configs));
        serve(
            config,
            Deps {
                stop: Box::pin(stop.wait()),
                reload,
            },
        )
        .await
    })
}

struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Loads the file again on each SIGHUP. A file that cannot be used changes nothing.
async fn reload_on(
    mut hangup: Signal,
    path: PathBuf,
    log: Option<FilterHandle>,
    configs: mpsc::Sender<PortalConfig>,
) {
    while hangup.recv().await.is_some() {
        match otpost_conf::load::<PortalConfig>(&path) {
            Ok(config) => {
                if let Some(log) = &log {
                    let _ = log.reload(filter(&config.log.level));
                }
                if configs.send(config).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::error!("{error}\nthe configuration in force stays"),
        }
    }
}

/// `None` where a log is there already.
fn start_log(level: &str) -> Option<FilterHandle> {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    // The journal has its own time stamps and no colours.
    let started = if Path::new("/run/systemd/system").exists() && std::env::var_os("JOURNAL_STREAM").is_some()
    {
        registry.with(lines.without_time().with_ansi(false)).try_init()
    } else {
        registry
            .with(lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())))
            .try_init()
    };
    started.is_ok().then_some(handle)
}

/// The configuration has checked the text already; a part that still does not parse is left out.
fn filter(level: &str) -> EnvFilter {
    EnvFilter::builder().parse_lossy(level)
}
