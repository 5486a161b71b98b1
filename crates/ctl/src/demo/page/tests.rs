use super::*;

const PORTAL: &str = "http://127.0.0.1:1/s/demo";

fn text(words: &str) -> Text {
    Text {
        at: "2026-09-21T14:13:20.25Z".to_owned(),
        to: "+61491570156".to_owned(),
        text: words.to_owned(),
    }
}

fn get(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

fn status(head: &[u8]) -> String {
    respond(head, &[], PORTAL).lines().next().unwrap().to_owned()
}

#[test]
fn words_of_a_text_never_become_markup() {
    let page = html(&[text("<script>alert('x')</script> & \"123456\"")], PORTAL);
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains(
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;<strong>123456</strong>&quot;"
    ));
    let mut sender = text("x");
    sender.to = "<b>".to_owned();
    sender.at = "<i>".to_owned();
    assert!(html(&[sender], PORTAL).contains("to &lt;b&gt;</span><time>&lt;i&gt;"));
}

#[test]
fn the_newest_text_comes_first_and_none_is_said() {
    let page = html(&[text("older"), text("newer")], PORTAL);
    assert!(page.find("newer").unwrap() < page.find("older").unwrap());
    assert!(page.contains("14:13:20 UTC"));
    assert!(html(&[], PORTAL).contains("No text yet"));
}

#[test]
fn the_page_links_to_the_portal() {
    assert!(html(&[], PORTAL).contains("<a href=\"http://127.0.0.1:1/s/demo\""));
    assert!(html(&[], "\"><b>").contains("<a href=\"&quot;&gt;&lt;b&gt;\""));
}

#[test]
fn only_a_loopback_host_is_served() {
    for host in [
        "127.0.0.1",
        "127.0.0.1:8080",
        "localhost:1",
        "LocalHost",
        "[::1]",
        "[::1]:8080",
    ] {
        assert_eq!(status(&get(host)), "HTTP/1.1 200 OK", "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.1:",
        "",
    ] {
        assert_eq!(status(&get(host)), "HTTP/1.1 421 Misdirected Request", "{host}");
    }
    let texts = [text("secret 123456")];
    assert!(!respond(&get("evil.example"), &texts, PORTAL).contains("123456"));
}

#[test]
fn nothing_but_the_page_is_served() {
    let host = "Host: localhost\r\n\r\n";
    for (head, expected) in [
        (
            format!("POST / HTTP/1.1\r\n{host}"),
            "HTTP/1.1 405 Method Not Allowed",
        ),
        (
            format!("GET /favicon.ico HTTP/1.1\r\n{host}"),
            "HTTP/1.1 404 Not Found",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: localhost\r\n{host}"),
            "HTTP/1.1 400 Bad Request",
        ),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "HTTP/1.1 400 Bad Request"),
        (format!("GET /\r\n{host}"), "HTTP/1.1 400 Bad Request"),
        (
            "GET / HTTP/1.1\r\nHost: localhost".to_owned(),
            "HTTP/1.1 400 Bad Request",
        ),
        ("\u{fffd}\r\n\r\n".to_owned(), "HTTP/1.1 400 Bad Request"),
    ] {
        assert_eq!(status(head.as_bytes()), expected, "{head:?}");
    }
}

#[test]
fn the_page_may_load_nothing_and_is_not_kept() {
    let answer = respond(&get("localhost"), &[], PORTAL);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'"));
    assert!(head.contains("Cache-Control: no-store") && head.contains("nosniff"));
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
}

#[test]
fn it_serves_over_tcp_refuses_long_heads_and_stops() {
    let texts = Texts::default();
    texts.add(&[text("Demo VPN: 123456 is your login code")]);
    let page = Page::start(texts, PORTAL).unwrap();
    let address = page.address();
    assert!(address.ip().is_loopback());
    let fetch = |request: &[u8]| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // One that says nothing must not keep others waiting.
    let silent = TcpStream::connect(address).unwrap();
    assert!(fetch(&get(&address.to_string())).contains("<strong>123456</strong>"));
    let long = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'a'; MOST_OCTETS - 19]].concat();
    assert_eq!(long.len(), MOST_OCTETS);
    assert!(fetch(&[&long, b"a".as_slice()].concat()).starts_with("HTTP/1.1 400"));
    drop(silent);
    drop(page);
    assert!(TcpStream::connect(address).is_err(), "the port is free again");
}
