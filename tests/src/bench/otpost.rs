//! otpostd and otpost-radius as a site would run them, with many users and no budget in the way.

use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use std::io::{BufReader, Read, Write};

use nix::sched::CpuSet;
use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings, SmsPolicySet, UserAdd};
use otpost_ipc::client::{Client, Deadline};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_ipc::{Hello, Outcome as Answer, Request, Response, Role, Secret, frame};

use super::process::{Cpus, Program};
use super::{Outcome, PATIENCE, SECRET, names, wait_for};

/// Connections that import users side by side, and requests under way on each.
const IMPORTERS: usize = 16;
const PIPELINE: usize = 16;

/// Both programs and their state.
#[derive(Debug)]
pub(super) struct Otpost {
    dir: PathBuf,
    programs: PathBuf,
    pub(super) daemon: Option<Program>,
    pub(super) radius: Option<Program>,
}

impl Otpost {
    /// A fresh installation in `dir`; the programs are those in `programs`.
    pub(super) fn install(dir: &Path, programs: &Path, all: &CpuSet) -> Outcome<Self> {
        for part in ["data", "run"] {
            let mode = if part == "run" { 0o755 } else { 0o700 };
            DirBuilder::new()
                .mode(mode)
                .recursive(true)
                .create(dir.join(part))?;
        }
        let shown = dir.display();
        let further = std::env::var("BENCH_CONFIG").unwrap_or_default();
        fs::write(
            dir.join("daemon.toml"),
            format!(
                "environment = \"development\"\n\
                 [store]\npath = \"{shown}/data/otpost.db\"\n\
                 [keys]\nmaster-key-file = \"{shown}/data/master.key\"\n\
                 [sockets]\ndirectory = \"{shown}/run\"\n\
                 [log]\nlevel = \"warn\"\n{further}"
            ),
        )?;
        let mut otpost = Self {
            dir: dir.to_owned(),
            programs: programs.to_owned(),
            daemon: None,
            radius: None,
        };
        otpost.start_daemon(Cpus::All, all)?;
        otpost.configure()?;
        Ok(otpost)
    }

    /// Where everything is.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the programs are.
    pub(super) fn programs(&self) -> &Path {
        &self.programs
    }

    /// The PAM socket.
    pub(super) fn pam_socket(&self) -> PathBuf {
        self.dir.join("run/pam.sock")
    }

    /// The development inbox.
    pub(super) fn inbox(&self) -> PathBuf {
        self.dir.join("inbox.jsonl")
    }

    /// Starts otpostd and waits until it answers.
    pub(super) fn start_daemon(&mut self, cpus: Cpus, all: &CpuSet) -> Outcome<()> {
        let mut command = Command::new(self.programs.join("otpostd"));
        command.arg("--config").arg(self.dir.join("daemon.toml"));
        let mut program = Program::start(command, &self.dir.join("daemon.log"), cpus, all)?;
        wait_for("otpostd to answer", || {
            program.alive()?;
            Ok(self.admin(AdminOp::Status).is_ok().then_some(()))
        })?;
        self.daemon = Some(program);
        Ok(())
    }

    /// Starts both programs, after stopping those that run.
    pub(super) fn start(&mut self, cpus: Cpus, all: &CpuSet) -> Outcome<SocketAddr> {
        self.stop()?;
        self.start_daemon(cpus, all)?;
        let port = super::free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let config = self.dir.join("radius.toml");
        let socket = self.dir.join("run/radius.sock");
        fs::write(
            &config,
            format!(
                "listen = [\"0.0.0.0:{port}\"]\nsocket = \"{}\"\n[log]\nlevel = \"info\"\n",
                socket.display()
            ),
        )?;
        let log = self.dir.join("radius.log");
        let _ = fs::remove_file(&log);
        let mut command = Command::new(self.programs.join("otpost-radius"));
        command.arg("--config").arg(config);
        let mut program = Program::start(command, &log, cpus, all)?;
        wait_for("otpost-radius to have its clients", || {
            program.alive()?;
            let said = program.said();
            let ready = said.contains("listening") && said.contains("connected to otpostd");
            Ok(ready.then_some(()))
        })?;
        self.radius = Some(program);
        Ok(address)
    }

    /// Stops both programs.
    pub(super) fn stop(&mut self) -> Outcome<()> {
        for program in [self.radius.take(), self.daemon.take()].into_iter().flatten() {
            program.stop()?;
        }
        Ok(())
    }

