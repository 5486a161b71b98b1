//! otpost-portal, started beside a [`Stack`].

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use otpost_ipc::admin::{AdminOp, PortalSet, ResourceSettings, SelfServiceSettings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::pamstack::wait_for;
use crate::stack::{Program, Stack};

/// Self-service and console, on loopback; killed when dropped.
#[derive(Debug)]
pub struct Site {
    /// The program.
    pub program: Program,
    /// Such as `http://127.0.0.1:PORT`: of the pages for everybody.
    pub base: String,
    /// The same of the console.
    pub console: String,
}

impl Site {
    /// Starts it, and tells the daemon where it is.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(stack: &Stack) -> Self {
        Self::with(stack, "mode = \"off\"", "http")
    }

    /// The same with a certificate that it makes itself, and what a browser needs to trust it.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn secure(stack: &Stack) -> (Self, Arc<ClientConfig>) {
        let state = stack.dir().join("tls");
        let tls = format!(
            "mode = \"self-signed\"\nstate-directory = \"{}\"",
            state.display()
        );
        let site = Self::with(stack, &tls, "https");
        let config = trust(&state.join("self-signed.crt"));
        (site, config)
    }

    fn with(stack: &Stack, tls: &str, scheme: &str) -> Self {
        let dir = stack.dir();
        let file = dir.join("portal.toml");
        let config = format!(
            "socket = \"{}\"\ntest-locale = true\n[self-service]\nlisten = [\"127.0.0.1:0\"]\n\
             [console]\nlisten = [\"127.0.0.1:0\"]\n[tls]\n{tls}\n\
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
            let of = |site| Some(format!("{scheme}://{}", listening(&log, site)?));
            Some((of("self-service")?, of("console")?))
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

fn listening(log: &str, site: &str) -> Option<SocketAddr> {
    let line = log
        .lines()
        .find(|line| line.contains("listening") && line.contains(&format!("site=\"{site}\"")))?;
    let (_, address) = line.rsplit_once("address=")?;
    address.trim().parse().ok()
}

/// What a browser needs to trust the certificate in `file` (PEM).
///
/// # Panics
/// When there is none.
#[must_use]
pub fn trust(file: &Path) -> Arc<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(file).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
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
