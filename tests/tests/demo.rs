//! `otpostctl demo` shows what it promises, and leaves nothing behind.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otpost_radius_wire::Code;
use otpost_tests::command::{self, program};
use otpost_tests::dice::Dice;
use otpost_tests::http::Http;
use otpost_tests::pamstack::{target_dir, wait_for};
use otpost_tests::person::Person;
use otpost_tests::stack::Scratch;
use otpost_tests::vpn::Vpn;

/// Phone of the demonstration's user.
const PHONE: &str = "+61491570156";
/// Everything that runs.
const PROGRAMS: [&str; 4] = ["otpost-portal", "otpost-radius", "otpostctl", "otpostd"];

/// A place of its own for the demonstration's directory, which also marks its processes.
struct Ground(Scratch);

impl Ground {
    fn new() -> Self {
        Self(Scratch::new())
    }

    fn demo(&self, args: &[&str]) -> Command {
        let mut command = program("otpostctl", [&["demo"], args].concat());
        command.env("TMPDIR", self.0.path());
        command
    }

    /// Names of the living processes that were started by the demonstration, itself included.
    fn processes(&self) -> Vec<String> {
        let mark = format!("TMPDIR={}", self.0.path().display()).into_bytes();
        let mut names: Vec<String> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| {
                let process = entry.ok()?.path();
                let environment = fs::read(process.join("environ")).ok()?;
                environment
                    .split(|octet| *octet == 0)
                    .any(|variable| variable == mark)
                    .then(|| fs::read_to_string(process.join("comm")).ok())?
            })
            .map(|name| name.trim().to_owned())
            .collect();
        names.sort();
        names
    }

    /// The demonstration in a folder where `portal` is beside it as otpost-portal.
    fn with_portal(&self, portal: Option<&[u8]>) -> Command {
        let folder = self.0.path().join("programs");
        fs::create_dir(&folder).unwrap();
        // A program finds its own place behind links.
        fs::copy(target_dir().join("otpostctl"), folder.join("otpostctl")).unwrap();
        for name in ["otpostd", "otpost-radius"] {
            symlink(target_dir().join(name), folder.join(name)).unwrap();
        }
        if let Some(portal) = portal {
            let path = folder.join("otpost-portal");
            fs::write(&path, portal).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = Command::new(folder.join("otpostctl"));
        command.arg("demo").env("TMPDIR", self.0.path());
        command
    }

    /// The directory that the first line of `out` names; it must be inside.
    fn directory(&self, out: &str) -> PathBuf {
        let first = out.lines().next().unwrap_or_default();
        let (_, rest) = first
            .split_once("on this machine, in ")
            .unwrap_or_else(|| panic!("no directory in {first:?}"));
        let directory = PathBuf::from(rest.strip_suffix(", and is removed at the end.").unwrap());
        assert_eq!(directory.parent(), Some(self.0.path()), "{first}");
        directory
    }

    /// Nothing of the demonstration is left.
    fn clean(&self, directory: &Path) {
        assert_eq!(self.processes(), Vec::<String>::new());
        assert!(!directory.exists());
    }
}

/// The codes in the texts of a transcript.
fn codes(out: &str) -> Vec<String> {
    out.lines()
        .filter_map(|line| line.split_once("--> phone  "))
        .map(|(_, text)| {
            let (_, rest) = text.split_once("Demo VPN: ").unwrap();
            let (code, rest) = rest.split_once(' ').unwrap();
            assert!(
                code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()),
                "{text}"
            );
            assert!(rest.starts_with("is your login code "), "{text}");
            code.to_owned()
        })
        .collect()
}

/// Checks the logins that the demonstration shows, in their order; gives the codes of its texts.
fn transcript(out: &str) -> Vec<String> {
    let codes = codes(out);
    let [one, two, ..] = codes.as_slice() else {
        panic!("no two texts in {out}")
    };
    let mut rest = out;
    for part in [
        "1. ",
        "User-Name=alice  User-Password=\"correct horse\"",
        "Access-Challenge",
        "Code from text",
        &format!("Demo VPN: {one} is your login code"),
        &format!("to {PHONE}"),
        &format!("User-Password=\"{one}\""),
        "Access-Accept",
        "2. ",
        "User-Password=\"wrong horse\"",
        "Access-Reject",
        "3. ",
        "Access-Challenge",
        &format!("Demo VPN: {two} is your login code"),
        "Access-Challenge",
        "Wrong code, 4 tries left",
        &format!("User-Password=\"{two}\""),
        "Access-Accept",
    ] {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part:?} is missing, or at another place, in {out}"));
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    codes
}

