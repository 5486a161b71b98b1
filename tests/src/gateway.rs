//! An SMS gateway: Python's `http.server`, with `urllib` and `json` to decode what it received. The path of the URL says
//! how it behaves; the script is that of the HTTP transport's own tests.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use otpost_ipc::Secret;
use otpost_ipc::admin::AdminOp;
use serde_json::{Value, json};

use crate::pamstack::wait_for;
use crate::stack::{Stack, Texted};

/// The credential in all settings made here.
pub const TOKEN: &str = "tok-Vq8Lm2Xz7Rt5Kd";

/// The server process; ends with the value.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    port: u16,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Gateway {
    /// Starts a server on a port of its own.
    ///
    /// # Panics
    /// When Python is missing.
    #[must_use]
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sms/tests/peer.py");
        let mut child = Command::new("python3")
            .arg("-u")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for this test");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = lines.next().expect("a port").expect("a line");
        let port = port.parse().expect("a port");
        let requests: Arc<Mutex<Vec<Value>>> = Arc::default();
        std::thread::spawn({
            let requests = Arc::clone(&requests);
            move || {
                for line in lines.map_while(Result::ok) {
                    let request = serde_json::from_str(&line).expect("what the script prints is JSON");
                    requests
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(request);
                }
            }
        });
        Self {
            child,
            port,
            requests,
        }
    }

    /// Everything received so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until `count` requests have come, and gives them.
    ///
    /// # Panics
    /// When they do not come, or more.
    #[must_use]
    pub fn received(&self, count: usize) -> Vec<Value> {
        let requests = wait_for("requests at the gateway", || {
            Some(self.requests()).filter(|requests| requests.len() >= count)
        });
        assert_eq!(requests.len(), count, "{requests:#?}");
        requests
    }

    /// The address of `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Settings that put everything, the credential too, into the query.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        self.settings(
            path,
            json!({
                "method": "GET",
                "query": [
                    { "name": "to", "value": "{to}" },
                    { "name": "text", "value": "{text}" },
                    { "name": "key", "value": "{secret.token}" },
                ],
            }),
        )
    }

    /// Settings of a form with Basic authentication.
    #[must_use]
    pub fn form(&self, path: &str) -> Value {
        self.settings(
            path,
            json!({
                "body": { "kind": "form", "fields": [
                    { "name": "to", "value": "{to}" },
                    { "name": "text", "value": "{text}" },
                ] },
                "auth": { "kind": "basic", "username": "me", "password": "{secret.token}" },
            }),
        )
    }

    /// Settings of a JSON document with a bearer token.
    #[must_use]
    pub fn json(&self, path: &str) -> Value {
        self.settings(
            path,
            json!({
                "body": {
                    "kind": "json",
                    "template": r#"{"to": "{to}", "text": "{text}", "ttl": "{ttl-seconds}"}"#,
                },
                "auth": { "kind": "bearer", "token": "{secret.token}" },
            }),
        )
    }

    fn settings(&self, path: &str, request: Value) -> Value {
        let mut all = json!({
            "url": self.url(path),
            "success": { "status": [200], "json-pointer": "/status", "equals": "0" },
            "id": { "json-pointer": "/id" },
            "error": { "json-pointer": "/status" },
            "class-map": { "9": "balance" },
            "secrets": { "token": TOKEN },
        });
        if let (Some(all), Value::Object(request)) = (all.as_object_mut(), request) {
            all.extend(request);
        }
        all
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `settings` for a gateway that is given up after a second.
///
/// # Panics
/// When they are no object.
#[must_use]
pub fn impatient(mut settings: Value) -> Value {
    let all = settings.as_object_mut().expect("settings");
    all.insert("connect-timeout".to_owned(), json!("500ms"));
    all.insert("total-timeout".to_owned(), json!("1s"));
    settings
}

/// Makes an HTTP provider; `priority`: lower is asked first.
pub fn provider(stack: &Stack, name: &str, priority: u32, settings: &Value) {
    stack.admin(AdminOp::SmsProviderAdd {
        name: name.to_owned(),
        kind: "http".to_owned(),
        priority: Some(priority),
        sender: String::new(),
        config: Secret::new(settings.to_string()),
    });
}

/// The text in a request to the gateway, wherever its settings put it.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn text_in(request: &Value) -> Texted {
    let field = |name: &str| {
        let pairs = |part: &str| {
            let pairs = request.get(part)?.as_array()?.clone();
            pairs.into_iter().find_map(|pair| {
                let (key, value) = (pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
                (key == name).then(|| value.to_owned())
            })
        };
        let json = || Some(request.get("json")?.get(name)?.as_str()?.to_owned());
        pairs("query")
            .or_else(|| pairs("form"))
            .or_else(json)
            .unwrap_or_else(|| panic!("no {name} in {request:#}"))
    };
    Texted {
        to: field("to"),
        text: field("text"),
        reference: String::new(),
    }
}
