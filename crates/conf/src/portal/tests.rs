use std::path::Path;

use super::*;
use crate::{ConfError, parse};

fn portal(text: &str) -> Result<PortalConfig, ConfError> {
    parse(Path::new("portal.toml"), text)
}

/// What a sysadmin sees.
fn shown(text: &str) -> String {
    portal(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(portal(""), Ok(PortalConfig::default()));
    let config = portal("").unwrap();
    assert_eq!(config.console.listen, ["127.0.0.1:8444".parse().unwrap()]);
    assert_eq!(config.tls.mode, TlsMode::SelfSigned);
    assert_eq!(config.plain_http_address(), None);
}

#[test]
fn every_key_is_read() {
    let config = portal(
        "socket = \"/s\"\nbehind-proxy = [\"127.0.0.1\", \"::ffff:192.0.2.1\"]\nshutdown-grace = \"1s\"\ntest-locale = true\n\
         [self-service]\nlisten = [\"127.0.0.1:0\"]\nurl = \"https://login.example.com\"\n\
         [console]\nlisten = [\"[::1]:0\"]\nurl = \"http://localhost:8444\"\n\
         [tls]\nmode = \"files\"\nstate-directory = \"/d\"\ncertificate = \"/c\"\nkey = \"/k\"\n\
         [limits]\nrequests-per-second = 5\nburst = 7\n[log]\nlevel = \"warn\"\n",
    )
    .unwrap();
    let proxies: Vec<IpAddr> = vec!["127.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap()];
    assert_eq!(config.behind_proxy, proxies);
    assert_eq!(config.tls.files(), Some((Path::new("/c"), Path::new("/k"))));
    assert_eq!(config.console.url.as_deref(), Some("http://localhost:8444"));
    assert_eq!((config.limits.requests_per_second, config.limits.burst), (5, 7));
    assert!(config.test_locale);
}

#[test]
fn plain_http_is_for_loopback_and_named_proxies() {
    let off = "[tls]\nmode = \"off\"\n";
    assert_eq!(
        portal(off).unwrap().plain_http_address(),
        Some("0.0.0.0:8443".parse().unwrap())
    );
    let loopback = format!("{off}[self-service]\nlisten = [\"127.0.0.1:0\", \"[::1]:0\"]\n");
    assert_eq!(portal(&loopback).unwrap().plain_http_address(), None);
    let console = format!("{loopback}[console]\nlisten = [\"192.0.2.1:8444\"]\n");
    assert_eq!(
        portal(&console).unwrap().plain_http_address(),
        Some("192.0.2.1:8444".parse().unwrap())
    );
    let proxied = format!("behind-proxy = [\"192.0.2.9\"]\n{off}");
    assert_eq!(portal(&proxied).unwrap().plain_http_address(), None);
}

#[test]
fn files_without_a_key_are_refused_where_they_stand() {
    let text = shown("socket = \"/s\"\n[tls]\nmode = \"files\"\ncertificate = \"/c\"\n");
    assert!(
        text.starts_with("portal.toml:2:1: mode \"files\" needs a certificate and its key"),
        "{text}"
    );
    assert!(
        text.ends_with("= help: add certificate = \"...\" and key = \"...\""),
        "{text}"
    );
}

#[test]
fn a_mistake_is_shown_with_what_mends_it() {
    for (mistake, message, help) in [
        (
            "behind-proxy = [\"localhost\"]\n",
            "\"localhost\" is not an IP address",
            "without a port",
        ),
        (
            "[self-service]\nurl = \"login.example.com/s\"\n",
            "is not the address of a site",
            "https://",
        ),
        (
            "[self-service]\nurl = \"https://login.example.com/\"\n",
            "is not the address of a site",
            "nothing behind",
        ),
        (
            "[console]\nlisten = []\n",
            "nothing to listen on",
            "at least one address",
        ),
        ("[limits]\nburst = 0\n", "0 is out of range", "from 1"),
        (
            "[tls]\nmode = \"of\"\n",
            "unknown value `of`",
            "did you mean `off`",
        ),
        (
            "[tls]\ncertificat = \"/c\"\n",
            "unknown key `certificat`",
            "did you mean `certificate`",
        ),
        ("self-signed = true\n", "unknown key `self-signed`", "known here"),
    ] {
        let text = shown(mistake);
        assert!(text.contains(message) && text.contains(help), "{text}");
        assert!(text.starts_with("portal.toml:"), "{text}");
    }
}