#[test]
fn once_shows_the_logins_and_leaves_nothing() {
    let ground = Ground::new();
    let ended = command::run(&mut ground.demo(&["--once"]));
    let shown = format!("{}\n{}\n{}", ended.status, ended.out, ended.err);
    assert_eq!(ended.status.code(), Some(0), "{shown}");
    assert_eq!(ended.err, "", "{shown}");
    assert_eq!(transcript(&ended.out).len(), 2, "{shown}");
    assert!(ended.out.ends_with("\nAll of it went as it should.\n"), "{shown}");
    ground.clean(&ground.directory(&ended.out));
}

/// A demonstration that stays.
struct Staying {
    child: Child,
    out: PathBuf,
}

impl Staying {
    fn start(ground: &Ground) -> Self {
        let out = ground.0.path().join("transcript");
        let child = ground
            .demo(&[])
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .spawn()
            .unwrap();
        Self { child, out }
    }

    fn shown(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    fn shows(&mut self, part: &str) -> String {
        wait_for(&format!("{part:?} in the transcript"), || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the demonstration ended with {status}: {}", self.shown());
            }
            Some(self.shown()).filter(|shown| shown.contains(part))
        })
    }

    /// Interrupts it as Ctrl-C does.
    fn interrupt(&mut self) -> Option<i32> {
        kill(
            Pid::from_raw(i32::try_from(self.child.id()).unwrap()),
            Signal::SIGINT,
        )
        .unwrap();
        wait_for("the demonstration to end", || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands between `before` and the next `after` in `text`.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before)
        .and_then(|(_, rest)| rest.split_once(after))
        .map_or_else(|| panic!("no {before:?} in {text}"), |(found, _)| found)
}

/// The code in the text after the first `before`, once the transcript shows it; it must go to `phone`.
fn the_text(demo: &Staying, phone: &str, before: usize) -> String {
    let (text, to) = wait_for("the text in the transcript", || {
        let shown = demo.shown();
        let (text, rest) = shown.split("--> phone  ").nth(before + 1)?.split_once('\n')?;
        let (to, _) = rest.split_once('\n')?;
        Some((text.to_owned(), to.trim().to_owned()))
    });
    let number: String = phone.chars().filter(|c| *c != ' ').collect();
    assert!(to.starts_with(&format!("to {number} at ")), "{to}");
    text.split(|c: char| !c.is_ascii_digit())
        .find(|part| part.len() == 6)
        .unwrap_or_else(|| panic!("no code in {text}"))
        .to_owned()
}

