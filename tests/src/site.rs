//! otpost-portal, started beside a [`Stack`].

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::net::SocketAddr;

use otpost_ipc::admin::{AdminOp, PortalSet, ResourceSettings, SelfServiceSettings};

use crate::pamstack::wait_for;
use crate::stack::{Program, Stack};

/// Self-service and console, on loopback without TLS; killed when dropped.
#[derive(Debug)]
pub struct Site {
    /// The program.
    pub program: Program,
    /// `http://127.0.0.1:PORT` of the pages for everybody.
    pub base: String,
    /// `http://127.0.0.1:PORT` of the console.
    pub console: String,
}

impl Site {
    /// Starts it, and tells the daemon where it is.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(stack: &Stack) -> Self {
        let dir = stack.dir();
        let file = dir.join("portal.toml");
        let config = format!(
            "socket = \"{}\"\ntest-locale = true\n[self-service]\nlisten = [\"127.0.0.1:0\"]\n\
             [console]\nlisten = [\"127.0.0.1:0\"]\n[tls]\nmode = \"off\"\n\
             [limits]\nrequests-per-second = 1000\nburst = 10000\n[log]\nlevel = \"trace\"\n",
            stack.socket("portal").display()
        );
        fs::write(&file, config).expect("a configuration file");
        let mut program = Program::start("otpost-portal", &file, &dir.join("portal.log"));
        let (base, console) = wait_for("otpost-portal to listen", || {
            if let Some(status) = program.ended() {
                panic!("otpost-portal ended with {status}: {}", program.log());
            }
            let log = program.log();
            Some((listening(&log, "self-service")?, listening(&log, "console")?))
        });
        stack.admin(AdminOp::PortalSet(PortalSet {
            url: Some(base.clone()),
            console_url: Some(console.clone()),
            email_codes: Some(true),
        }));
        Self {
            program,
            base,
            console,
        }
    }
}

fn listening(log: &str, site: &str) -> Option<String> {
    let line = log
        .lines()
        .find(|line| line.contains("listening") && line.contains(&format!("site=\"{site}\"")))?;
    let (_, address) = line.rsplit_once("address=")?;
    let address: SocketAddr = address.trim().parse().ok()?;
    Some(format!("http://{address}"))
}

/// Settings of a resource whose portal is at `address`, with every action and kind.
#[must_use]
pub fn everything(address: &str) -> ResourceSettings {
    let word = |word: &str| word.to_owned();
    ResourceSettings {
        region: Some(word("DE")),
        self_service: Some(SelfServiceSettings {
            address: Some(word(address)),
            actions: Some(vec![word("all")]),
            kinds: Some(vec![word("sms"), word("totp"), word("recovery")]),
            otp_length: Some(word("choice")),
            ..SelfServiceSettings::default()
        }),
        ..ResourceSettings::default()
    }
}
