//! The shipped examples are valid, show every key, and show the defaults.
#![forbid(unsafe_code)]

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use otpost_conf::{ConfError, DaemonConfig, OpenvpnConfig, PortalConfig, RadiusConfig, load, parse};
use serde::de::DeserializeOwned;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/examples")
        .join(name)
}

/// The example with its optional settings switched on.
fn with_everything_set(text: &str) -> String {
    let starts_with_a_key = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase());
    (text.lines())
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| starts_with_a_key(rest))
                .unwrap_or(line)
        })
        .fold(String::new(), |all, line| all + line + "\n")
}

/// The keys a section knows, asked from the section itself; none for what is no section.
fn known_keys<T: DeserializeOwned + Debug>(section: &str) -> Vec<String> {
    let text = if section.is_empty() {
        "zz = 1".to_owned()
    } else {
        format!("[{section}]\nzz = 1")
    };
    match parse::<T>(Path::new("probe.toml"), &text) {
        Err(ConfError::Invalid(diagnostic)) if diagnostic.message == "unknown key `zz`" => {
            let help = diagnostic.help.unwrap_or_default();
            help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn assert_shows_every_key<T: DeserializeOwned + Debug>(text: &str) {
    let top = known_keys::<T>("");
    assert!(!top.is_empty());
    for name in top {
        let keys = known_keys::<T>(&name);
        if keys.is_empty() {
            assert!(text.contains(&format!("\n{name} = ")), "{name} is not shown");
            continue;
        }
        let section = text.split(&format!("\n[{name}]\n")).nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        for key in keys {
            assert!(
                section.contains(&format!("\n{key} = ")),
                "{key} is not shown in [{name}]"
            );
        }
    }
}

#[test]
fn the_daemon_example_is_the_defaults_and_complete() {
    let path = path("daemon.toml");
    assert_eq!(load::<DaemonConfig>(&path), Ok(DaemonConfig::default()));
    let all = with_everything_set(&fs::read_to_string(&path).unwrap());
    let config: DaemonConfig = parse(&path, &all).unwrap();
    assert_eq!(config.sockets.admin_group.as_deref(), Some("otpost-admin"));
    assert_eq!(config.passwords.threads, Some(2));
    assert_shows_every_key::<DaemonConfig>(&all);
}

#[test]
fn the_radius_example_is_the_defaults_and_complete() {
    let path = path("radius.toml");
    assert_eq!(load::<RadiusConfig>(&path), Ok(RadiusConfig::default()));
    let all = with_everything_set(&fs::read_to_string(&path).unwrap());
    assert_eq!(parse::<RadiusConfig>(&path, &all), Ok(RadiusConfig::default()));
    assert_shows_every_key::<RadiusConfig>(&all);
}

#[test]
fn the_openvpn_example_is_the_defaults_and_complete() {
    let path = path("openvpn.toml");
    assert_eq!(load::<OpenvpnConfig>(&path), Ok(OpenvpnConfig::default()));
    let all = with_everything_set(&fs::read_to_string(&path).unwrap());
    assert_eq!(parse::<OpenvpnConfig>(&path, &all), Ok(OpenvpnConfig::default()));
    assert_shows_every_key::<OpenvpnConfig>(&all);
}

#[test]
fn the_portal_example_is_the_defaults_and_complete() {
    let path = path("portal.toml");
    assert_eq!(load::<PortalConfig>(&path), Ok(PortalConfig::default()));
    let all = with_everything_set(&fs::read_to_string(&path).unwrap());
    let config: PortalConfig = parse(&path, &all).unwrap();
    assert_eq!(
        config.self_service.url.as_deref(),
        Some("https://login.example.com")
    );
    assert_shows_every_key::<PortalConfig>(&all);
}
