//! Certificates.

use std::{fs, os::unix::fs::MetadataExt};

use nix::sys::signal::Signal;

use crate::common::{Folder, Running, get_tls};

fn self_signed(folder: &Folder) -> String {
    format!("[tls]\nstate-directory = {:?}\n", folder.0.join("state"))
}

fn from_files(folder: &Folder) -> String {
    let file = |name| folder.0.join(name);
    format!(
        "[tls]\nmode = \"files\"\ncertificate = {:?}\nkey = {:?}\n",
        file("portal.crt"),
        file("portal.key")
    )
}

#[test]
fn a_first_start_makes_a_certificate_tells_its_fingerprint_and_keeps_it() {
    let folder = Folder::new();
    let config = folder.config(&self_signed(&folder));
    let mut first = Running::start(&config, None);
    first.line("made a self-signed certificate");
    let told = first.fingerprint("certificate sha256=");
    let address = first.address("self-service");
    let console = first.address("console");
    let (seen, answer) = get_tls(address, "/missing");
    assert_eq!(seen, told);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(
        answer.contains("strict-transport-security: max-age=31536000"),
        "{answer}"
    );
    assert_eq!(get_tls(console, "/missing").0, told);
    let state = folder.0.join("state");
    assert_eq!(fs::metadata(&state).unwrap().mode() & 0o777, 0o700);
    let key = state.join("self-signed.key");
    assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    first.signal(Signal::SIGTERM);
    assert_eq!(first.code(), Some(0));
    let log = first.seen.join("\n");
    let secret = fs::read_to_string(&key).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    assert!(!log.contains(secret), "the key is in the log");

    let mut second = Running::start(&config, None);
    assert_eq!(second.fingerprint("certificate sha256="), told);
    assert!(
        !second.seen.join("\n").contains("made a self-signed"),
        "{:#?}",
        second.seen
    );
}

#[test]
fn a_hangup_takes_over_new_certificate_files() {
    let folder = Folder::new();
    folder.certificate();
    let config = folder.config(&from_files(&folder));
    let mut program = Running::start(&config, None);
    let old = program.fingerprint("certificate sha256=");
    let address = program.address("self-service");
    assert_eq!(get_tls(address, "/").0, old);
    folder.certificate();
    assert_eq!(get_tls(address, "/").0, old, "not before it is told to");
    program.signal(Signal::SIGHUP);
    let new = program.fingerprint("certificate reloaded");
    assert_ne!(new, old);
    assert_eq!(get_tls(address, "/").0, new);
}

#[test]
fn a_certificate_that_cannot_be_used_changes_nothing_and_is_explained() {
    let folder = Folder::new();
    let (certificate, key) = folder.certificate();
    let config = folder.config(&from_files(&folder));
    let mut program = Running::start(&config, None);
    let old = program.fingerprint("certificate sha256=");
    let address = program.address("self-service");
    let good = fs::read_to_string(&certificate).unwrap();
    let other = Folder::new();
    let foreign = fs::read_to_string(other.certificate().0).unwrap();
    for (text, mode, reason) in [
        ("nothing", 0o600, "holds no certificate"),
        (foreign.as_str(), 0o600, "cannot be used"),
        (good.as_str(), 0o644, "chmod go="),
    ] {
        fs::write(&certificate, text).unwrap();
        let keep = fs::read_to_string(&key).unwrap();
        folder.file("portal.key", &keep, mode);
        program.signal(Signal::SIGHUP);
        let mut said = String::new();
        while !said.contains("the certificate in force stays") {
            said.push_str(&program.line(""));
            said.push('\n');
        }
        assert!(said.contains(reason), "{said}");
        assert_eq!(get_tls(address, "/").0, old);
    }
}

#[test]
fn a_start_without_a_usable_certificate_says_what_to_do() {
    let folder = Folder::new();
    let config = folder.config(&from_files(&folder));
    let mut program = Running::start(&config, None);
    let line = program.line("portal.key");
    assert!(line.contains("does not exist"), "{line}");
    assert_eq!(program.code(), Some(1));
}
