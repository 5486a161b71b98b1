//! Servers and mails.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::ids::MailId;
use otpost_core::mail::{Address, Lang, Rendered, Security, Sender, Settings};
use otpost_daemon::mail::{Accepted, Mail, MailError, Mailer};
use serde_json::Value;
use zeroize::Zeroizing;

/// What must be in no error.
pub(crate) const PASSWORD: &str = "kanarienvogel geheim 4711";
pub(crate) const CODE: &str = "739164";

/// 24 November 2026, 00:47:08 UTC.
pub(crate) const AT: Timestamp = Timestamp(1_795_481_228_000);

pub(crate) fn words() -> Rendered {
    Rendered {
        subject: "Anmeldecode für Büro & Köln – VPN".to_owned(),
        body: Zeroizing::new(format!("Ihr Code für die Anmeldung:\n\n{CODE}\n\n.\n..\nGrüße\n")),
        lang: Lang::De,
    }
}

pub(crate) fn settings(port: u16, security: Security) -> Settings {
    Settings {
        host: "localhost".to_owned(),
        port,
        security,
        user: None,
        from: Sender::parse("Büro, IT <otpost@example.com>").unwrap(),
        ca: None,
    }
}

/// Sends the usual mail to `to`.
pub(crate) async fn send(
    settings: &Settings,
    password: Option<&str>,
    to: &str,
) -> Result<Accepted, MailError> {
    send_within(Mailer::default(), settings, password, to).await
}

pub(crate) async fn send_within(
    mailer: Mailer,
    settings: &Settings,
    password: Option<&str>,
    to: &str,
) -> Result<Accepted, MailError> {
    let to = Address::parse(to).unwrap();
    let words = words();
    let mail = Mail {
        id: MailId([0xab; 16]),
        to: &to,
        words: &words,
        at: AT,
    };
    let sent = mailer.send(settings, password, &mail).await;
    if let Err(error) = &sent {
        // Whatever goes wrong, it is said in one line, and without secrets.
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(shown.len() < 500, "{shown}");
            assert!(!shown.contains('\n') && !shown.contains('\r'), "{shown}");
            for secret in [PASSWORD, CODE, "geheim", "a2FuYXJpZW52b2dlbC", "Grüße"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
    sent
}

/// Short deadlines, so that a test that waits for one is quick.
pub(crate) const HASTY: Mailer = Mailer {
    answer: Duration::from_millis(500),
    whole: Duration::from_secs(20),
};

/// An authority of one's own, and a certificate of it for `name`.
pub(crate) struct Identity {
    pub(crate) ca: String,
    directory: PathBuf,
}

impl Identity {
    pub(crate) fn new(name: &str) -> Self {
        Self::valid(name, (2020, 2090))
    }

    /// An authority's own certificate at a server.
    pub(crate) fn of_authority(name: &str) -> Self {
        let mut ca = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = ca.self_signed(&key).unwrap().pem();
        Self::stored(pem.clone(), &pem, &key)
    }

    /// A certificate valid from the first of January of one year to that of the other.
    pub(crate) fn valid(name: &str, (from, to): (i32, i32)) -> Self {
        let mut ca = rcgen::CertificateParams::default();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut own = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        own.not_before = rcgen::date_time_ymd(from, 1, 1);
        own.not_after = rcgen::date_time_ymd(to, 1, 1);
        let own = own.signed_by(&key, &issuer).unwrap();
        Self::stored(pem, &own.pem(), &key)
    }

    fn stored(ca: String, own: &str, key: &rcgen::KeyPair) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mail-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("cert.pem"), own).unwrap();
        std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
        Self { ca, directory }
    }

    fn arguments(&self) -> [String; 4] {
        let file = |name: &str| self.directory.join(name).display().to_string();
        [
            "--cert".to_owned(),
            file("cert.pem"),
            "--key".to_owned(),
            file("key.pem"),
        ]
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A running aiosmtpd; ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    events: Arc<Mutex<Vec<Value>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    pub(crate) fn plain(arguments: &[&str]) -> Self {
        Self::start(None, arguments)
    }

    pub(crate) fn start(identity: Option<&Identity>, arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/peer.py");
        // Debian's Python has Debian's aiosmtpd; another one that is earlier in PATH may not.
        let mut child = Command::new("/usr/bin/python3")
            .arg("-u")
            .arg(script)
            .args(arguments)
            .args(identity.iter().flat_map(|identity| identity.arguments()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for this test");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .next()
            .expect("python3-aiosmtpd is needed for this test (scripts/setup.sh check)")
            .unwrap();
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let seen = Arc::clone(&events);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                seen.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self {
            child,
            port: port.parse().unwrap(),
            events,
            reader: Some(reader),
        }
    }

    /// Ends the server and gives all that it saw.
    pub(crate) fn seen(mut self) -> Vec<Value> {
        self.end();
        self.events.lock().unwrap().clone()
    }

    /// Ends the server and gives the one mail that it took.
    pub(crate) fn taken(self) -> Value {
        let taken: Vec<Value> = self
            .seen()
            .into_iter()
            .filter(|event| event["event"] == "taken")
            .collect();
        match <[Value; 1]>::try_from(taken) {
            Ok([mail]) => mail,
            Err(other) => panic!("not one mail: {other:?}"),
        }
    }

    fn end(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
