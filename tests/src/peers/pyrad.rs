//! pyrad, a RADIUS client in Python: its own codec, its own arithmetic.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// What came back, its authenticators checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(Value);

impl Reply {
    /// 2, 3 or 11; 0 for silence.
    #[must_use]
    pub fn code(&self) -> u64 {
        self.0.get("code").and_then(Value::as_u64).unwrap_or_default()
    }

    /// Type of the first attribute.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.0.get("first").and_then(Value::as_u64).unwrap_or_default()
    }

    /// The values of an attribute, octets in hex; empty where there is none.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self
            .0
            .pointer(&format!("/attributes/{name}"))
            .and_then(Value::as_array);
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        values.into_iter().flatten().map(shown).collect()
    }

    /// The only value of an attribute.
    ///
    /// # Panics
    /// When there is none or more than one.
    #[must_use]
    pub fn one(&self, name: &str) -> String {
        match self.all(name).as_slice() {
            [value] => value.clone(),
            other => panic!("{name} is there {} times: {self:?}", other.len()),
        }
    }
}

/// A client with a socket of its own.
#[derive(Debug)]
pub struct Pyrad {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Pyrad {
    /// A client of `server`.
    ///
    /// # Panics
    /// When Python is missing.
    #[must_use]
    pub fn start(server: SocketAddr, secret: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("pyrad/client.py");
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .args([server.ip().to_string(), server.port().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("/usr/bin/python3 with python3-pyrad; scripts/setup.sh check installs it");
        let mut to = child.stdin.take().expect("a pipe");
        to.write_all(format!("{secret}\n").as_bytes())
            .expect("the script reads");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, to, from }
    }

    /// Sends what the script's own description says.
    ///
    /// # Panics
    /// When the script fails.
    pub fn ask(&mut self, request: &Value) -> Reply {
        self.to
            .write_all(format!("{request}\n").as_bytes())
            .expect("the script reads");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the script answers");
        Reply(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")))
    }

    /// A first request by PAP.
    pub fn password(&mut self, user: &str, password: &str) -> Reply {
        self.ask(&json!({ "attributes": { "User-Name": user }, "password": password }))
    }

    /// A further request by PAP; `state` as the challenge had it.
    pub fn code(&mut self, user: &str, state: &str, code: &str) -> Reply {
        self.ask(&json!({ "attributes": { "User-Name": user, "State": state }, "password": code }))
    }
}

impl Drop for Pyrad {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
