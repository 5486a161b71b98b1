//! The program as a sysadmin meets it.

use std::{net::TcpListener, os::unix::net::UnixDatagram, process::Command};

use nix::sys::signal::Signal;

use crate::common::{DEADLINE, Folder, PROGRAM, Running, get, text};

const OFF: &str = "[tls]\nmode = \"off\"\n";

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env_remove("NOTIFY_SOCKET")
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn help_version_and_wrong_usage_are_told() {
    let (code, out, _) = run(&["--help"]);
    assert!(
        code == Some(0) && out.contains("--config") && out.contains("--check"),
        "{out}"
    );
    let (code, out, _) = run(&["--version"]);
    assert_eq!(code, Some(0));
    assert_eq!(out.trim(), format!("otpost-portal {}", env!("CARGO_PKG_VERSION")));
    let (code, _, err) = run(&["--nonsense"]);
    assert!(code == Some(2) && err.contains("--nonsense"), "{err}");
}

#[test]
fn the_check_accepts_a_sound_configuration_and_shows_a_bad_one() {
    let folder = Folder::new();
    let good = folder.config(OFF);
    let (code, out, err) = run(&["--check", "--config", text(&good)]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.ends_with("OK\n"), "{out}");
    let bad = folder.file("bad.toml", "socket = \"/s\"\nlisen = 1\n", 0o644);
    for arguments in [
        &["--check", "--config", text(&bad)][..],
        &["--config", text(&bad)],
    ] {
        let (code, _, err) = run(arguments);
        assert_eq!(code, Some(1), "{err}");
        assert!(
            err.contains("bad.toml:2") && err.contains('^') && err.contains("help"),
            "{err}"
        );
    }
}

#[test]
fn plain_http_on_a_network_is_refused_at_start_and_by_the_check() {
    let folder = Folder::new();
    let path = folder.file("open.toml", OFF, 0o644);
    for arguments in [
        &["--check", "--config", text(&path)][..],
        &["--config", text(&path)],
    ] {
        let (code, _, err) = run(arguments);
        assert_eq!(code, Some(1), "{err}");
        assert!(
            err.contains("0.0.0.0:8443") && err.contains("behind-proxy"),
            "{err}"
        );
    }
}

#[test]
fn a_port_in_use_is_explained() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let path = folder.file(
        "taken.toml",
        &format!("[self-service]\nlisten = [\"{address}\"]\n[console]\nlisten = [\"127.0.0.1:0\"]\n{OFF}"),
        0o644,
    );
    let (code, _, err) = run(&["--config", text(&path)]);
    assert_eq!(code, Some(1));
    assert!(
        err.contains(&address.to_string()) && err.contains("ss -ltnp"),
        "{err}"
    );
}

#[test]
fn both_sites_are_served_without_a_daemon_and_a_stop_is_clean() {
    let folder = Folder::new();
    let notify = folder.0.join("notify");
    let manager = UnixDatagram::bind(&notify).unwrap();
    manager.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut program = Running::start(&folder.config(OFF), Some(&notify));
    let self_service = program.address("self-service");
    let console = program.address("console");
    assert_ne!(self_service, console);
    let mut told = [0; 64];
    let length = manager.recv(&mut told).unwrap();
    assert!(told[..length].starts_with(b"READY=1"));
    for address in [self_service, console] {
        let answer = get(address, "/missing/page");
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(answer.contains("There is nothing here"), "{answer}");
        assert!(!answer.contains("strict-transport-security"), "{answer}");
    }
    program.signal(Signal::SIGTERM);
    let length = manager.recv(&mut told).unwrap();
    assert!(told[..length].starts_with(b"STOPPING=1"));
    assert_eq!(program.code(), Some(0));
}

#[test]
fn a_silent_client_does_not_hold_up_a_stop_for_long() {
    let folder = Folder::new();
    let config = folder.config(OFF);
    let quick = std::fs::read_to_string(&config).unwrap();
    let config = folder.file(
        "quick.toml",
        &format!("shutdown-grace = \"100ms\"\n{quick}"),
        0o644,
    );
    let mut program = Running::start(&config, None);
    let address = program.address("self-service");
    let _silent = std::net::TcpStream::connect(address).unwrap();
    assert!(get(address, "/missing/page").starts_with("HTTP/1.1 404"));
    program.signal(Signal::SIGTERM);
    assert_eq!(program.code(), Some(0));
}
