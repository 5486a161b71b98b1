//! A browser that shows nothing: keeps cookies, remembers the token of forms, and sends them as a page of the same site would.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names in small letters, in order.
    pub headers: Vec<(String, String)>,
    /// Text.
    pub body: String,
}

impl Answer {
    /// The first header called `name`; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Where it leads.
    #[must_use]
    pub fn to(&self) -> &str {
        self.header("location")
    }

    /// Lines that set a cookie.
    #[must_use]
    pub fn cookies(&self) -> Vec<&str> {
        let all = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        all.map(|(_, value)| value.as_str()).collect()
    }

    /// The same, once it has the status.
    ///
    /// # Panics
    /// When it has another.
    #[must_use]
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert!(
            self.status == status,
            "{} instead of {status}, to {:?}: {}",
            self.status,
            self.to(),
            self.words()
        );
        self
    }

    /// The same, once it leads to `target`.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    #[track_caller]
    pub fn leads(self, target: &str) -> Self {
        let answer = self.is(303);
        assert_eq!(answer.to(), target, "{}", answer.words());
        answer
    }

    /// The same, once its page says `words`.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(
            self.words().contains(words),
            "{words:?} is not in: {} (status {})",
            self.words(),
            self.status
        );
        self
    }

    /// The text of the page as people read it: without what stands between `<` and `>`, on one line.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = String::new();
        for part in self.body.split('<') {
            let text = part.split_once('>').map_or(part, |(_, text)| text);
            words.push_str(text);
            words.push(' ');
        }
        let words = ['"', '&', '\'', '<', '>'].iter().fold(words, |words, sign| {
            words.replace(&format!("&#{};", u32::from(*sign)), &sign.to_string())
        });
        // Fluent isolates what it puts in.
        let plain: String = words
            .chars()
            .filter(|c| !matches!(c, '\u{2068}' | '\u{2069}'))
            .collect();
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The value of the first field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let inputs = self.body.split("<input").skip(1);
        let mut inputs = inputs.filter_map(|rest| rest.split('>').next());
        let found = inputs.find(|input| attribute(input, "name") == Some(name))?;
        attribute(found, "value").map(str::to_owned)
    }

    /// The text of each `<li>` of the list with that id.
    #[must_use]
    pub fn list(&self, id: &str) -> Vec<String> {
        let after = self.body.split_once(&format!("id=\"{id}\""));
        let list = after.map_or("", |(_, rest)| rest);
        let end = ["</ol>", "</ul>"].iter().filter_map(|tag| list.find(tag)).min();
        let items = list
            .get(..end.unwrap_or_default())
            .unwrap_or_default()
            .split("<li")
            .skip(1);
        items
            .map(|item| {
                let item = item.split("</li>").next().unwrap_or_default();
                item.split('<')
                    .map(|part| part.split_once('>').map_or("", |(_, text)| text))
                    .collect::<String>()
            })
            .collect()
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// A browser on one site.
#[derive(Debug, Clone)]
pub struct Http {
    base: String,
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    /// What it keeps.
    pub cookies: BTreeMap<String, String>,
    /// Headers beside those of every browser, in place of them where they have the same name; an empty value: not sent.
    pub further: Vec<(&'static str, String)>,
    /// Token of the forms on the last page that had one.
    pub csrf: String,
}

impl Http {
    /// For `http://ADDRESS:PORT`, or `https://` once [`Self::trusting`] was called.
    ///
    /// # Panics
    /// When `base` is something else.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let (_, address) = base.split_once("://").expect("a scheme");
        Self {
            base: base.to_owned(),
            address: address.parse().expect("an address and a port"),
            tls: None,
            cookies: BTreeMap::new(),
            further: Vec::new(),
            csrf: String::new(),
        }
    }

    /// Speaks TLS, and trusts what `config` trusts.
    #[must_use]
    pub fn trusting(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// A page.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// A page, and what it leads to.
    ///
    /// # Panics
    /// When it leads on and on.
    pub fn open(&mut self, path: &str) -> Answer {
        let mut answer = self.get(path);
        for _ in 0..5 {
            if answer.status != 303 {
                return answer;
            }
            let target = answer.to().to_owned();
            answer = self.get(&target);
        }
        panic!("{path} leads on and on, at last to {}", answer.to());
    }

    /// A form with the token of the present session.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        if self.csrf.is_empty() {
            // Any page has it, also the one that says that nothing is there.
            let _ = self.get("/nothing-here");
        }
        let csrf = self.csrf.clone();
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.send("POST", path, Some(&form(&all)))
    }

    /// A form without the token.
    pub fn forge(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, Some(&form(fields)))
    }

    /// Any request.
    ///
    /// # Panics
    /// When the answer is none.
    pub fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let request = self.request(method, path, body);
        let raw = self.exchange(request.as_bytes());
        let answer = parse(&raw).unwrap_or_else(|| panic!("no HTTP: {}", String::from_utf8_lossy(&raw)));
        self.keep(&answer);
        answer
    }

    fn request(&self, method: &str, path: &str, body: Option<&str>) -> String {
        let host = self.base.split("://").nth(1).unwrap_or_default();
        let mut headers = vec![
            ("Host", host.to_owned()),
            ("Connection", "close".to_owned()),
            ("Accept-Language", "en".to_owned()),
            (
                "User-Agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            ),
        ];
        if let Some(body) = body {
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
            headers.push(("Content-Length", body.len().to_string()));
            headers.push(("Origin", self.base.clone()));
            headers.push(("Sec-Fetch-Site", "same-origin".to_owned()));
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            headers.push(("Cookie", pairs.join("; ")));
        }
        for (name, value) in &self.further {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            if !value.is_empty() {
                headers.push((name, value.clone()));
            }
        }
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body.unwrap_or_default());
        request
    }

    fn exchange(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).expect("the site listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut raw = Vec::new();
        let ended = match &self.tls {
            None => stream
                .write_all(request)
                .and_then(|()| stream.read_to_end(&mut raw)),
            Some(config) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                let client = ClientConnection::new(Arc::clone(config), name).expect("TLS");
                let mut stream = StreamOwned::new(client, stream);
                stream
                    .write_all(request)
                    .and_then(|()| stream.read_to_end(&mut raw))
            }
        };
        // A request that is refused before all of it was read ends the connection, after the answer.
        assert!(ended.is_ok() || !raw.is_empty(), "no answer: {ended:?}");
        raw
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.cookies() {
            let mut parts = line.split("; ");
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                panic!("no cookie: {line}");
            };
            let gone = parts.any(|part| part == "Max-Age=0");
            let before = self.cookies.get(name).cloned();
            if gone {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            // Each session has forms of its own.
            if is_session(name) && before.as_deref() != Some(value) {
                self.csrf.clear();
            }
        }
        if let Some(csrf) = answer.field("csrf").filter(|csrf| !csrf.is_empty()) {
            self.csrf = csrf;
        }
    }

    /// The session's cookie: its value.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        let found = self.cookies.iter().find(|(name, _)| is_session(name));
        found.map(|(_, value)| value.as_str())
    }
}

fn is_session(name: &str) -> bool {
    ["sid", "adm", "__Host-sid", "__Host-adm"].contains(&name)
}

/// Fields as forms are sent.
#[must_use]
pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    pairs.join("&")
}

/// Text as it stands in an address.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn parse(raw: &[u8]) -> Option<Answer> {
    let at = raw.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(raw.get(..at)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = raw.get(at + 4..)?;
    let chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    let body = if chunked { unchunked(body)? } else { body.to_vec() };
    Some(Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// RFC 9112 section 7.1.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let at = rest.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(rest.get(..at)?).ok()?, 16).ok()?;
        rest = rest.get(at + 2..)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
    }
}
