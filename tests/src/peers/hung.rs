//! Servers that are slow or say nothing: an SMS gateway that takes its time for some numbers, a port that never answers.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stack::Texted;

/// Longest body of a request.
const BODY: usize = 64 * 1024;

/// Which texts take long: by number.
type Slow = Box<dyn Fn(&str) -> bool + Send + Sync>;
/// What happens when a phone gets its text.
type Arrives = Box<dyn Fn(&Texted) + Send + Sync>;

/// A gateway over HTTP. Ends with the process.
#[derive(Clone)]
pub struct SlowGateway {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    slow: Slow,
    arrives: Arrives,
    patience: Duration,
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    holding: usize,
    released: bool,
}

impl SlowGateway {
    /// A gateway that answers texts to numbers that are `slow` after `patience`, or when they are released, and others at once.
    /// `arrives` is called before an answer: then the phone has its text.
    ///
    /// # Panics
    /// When there is no port.
    pub fn start(
        patience: Duration,
        slow: impl Fn(&str) -> bool + Send + Sync + 'static,
        arrives: impl Fn(&Texted) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let gateway = Self {
            address: listener.local_addr().expect("the port"),
            shared: Arc::new(Shared {
                slow: Box::new(slow),
                arrives: Box::new(arrives),
                patience,
                state: Mutex::default(),
                released: Condvar::new(),
            }),
        };
        thread::spawn({
            let shared = Arc::clone(&gateway.shared);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || shared.serve(&stream));
                }
            }
        });
        gateway
    }

    /// Settings of the provider.
    #[must_use]
    pub fn settings(&self) -> Value {
        json!({
            "url": format!("http://{}/sms", self.address),
            "body": { "kind": "json", "template": r#"{"to": "{to}", "text": "{text}"}"# },
            "success": { "status": [200], "json-pointer": "/status", "equals": "0" },
            "id": { "json-pointer": "/id" },
            "error": { "json-pointer": "/status" },
            "connect-timeout": "5s",
            "total-timeout": "15s",
        })
    }

    /// Texts that wait for their answer.
    #[must_use]
    pub fn holding(&self) -> usize {
        self.shared.state().holding
    }

    /// Answers what waits, and everything from now on at once.
    pub fn release(&self) {
        self.shared.state().released = true;
        self.shared.released.notify_all();
    }

    /// Is slow again.
    pub fn slow_down(&self) {
        self.shared.state().released = false;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers requests until the connection ends.
    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut from = BufReader::new(stream);
        while let Some(text) = request(&mut from) {
            if (self.slow)(&text.to) {
                self.hold();
            }
            (self.arrives)(&text);
            let body = r#"{"status": "0", "id": "1"}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            if (&*stream).write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn hold(&self) {
        let mut state = self.state();
        state.holding += 1;
        let waited = self
            .released
            .wait_timeout_while(state, self.patience, |state| !state.released);
        waited.unwrap_or_else(PoisonError::into_inner).0.holding -= 1;
    }
}

/// The text in the next request; `None` when the other side is done.
fn request(from: &mut impl BufRead) -> Option<Texted> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; usize::min(length, BODY)];
    from.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).ok()?;
    let field = |name: &str| Some(body.get(name)?.as_str()?.to_owned());
    Some(Texted {
        to: field("to")?,
        text: field("text")?,
        reference: String::new(),
    })
}

/// A TCP port that takes connections and never says a word. Ends with the process.
#[derive(Debug, Clone)]
pub struct Silent {
    address: SocketAddr,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    streams: Vec<TcpStream>,
    /// Connections end as they come.
    closed: bool,
}

impl Silent {
    /// A port on loopback.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let silent = Self {
            address: listener.local_addr().expect("the port"),
            held: Arc::default(),
        };
        thread::spawn({
            let silent = silent.clone();
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let mut held = silent.held();
                    if !held.closed {
                        held.streams.push(stream);
                    }
                }
            }
        });
        silent
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections at which the other side still waits.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let mut held = self.held();
        held.streams.retain(|stream| {
            // What is asked is read by nobody; only an end shows.
            let mut octets = [0; 1024];
            let _ = stream.set_nonblocking(true);
            loop {
                match (&*stream).read(&mut octets) {
                    Ok(0) => return false,
                    Ok(_) => {}
                    Err(error) => return error.kind() == ErrorKind::WouldBlock,
                }
            }
        });
        held.streams.len()
    }

    /// Ends all connections, and new ones as they come.
    pub fn hang_up(&self) {
        let mut held = self.held();
        held.closed = true;
        held.streams.clear();
    }

    /// Takes connections and says nothing again.
    pub fn hang(&self) {
        self.held().closed = false;
    }
}
