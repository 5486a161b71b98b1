//! A mail server: Debian's aiosmtpd, by the script of the daemon's own mail tests.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use otpost_ipc::admin::{AdminOp, MailSet};
use serde::Deserialize;
use serde_json::Value;

use crate::pamstack::wait_for;
use crate::skip;
use crate::stack::Stack;

/// A mail that was taken.
#[derive(Debug, Clone, Deserialize)]
pub struct Mailed {
    /// Whom for.
    pub to: Vec<String>,
    /// Text.
    pub body: String,
    /// Headers by name.
    pub headers: Value,
}

impl Mailed {
    /// The code in it: six digits by themselves.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let mut words = self.body.split(|c: char| !c.is_ascii_alphanumeric());
        let code = words.find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()));
        code.expect("a code").to_owned()
    }
}

/// The server; ends with the value.
#[derive(Debug)]
pub struct Postbox {
    child: Child,
    port: u16,
    taken: Arc<Mutex<Vec<Mailed>>>,
}

impl Postbox {
    /// Starts one and has the daemon send through it; says so where the machine has no aiosmtpd.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn or_skip(stack: &Stack) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../daemon/tests/mail/peer.py");
        let has = Command::new("/usr/bin/python3")
            .args(["-c", "import aiosmtpd"])
            .output();
        if !has.is_ok_and(|output| output.status.success()) {
            skip("python3-aiosmtpd is not installed");
            return None;
        }
        let mut child = Command::new("/usr/bin/python3")
            .arg("-u")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = lines.next().expect("a port").expect("a line");
        let port = port.parse().expect("a port");
        let taken: Arc<Mutex<Vec<Mailed>>> = Arc::default();
        std::thread::spawn({
            let taken = Arc::clone(&taken);
            move || {
                for line in lines.map_while(Result::ok) {
                    let said: Value = serde_json::from_str(&line).expect("JSON");
                    if said.get("event").and_then(Value::as_str) == Some("taken") {
                        let mail = serde_json::from_value(said).expect("a mail");
                        taken.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
                    }
                }
            }
        });
        let postbox = Self { child, port, taken };
        mail_through(stack, postbox.port);
        Some(postbox)
    }

    /// Everything taken so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mailed> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The mail after the first `before`; waits for it.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn after(&self, before: usize) -> Mailed {
        wait_for("a mail", || self.mails().into_iter().nth(before))
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Has the daemon send mail through a port of this machine.
pub fn mail_through(stack: &Stack, port: u16) {
    stack.admin(AdminOp::MailSet(MailSet {
        host: Some("127.0.0.1".to_owned()),
        port: Some(port),
        security: Some("none".to_owned()),
        from: Some("otpost <otpost@example.com>".to_owned()),
        ..MailSet::default()
    }));
}
