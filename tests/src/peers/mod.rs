//! Peers that nobody here wrote, and what they need: hosts of their own, programs to talk to, servers that hang.

pub mod host;
pub mod hung;
pub mod ocserv;
pub mod openconnect;
pub mod pyrad;
pub mod talk;

use std::fs;
use std::net::SocketAddr;

use otpost_ipc::admin::{AdminOp, ClientSet};
use otpost_ipc::radius::MessageAuthenticator;

use crate::command::{program, run};
use crate::pamstack::{target_dir, wait_for};
use crate::stack::{Program, SECRET, Stack, listening};
use host::Host;

/// A RADIUS client of 127.0.0.1 for `vpn` that is of a known product and sends Message-Authenticator as `mode` says.
pub fn client(stack: &Stack, name: &str, nas: Option<&str>, mode: MessageAuthenticator) {
    stack.admin(AdminOp::RadiusClientAdd {
        name: name.to_owned(),
        networks: vec!["127.0.0.1/32".to_owned()],
        resource: "vpn".to_owned(),
        secret: Some(SECRET.into()),
        weak_secret: false,
        message_authenticator: mode,
        first_factor: Some("local".to_owned()),
        set: ClientSet {
            nas: nas.map(str::to_owned),
            ..ClientSet::default()
        },
    });
}

/// A further otpost-radius of `stack`: on `host`, or beside the others; `name` is that of its files.
///
/// # Panics
/// When it does not come up.
#[expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#[must_use]
pub fn radius(stack: &Stack, name: &str, listen: &str, host: Option<&Host>) -> (Program, SocketAddr) {
    let file = stack.dir().join(format!("{name}.toml"));
    let socket = stack.socket("radius");
    let config = format!(
        "listen = [\"{listen}\"]\nsocket = \"{}\"\n[log]\nlevel = \"trace\"\n",
        socket.display()
    );
    fs::write(&file, config).expect("a configuration file");
    let log = stack.dir().join(format!("{name}.log"));
    let mut server = match host {
        None => Program::start("otpost-radius", &file, &log),
        Some(host) => {
            let mut command = host.command(target_dir().join("otpost-radius"));
            Program::spawn(command.arg("--config").arg(&file), &log)
        }
    };
    let address = wait_for("otpost-radius to listen and to have its clients", || {
        if let Some(status) = server.ended() {
            panic!("otpost-radius ended with {status}: {}", server.log());
        }
        let log = server.log();
        log.contains("connected to otpostd")
            .then(|| listening(&log))
            .flatten()
    });
    (server, address)
}

/// What `otpostctl status` says.
///
/// # Panics
/// When it fails.
#[must_use]
pub fn status(stack: &Stack) -> String {
    let ended = run(program("otpostctl", ["status", "--socket"]).arg(stack.socket("admin")));
    assert!(ended.status.success(), "{ended:?}");
    ended.out
}
