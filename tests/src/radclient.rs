//! Driving `radclient` of freeradius-utils.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

/// What radclient got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// `Access-Challenge` and so on; `None` for silence.
    pub code: Option<String>,
    /// Length of the reply in octets.
    pub length: usize,
    /// Attributes of the reply, in order.
    pub attributes: Vec<(String, String)>,
    /// Exit status.
    pub success: bool,
}

impl Received {
    /// The first attribute of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// State, as radclient writes it (`0x…`).
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn state(&self) -> String {
        self.get("State").expect("a State").to_owned()
    }

    /// Whether the code is this.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

/// One request; a single try of at most `seconds`.
///
/// # Panics
/// When radclient is missing.
#[must_use]
pub fn ask(server: SocketAddr, secret: &str, attributes: &str, seconds: u32) -> Received {
    let timeout = seconds.to_string();
    let output = run(server, secret, attributes, &["-r", "1", "-t", &timeout]);
    let silence = Received {
        code: None,
        length: 0,
        attributes: Vec::new(),
        success: output.status.success(),
    };
    received(&output).into_iter().next_back().unwrap_or(silence)
}

/// The same request `count` times at once, each with an Identifier and an authenticator of its own, from one port.
///
/// # Panics
/// When radclient is missing.
#[must_use]
pub fn several(server: SocketAddr, secret: &str, attributes: &str, count: usize) -> Vec<Received> {
    let count = count.to_string();
    let options = ["-r", "3", "-t", "10", "-c", &count, "-p", &count];
    received(&run(server, secret, attributes, &options))
}

fn run(server: SocketAddr, secret: &str, attributes: &str, options: &[&str]) -> Output {
    let mut child = Command::new("radclient")
        .arg("-x")
        .args(options)
        .args([&server.to_string(), "auth", secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("radclient; install freeradius-utils");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(format!("{attributes}\n").as_bytes())
        .expect("radclient reads its request");
    child.wait_with_output().expect("radclient ends")
}

/// The replies it shows.
fn received(output: &Output) -> Vec<Received> {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut all: Vec<Received> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("Received ") {
            inside = true;
            all.push(Received {
                code: rest.split_whitespace().next().map(str::to_owned),
                length: rest
                    .rsplit_once("length ")
                    .and_then(|(_, n)| n.trim().parse().ok())
                    .unwrap_or_default(),
                attributes: Vec::new(),
                success: output.status.success(),
            });
        } else if inside
            && line.starts_with('\t')
            && let Some((name, value)) = line.trim().split_once(" = ")
            && let Some(last) = all.last_mut()
        {
            last.attributes
                .push((name.to_owned(), value.trim_matches('"').to_owned()));
        } else if !line.starts_with('\t') {
            inside = false;
        }
    }
    all
}

/// The attributes of a first request.
#[must_use]
pub fn password(user: &str, password: &str) -> String {
    format!("User-Name = \"{user}\", User-Password = \"{password}\", Message-Authenticator = 0x00")
}

/// The attributes of a further request.
#[must_use]
pub fn code(user: &str, state: &str, code: &str) -> String {
    format!("{}, State = {state}", password(user, code))
}