/// GETs the page.
fn page(address: SocketAddr, host: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn staying_shows_new_texts_until_an_interrupt() {
    let ground = Ground::new();
    let mut demo = Staying::start(&ground);
    let shown = demo.shows("Ctrl-C ends the demonstration");
    let first = transcript(&shown);
    assert_eq!(first.len(), 2, "{shown}");
    let directory = ground.directory(&shown);
    assert!(directory.is_dir());
    assert_eq!(ground.processes(), PROGRAMS);

    let web: SocketAddr = between(&shown, "and on http://", "/\n").parse().unwrap();
    assert!(web.ip().is_loopback(), "{web}");
    let inbox = page(web, &web.to_string());
    assert!(inbox.starts_with("HTTP/1.1 200 OK\r\n"), "{inbox}");
    for code in &first {
        let text = format!("Demo VPN: <strong>{code}</strong> is your login code");
        assert!(inbox.contains(&text), "{text:?} is missing in {inbox}");
    }
    assert!(inbox.contains(&format!("to {PHONE}")), "{inbox}");
    // A page elsewhere whose name leads here gets nothing.
    let foreign = page(web, "attacker.example");
    assert!(
        foreign.starts_with("HTTP/1.1 421 ") && !foreign.contains("login code"),
        "{foreign}"
    );

    // A login by hand, as the transcript says how.
    let server: SocketAddr = between(&shown, "otpost-radius listens at ", "\n")
        .parse()
        .unwrap();
    assert!(server.ip().is_loopback(), "{server}");
    let secret = fs::read_to_string(directory.join("radius.secret")).unwrap();
    assert!(
        shown.contains(&format!("radclient -x {server} auth {secret}")),
        "{shown}"
    );
    let mut vpn = Vpn::new(server, &secret, Dice::cast("demo"));
    let challenge = vpn.ask("alice", "correct horse", None);
    assert_eq!(challenge.code, Code::AccessChallenge);
    let code = wait_for("the text in the transcript", || {
        codes(&demo.shown()).into_iter().nth(2)
    });
    let inbox = page(web, &web.to_string());
    assert_eq!(inbox.matches("<article>").count(), 3, "{inbox}");
    assert!(inbox.contains(&format!("<strong>{code}</strong>")), "{inbox}");
    let accept = vpn.ask("alice", &code, Some(&challenge.state));
    assert_eq!(accept.code, Code::AccessAccept);

    assert_eq!(demo.interrupt(), Some(0), "{}", demo.shown());
    ground.clean(&directory);
    assert!(TcpStream::connect(web).is_err());
    assert!(
        demo.shown()
            .contains(&format!("removing {}", directory.display()))
    );
}

#[test]
fn the_portal_is_to_be_tried_as_the_transcript_says() {
    let ground = Ground::new();
    let mut demo = Staying::start(&ground);
    let shown = demo.shows("Ctrl-C ends the demonstration");
    let directory = ground.directory(&shown);

    let address = between(&shown, "1. Open the portal, ", "\n");
    let base = address.strip_suffix("/s/demo").unwrap();
    let web: SocketAddr = base.strip_prefix("http://").unwrap().parse().unwrap();
    assert!(web.ip().is_loopback(), "{web}");
    let mut bob = Person::new(base, "demo");
    let _ = bob.get("").is(200).says("to Demo VPN self-service");
    let inbox: SocketAddr = between(&shown, "and on http://", "/\n").parse().unwrap();
    let texts = page(inbox, &inbox.to_string());
    assert!(texts.contains(&format!("<a href=\"{address}\"")), "{texts}");

    // Before he has a phone, the VPN does not let bob in.
    assert!(shown.contains("Sign in with user name bob, password \"battery staple\"."));
    let server: SocketAddr = between(&shown, "otpost-radius listens at ", "\n")
        .parse()
        .unwrap();
    let secret = fs::read_to_string(directory.join("radius.secret")).unwrap();
    let line = "echo 'User-Name=bob,User-Password=\"battery staple\",Message-Authenticator=0x00'";
    assert!(
        shown.contains(&format!("{line} | radclient -x {server} auth {secret}\n")),
        "{shown}"
    );
    let mut vpn = Vpn::new(server, &secret, Dice::cast("demo portal"));
    let early = vpn.ask("bob", "battery staple", None);
    assert_eq!(early.code, Code::AccessReject);

    let _ = bob.knock("bob", "wrong").is(422);
    let _ = bob.knock("bob", "battery staple").leads("/s/demo/home");
    let _ = bob.get("/home").is(200).says("Hello, Bob").says("Assign New");
    let phone = between(&shown, "any mobile number of Australia, such as ", ".\n");
    let begun = bob.begin("form", "", phone, "6").is(303);
    let code = the_text(&demo, phone, 2);
    let _ = bob.confirm(&bob.enrolment(&begun), &code).is(200);
    let _ = bob.get("/home").is(200).says("Active");

    let challenge = vpn.ask("bob", "battery staple", None);
    assert_eq!(challenge.code, Code::AccessChallenge);
    let accept = vpn.ask("bob", &the_text(&demo, phone, 3), Some(&challenge.state));
    assert_eq!(accept.code, Code::AccessAccept);

    let link = between(&shown, "and works once:\n\n", "\n").trim();
    let (site, path) = link.split_at(link.find("/setup/").unwrap());
    let _ = Http::new(site).get(path).is(200).says("Set up your account");

    assert_eq!(demo.interrupt(), Some(0), "{}", demo.shown());
    ground.clean(&directory);
    assert!(TcpStream::connect(web).is_err());
}

#[test]
fn without_the_portal_the_build_command_is_named() {
    let ground = Ground::new();
    let ended = command::run(&mut ground.with_portal(None));
    let parts = [
        "/programs/otpost-portal is not there",
        "cargo build -p otpost-daemon -p otpost-radius -p otpost-portal -p otpost-ctl",
    ];
    command::refusal("otpostctl", &ended, &parts);
    assert_eq!(ground.processes(), Vec::<String>::new());
}

#[test]
fn a_program_that_fails_ends_everything() {
    let ground = Ground::new();
    let broken = b"#!/bin/sh\necho 'no luck today' >&2\nexit 7\n";
    let ended = command::run(&mut ground.with_portal(Some(broken)));
    assert_eq!(ended.status.code(), Some(1), "{}", ended.err);
    for part in ["otpost-portal ended by itself (exit status 7)", "no luck today"] {
        assert!(ended.err.contains(part), "{part:?} is missing in {}", ended.err);
    }
    ground.clean(&ground.directory(&ended.out));
}

#[test]
fn an_interrupt_at_any_time_leaves_nothing() {
    for moment in [
        "everything runs on this machine",
        "otpost-radius listens",
        "1. A VPN login",
    ] {
        let ground = Ground::new();
        let mut demo = Staying::start(&ground);
        let shown = demo.shows(moment);
        let directory = ground.directory(&shown);
        // Interrupted, or just done with what it shows.
        assert!(matches!(demo.interrupt(), Some(0 | 1)), "{}", demo.shown());
        ground.clean(&directory);
    }
}

#[test]
fn its_programs_die_with_it() {
    let ground = Ground::new();
    let mut demo = Staying::start(&ground);
    demo.shows("Ctrl-C ends the demonstration");
    assert_eq!(ground.processes(), PROGRAMS);
    demo.child.kill().unwrap();
    demo.child.wait().unwrap();
    wait_for("its programs to end", || {
        ground.processes().is_empty().then_some(())
    });
}
