//! otpost-portal beside an [`Otpost`].

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use nix::sched::CpuSet;
use otpost_ipc::admin::{AdminOp, PortalSet};

use crate::bench::otpost::Otpost;
use crate::bench::process::{Cpus, Program};
use crate::bench::{Outcome, wait_for};

/// How pages are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) enum Tls {
    /// Plain HTTP on loopback.
    Off,
    /// As by default: in the process, with a certificate that it makes.
    SelfSigned,
}

/// Self-service and console on loopback.
#[derive(Debug)]
pub(in crate::bench) struct Portal {
    pub(in crate::bench) program: Program,
    /// Such as `https://127.0.0.1:PORT`: of the pages for everybody.
    pub(in crate::bench) base: String,
    /// The same of the console.
    pub(in crate::bench) console: String,
    state: PathBuf,
}

impl Portal {
    /// Starts it on all processors and waits until it listens. All load comes from one address, so the limit for one is out of the
    /// way.
    pub(in crate::bench) fn start(otpost: &Otpost, tls: Tls, all: &CpuSet) -> Outcome<Self> {
        let dir = otpost.dir();
        let state = dir.join("tls");
        // Without TLS it stands behind a proxy, so that the load can say which network it comes from.
        let (mode, scheme, proxies) = match tls {
            Tls::Off => ("off", "http", "\"127.0.0.1\""),
            Tls::SelfSigned => ("self-signed", "https", ""),
        };
        let config = dir.join("portal.toml");
        fs::write(
            &config,
            format!(
                "socket = \"{}/run/portal.sock\"\nbehind-proxy = [{proxies}]\n[self-service]\nlisten = [\"127.0.0.1:0\"]\n[console]\nlisten = [\"127.0.0.1:0\"]\n\
                 [tls]\nmode = \"{mode}\"\nstate-directory = \"{}\"\n\
                 [limits]\nrequests-per-second = 100000\nburst = 100000\n[log]\nlevel = \"info\"\n",
                dir.display(),
                state.display()
            ),
        )?;
        let mut command = Command::new(otpost.programs().join("otpost-portal"));
        command.arg("--config").arg(config);
        let mut program = Program::start(command, &dir.join("portal.log"), Cpus::All, all)?;
        let (base, console) = wait_for("otpost-portal to listen", || {
            program.alive()?;
            let said = program.said();
            let of = |site: &str| {
                let line = said
                    .lines()
                    .find(|line| line.contains(&format!("site=\"{site}\"")))?;
                let (_, address) = line.rsplit_once("address=")?;
                Some(format!("{scheme}://{}", address.trim()))
            };
            Ok(of("self-service").zip(of("console")))
        })?;
        otpost.admin(AdminOp::PortalSet(PortalSet {
            url: Some(base.clone()),
            console_url: Some(console.clone()),
            ..PortalSet::default()
        }))?;
        Ok(Self {
            program,
            base,
            console,
            state,
        })
    }

    /// The certificate that it made.
    pub(in crate::bench) fn certificate(&self) -> PathBuf {
        self.state.join("self-signed.crt")
    }
}
