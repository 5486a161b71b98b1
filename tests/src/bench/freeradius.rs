//! FreeRADIUS as it comes with Debian, with nothing in its configuration that the comparison does not need.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::CpuSet;

use super::process::{Cpus, Program};
use super::{Outcome, SECRET, free_port, names, wait_for};

/// A server that answers PAP on one port and challenges on another.
#[derive(Debug)]
pub(super) struct FreeRadius {
    dir: PathBuf,
    users: usize,
    pub(super) program: Option<Program>,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    /// One request, one Access-Accept.
    pub(super) pap: SocketAddr,
    /// Password, Access-Challenge with State, code, Access-Accept.
    pub(super) challenge: SocketAddr,
}

/// Virtual servers; no accounting, no log of requests. A challenge's code is random and kept in memory, in
/// session-state; it is told in Reply-Message, where ours sends a text.
const SITES: &str = r#"
server pap {
    listen {
        type = auth
        ipaddr = 127.0.0.1
        port = @PAP@
    }
    authorize {
        files
        pap
    }
    authenticate {
        Auth-Type PAP {
            pap
        }
    }
    post-auth { update reply {
        &Message-Authenticator := 0x00 }
    }
}
server challenge {
    listen {
        type = auth
        ipaddr = 127.0.0.1
        port = @CHALLENGE@
    }
    authorize {
        if (!&State) {
            files
            update control {
                &Auth-Type := Step1
            }
        }
        else {
            update control {
                &Auth-Type := Step2
                &Cleartext-Password := &session-state:Tmp-String-0
            }
        }
    }
    authenticate {
        Auth-Type Step1 {
            pap
            update session-state {
                &Tmp-String-0 := "%{randstr:nnnnnn}"
            }
            update reply {
                &Message-Authenticator := 0x00
                &Reply-Message := "Your code is %{session-state:Tmp-String-0}: "
            }
            update control {
                &Response-Packet-Type := Access-Challenge
            }
            handled
        }
        Auth-Type Step2 {
            pap
        }
    }
    post-auth { update reply {
        &Message-Authenticator := 0x00 }
    }
}
"#;

const MAIN: &str = r#"
name = otpost-bench
prefix = /usr
libdir = /usr/lib/freeradius
logdir = "@DIR@"
run_dir = "@DIR@"
raddbdir = "@DIR@"
db_dir = "@DIR@"
pidfile = "@DIR@/freeradius.pid"
max_request_time = 30
cleanup_delay = 5
max_requests = 65536
hostname_lookups = no
log {
    destination = files
    file = "@DIR@/radius.log"
    auth = no
    syslog_facility = daemon
}
security {
    max_attributes = 200
    reject_delay = 0
    status_server = no
    allow_vulnerable_openssl = yes
}
thread pool {
    start_servers = 2
    max_servers = 8
    min_spare_servers = 1
    max_spare_servers = 8
    max_requests_per_server = 0
}
client gw {
    ipaddr = 127.0.0.1
    secret = @SECRET@
    require_message_authenticator = no
}
modules {
    files {
        usersfile = "@DIR@/users"
    }
    pap {
        normalise = no
    }
    expr {
    }
    always handled {
        rcode = handled
    }
}
instantiate {
    expr
}
"#;

impl FreeRadius {
    /// Writes the configuration with `users` users.
    pub(super) fn install(dir: &Path, users: usize) -> Outcome<Self> {
        fs::create_dir_all(dir)?;
        let mut file = String::new();
        for n in 0..users {
            writeln!(
                file,
                "{} Cleartext-Password := \"{}\"",
                names::user(n),
                names::password(n)
            )?;
        }
        fs::write(dir.join("users"), file)?;
        fs::write(
            dir.join("dictionary"),
            "$INCLUDE /usr/share/freeradius/dictionary\n",
        )?;
        Ok(Self {
            dir: dir.to_owned(),
            users,
            program: None,
        })
    }

    /// How many users it knows.
    pub(super) fn users(&self) -> usize {
        self.users
    }

    /// Starts it, after stopping the one that runs.
    pub(super) fn start(&mut self, cpus: Cpus, all: &CpuSet) -> Outcome<Ports> {
        self.stop()?;
        let (pap, challenge) = (free_port()?, free_port()?);
        let main = format!("{MAIN}{SITES}")
            .replace("@DIR@", &self.dir.display().to_string())
            .replace("@SECRET@", SECRET)
            .replace("@PAP@", &pap.to_string())
            .replace("@CHALLENGE@", &challenge.to_string());
        fs::write(self.dir.join("radiusd.conf"), main)?;
        let mut command = Command::new("freeradius");
        command.arg("-f").arg("-d").arg(&self.dir).args(["-n", "radiusd"]);
        let _ = fs::remove_file(self.dir.join("radius.log"));
        let mut program = Program::start(command, &self.dir.join("output.log"), cpus, all)?;
        wait_for("freeradius to be ready", || {
            let log = fs::read_to_string(self.dir.join("radius.log")).unwrap_or_default();
            program.alive().map_err(|error| format!("{error}\n{log}"))?;
            Ok(log.contains("Ready to process requests").then_some(()))
        })?;
        self.program = Some(program);
        Ok(Ports {
            pap: SocketAddr::from(([127, 0, 0, 1], pap)),
            challenge: SocketAddr::from(([127, 0, 0, 1], challenge)),
        })
    }

    /// Stops it.
    pub(super) fn stop(&mut self) -> Outcome<()> {
        self.program.take().map_or(Ok(()), Program::stop)
    }
}