    /// Asks as an administrator.
    pub(super) fn admin(&self, op: AdminOp) -> Outcome<AdminReply> {
        let deadline = Deadline::after(PATIENCE);
        let socket = self.dir.join("run/admin.sock");
        Ok(Client::<AdminOp, AdminReply>::connect(&socket, Role::Admin, deadline)?.call(op)?)
    }

    fn configure(&self) -> Outcome<()> {
        self.admin(AdminOp::SmsProviderAdd {
            name: "inbox".to_owned(),
            kind: "file".to_owned(),
            priority: None,
            sender: String::new(),
            config: Secret::new(serde_json::json!({ "path": self.inbox() }).to_string()),
        })?;
        let many = Some(1_000_000_000);
        self.admin(AdminOp::SmsPolicySet(SmsPolicySet {
            countries: Some(vec!["DE".to_owned()]),
            number_hour: many,
            number_day: many,
            user_hour: many,
            user_day: many,
            source_hour: many,
            source_day: many,
            all_minute: many,
            all_day: many,
            ..SmsPolicySet::default()
        }))?;
        self.admin(AdminOp::ResourceAdd {
            name: "vpn".to_owned(),
            set: ResourceSettings {
                pam_services: Some(vec!["*".to_owned()]),
                ..ResourceSettings::default()
            },
        })?;
        for (name, network, first_factor) in [
            ("gw", "127.0.0.1/32", "stack"),
            ("local", "127.0.0.2/32", "local"),
        ] {
            self.admin(AdminOp::RadiusClientAdd {
                name: name.to_owned(),
                networks: vec![network.to_owned()],
                resource: "vpn".to_owned(),
                secret: Some(SECRET.into()),
                weak_secret: false,
                message_authenticator: MessageAuthenticator::Require,
                first_factor: Some(first_factor.to_owned()),
                set: otpost_ipc::admin::ClientSet::default(),
            })?;
        }
        Ok(())
    }

    /// Gives user 0 the password that the generator sends, for logins through the client `local`.
    pub(super) fn give_password(&self) -> Outcome<()> {
        self.admin(AdminOp::UserSet(otpost_ipc::admin::UserSet {
            user: names::user(0),
            password: Some(Secret::new(names::password(0))),
            ..Default::default()
        }))?;
        Ok(())
    }

    /// Makes users `0..count`, each with an SMS token, over several connections at once; gives seconds.
    pub(super) fn import(&self, count: usize) -> Outcome<f64> {
        let begun = super::sys::now();
        let socket = self.dir.join("run/admin.sock");
        let part = count.div_ceil(IMPORTERS);
        std::thread::scope(|scope| {
            let parts: Vec<_> = (0..IMPORTERS)
                .map(|n| (n * part).min(count)..((n + 1) * part).min(count))
                .map(|users| scope.spawn(|| import_part(&socket, users).map_err(|error| error.to_string())))
                .collect();
            parts.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("an importer panicked".to_owned()))
            })
        })?;
        Ok((super::sys::now() - begun).as_secs_f64())
    }
}

fn import_part(socket: &Path, users: std::ops::Range<usize>) -> Outcome<()> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut to = stream.try_clone()?;
    let mut from = BufReader::new(stream);
    to.write_all(&frame::encode(&Hello::of(Role::Admin))?)?;
    let _: Hello = read(&mut from)?;
    let users: Vec<usize> = users.collect();
    // A user's token needs the user: first one request of each, then the other.
    for users in users.chunks(PIPELINE) {
        for tokens in [false, true] {
            let mut octets = Vec::new();
            for user in users {
                let op = if tokens {
                    AdminOp::TokenAdd {
                        user: names::user(*user),
                        phone: Secret::new(names::phone(*user)),
                        name: String::new(),
                        digits: None,
                        resources: Vec::new(),
                    }
                } else {
                    AdminOp::UserAdd(UserAdd {
                        login: names::user(*user),
                        resources: vec!["vpn".to_owned()],
                        ..UserAdd::default()
                    })
                };
                let id = u64::try_from(*user)? + 1;
                octets.extend_from_slice(&frame::encode(&Request { id, op })?);
            }
            to.write_all(&octets)?;
            for _ in users {
                let response: Response<AdminReply> = read(&mut from)?;
                if let Answer::Err(fault) = response.outcome {
                    return Err(fault.into());
                }
            }
        }
    }
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(from: &mut impl Read) -> Outcome<T> {
    let mut header = [0; frame::HEADER];
    from.read_exact(&mut header)?;
    let mut json = vec![0; frame::decode_header(header)?];
    from.read_exact(&mut json)?;
    Ok(frame::decode(&json)?)
}
