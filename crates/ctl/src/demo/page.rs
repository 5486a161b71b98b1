//! The phone of the demonstration as a page: a very small HTTP server on the loopback interface.
//!
//! It answers `GET /` and nothing else. A page that a browser fetched elsewhere must not read the texts by letting
//! its own name resolve to 127.0.0.1 (DNS rebinding), so the Host must be a loopback one.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use otpost_ipc::client::Deadline;

use super::inbox::{Text, Texts};

/// Longest request head.
const MOST_OCTETS: usize = 8 * 1024;
/// Connections at the same time; browsers open several.
const MOST_CONNECTIONS: usize = 16;
/// For one connection, from accepting to the last octet.
const PATIENCE: Duration = Duration::from_secs(5);

/// The running server; it stops on drop.
#[derive(Debug)]
pub(super) struct Page {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Page {
    /// Serves `texts` on a free port, with a link to the portal.
    pub(super) fn start(texts: Texts, portal: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let portal: Arc<str> = portal.into();
        let thread = thread::Builder::new()
            .name("page".to_owned())
            .spawn(move || serve(&listener, &texts, &portal, &stopped))?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Accepting has no timeout; a connection ends it. Where none can be made the thread ends with the process.
        if TcpStream::connect(self.address).is_ok() {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

fn serve(listener: &TcpListener, texts: &Texts, portal: &Arc<str>, stop: &AtomicBool) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors, most likely: trying at once would only burn time.
            let _ = Deadline::after(PATIENCE).pause(Duration::from_millis(50));
            continue;
        };
        let slot = Slot::take(&open);
        if slot.taken > MOST_CONNECTIONS {
            continue;
        }
        let (texts, portal) = (texts.clone(), Arc::clone(portal));
        // Where no thread can be had the connection is dropped, and the browser tries again.
        let _ = thread::Builder::new().spawn(move || {
            let _slot = slot;
            // The browser has gone, or is too slow; the page refreshes by itself.
            let _ = converse(stream, &texts, &portal);
        });
    }
}

/// A counted connection.
struct Slot {
    open: Arc<AtomicUsize>,
    taken: usize,
}

impl Slot {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        Self {
            open: Arc::clone(open),
            taken: open.fetch_add(1, Ordering::SeqCst) + 1,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn converse(mut stream: TcpStream, texts: &Texts, portal: &str) -> io::Result<()> {
    let deadline = Deadline::after(PATIENCE);
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = deadline.remaining().ok_or(io::ErrorKind::TimedOut)?;
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            length => head.extend_from_slice(chunk.get(..length).unwrap_or_default()),
        }
        if head.len() > MOST_OCTETS {
            break;
        }
    }
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(respond(&head, &texts.all(), portal).as_bytes())?;
    stream.shutdown(Shutdown::Write)
}

/// The whole answer to a request's head.
fn respond(head: &[u8], texts: &[Text], portal: &str) -> String {
    match asked(head) {
        Ok(()) => answer("200 OK", "text/html", &html(texts, portal)),
        Err(status) => answer(status, "text/plain", status),
    }
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n\
         Content-Type: {kind}; charset=utf-8\r\n\
         Content-Length: {length}\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Referrer-Policy: no-referrer\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\n\
         Cache-Control: no-store\r\n\
         Allow: GET\r\n\
         Connection: close\r\n\r\n{body}",
        length = body.len()
    )
}

/// Whether the head asks for the page by a loopback name; else the status that says why not.
fn asked(head: &[u8]) -> Result<(), &'static str> {
    const BAD: &str = "400 Bad Request";
    let end = head.windows(4).position(|end| end == b"\r\n\r\n").ok_or(BAD)?;
    let text = std::str::from_utf8(head.get(..end).unwrap_or_default()).map_err(|_| BAD)?;
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target, version) = (first.next(), first.next(), first.next());
    if !version.is_some_and(|version| version.starts_with("HTTP/1.")) || first.next().is_some() {
        return Err(BAD);
    }
    let mut hosts = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim());
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(BAD);
    };
    if !loopback(host) {
        return Err("421 Misdirected Request");
    }
    if method != Some("GET") {
        return Err("405 Method Not Allowed");
    }
    if target != Some("/") {
        return Err("404 Not Found");
    }
    Ok(())
}

/// Whether `host` is a loopback address or `localhost`. Any port will do: somebody may have forwarded it.
fn loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        _ => host,
    };
    name == "127.0.0.1" || name == "[::1]" || name.eq_ignore_ascii_case("localhost")
}

fn html(texts: &[Text], portal: &str) -> String {
    let list: String = if texts.is_empty() {
        "<p class=none>No text yet. Log in, or enrol a phone, and it appears here.</p>".to_owned()
    } else {
        texts.iter().rev().map(bubble).collect()
    };
    format!(
        "{HEAD}<main><h1>Texts</h1><nav><a href=\"{portal}\" target=_blank rel=noopener>Enrol a phone on the portal</a></nav>{list}<footer>otpost demonstration &middot; newest first &middot; refreshes by itself</footer></main></html>\n",
        portal = escape(portal),
    )
}

fn bubble(text: &Text) -> String {
    let words = match text.code() {
        Some(code) => {
            let part = |range: std::ops::Range<usize>| escape(text.text.get(range).unwrap_or_default());
            format!(
                "{}<strong>{}</strong>{}",
                part(0..code.start),
                part(code.clone()),
                part(code.end..text.text.len())
            )
        }
        None => escape(&text.text),
    };
    format!(
        "<article><header><span>to {}</span><time>{}</time></header><p>{words}</p></article>",
        escape(&text.to),
        escape(&short_time(&text.at)),
    )
}

/// `2026-09-21T14:13:20.25Z` as `14:13:20 UTC`; anything else as it is.
fn short_time(at: &str) -> String {
    match (at.get(10..11), at.get(11..19), at.ends_with('Z')) {
        (Some("T"), Some(time), true) => format!("{time} UTC"),
        _ => at.to_owned(),
    }
}

/// Text as HTML shows it, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

const HEAD: &str = r#"<!doctype html>
<html lang=en><meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta http-equiv=refresh content=2>
<meta name=color-scheme content="light dark">
<title>Texts - otpost demonstration</title>
<style>
:root { --ground: #eef1f5; --card: #fff; --ink: #1a2230; --faint: #647084; --line: #d9dfe8; --mark: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #10141b; --card: #1b212c; --ink: #e6ebf2; --faint: #95a1b4; --line: #2b3443; --mark: #7ab8ff; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 30rem; margin: 0 auto; }
h1 { margin: 0 0 1rem; font-size: 1.25rem; font-weight: 650; }
nav { margin: 0 0 1rem; }
a { color: var(--mark); }
article { margin: 0 0 .75rem; padding: .75rem 1rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .25rem 1rem 1rem 1rem; }
header { display: flex; justify-content: space-between; gap: 1rem; color: var(--faint); font-size: .8125rem;
  font-variant-numeric: tabular-nums; }
p { margin: .25rem 0 0; overflow-wrap: anywhere; }
strong { color: var(--mark); font-size: 1.25rem; letter-spacing: .08em; font-variant-numeric: tabular-nums; }
.none { padding: 3rem 1rem; text-align: center; color: var(--faint); border: 1px dashed var(--line);
  border-radius: 1rem; }
footer { margin-top: 1.5rem; color: var(--faint); font-size: .8125rem; text-align: center; }
</style>
"#;

#[cfg(test)]
mod tests;
