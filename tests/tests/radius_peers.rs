//! Logins through clients that nobody here wrote: ocserv with openconnect.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use nix::sys::signal::Signal;
use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_tests::pamstack::{Pamtester, Sandbox, wait_for};
use otpost_tests::peers::host::Host;
use otpost_tests::peers::ocserv::{self, Ocserv};
use otpost_tests::peers::talk::Talk;
use otpost_tests::peers::{self, openconnect};
use otpost_tests::stack::{PASSWORD, Program, SECRET, Stack, Texted};

/// Daemon, resource `vpn`, user alice, inbox; no client and no server yet.
fn stack() -> Stack {
    let stack = Stack::new();
    stack.inbox();
    stack.resource("vpn", ResourceSettings::default());
    stack.user("alice", 5678, &["vpn"]);
    stack
}

/// What logins were decided by, in order.
fn reasons(stack: &Stack) -> Vec<String> {
    let mut reasons = stack.reasons();
    reasons.retain(|reason| reason != "admin");
    reasons
}

/// Six digits that are not `code`.
fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '0' { '1' } else { '0' };
    code.chars().map(flip).collect()
}

/// Certificates of an authority, of a server `name`, and that server's key, as PEM.
struct Identity {
    authority: String,
    certificate: String,
    key: String,
}

impl Identity {
    fn new(name: &str) -> Self {
        let mut ca = rcgen::CertificateParams::default();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let authority = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        Self {
            authority,
            certificate: own.signed_by(&key, &issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A gateway with ocserv and a person's machine, joined by a cable; otpost-radius beside ocserv.
struct SslVpn {
    ocserv: Ocserv,
    radius: Program,
    stack: Stack,
    authority: String,
    gateway: Host,
    home: Host,
}

impl SslVpn {
    fn or_skip(mode: MessageAuthenticator) -> Option<Self> {
        let gateway = Host::or_skip(&["ip", "ocserv", "openconnect"], &["/dev/net/tun"])?;
        let home = Host::new().unwrap();
        gateway.cable(&home, "192.0.2.1/24", "192.0.2.77/24");
        let stack = stack();
        peers::client(&stack, "gw", Some("ocserv"), mode);
        let (radius, address) = peers::radius(&stack, "radius", "127.0.0.1:0", Some(&gateway));
        let identity = Identity::new(ocserv::NAME);
        let pem = (identity.certificate.as_str(), identity.key.as_str());
        let ocserv = Ocserv::start(&gateway, stack.dir(), address, pem);
        Some(Self {
            ocserv,
            radius,
            stack,
            authority: identity.authority,
            gateway,
            home,
        })
    }

    fn connect(&self) -> Talk {
        let server = (self.authority.as_str(), "192.0.2.1");
        let mut person = openconnect::start(&self.home, self.stack.dir(), server, "alice");
        person.hear("Please enter your password.");
        person.hear("Password:");
        person
    }

    /// As [`Self::connect`], with the password typed and the challenge shown; gives the text.
    fn challenged(&self) -> (Talk, Texted) {
        let before = self.stack.texts().len();
        let mut person = self.connect();
        person.say(PASSWORD);
        let text = self.stack.text_after(before);
        person.hear(&format!("Code from text {} to +49 *** *** 78", text.label()));
        person.hear("Password");
        (person, text)
    }

    /// Octets go through the tunnel and back.
    fn carries(&self) {
        let server = self.gateway.inside(|| TcpListener::bind((ocserv::INNER, 0)).unwrap());
        let address = server.local_addr().unwrap();
        let mut there = self.home.inside(|| TcpStream::connect(address).unwrap());
        let (mut here, from) = server.accept().unwrap();
        assert!(from.ip().to_string().starts_with("198.51.100."), "{from}");
        for there_first in [true, false] {
            let (one, other) = if there_first { (&mut there, &mut here) } else { (&mut here, &mut there) };
            one.write_all(b"through").unwrap();
            let mut octets = [0; 7];
            other.read_exact(&mut octets).unwrap();
            assert_eq!(&octets, b"through");
        }
    }
}

#[test]
fn openconnect_gets_through_ocserv_by_password_and_code_and_not_by_less() {
    let Some(vpn) = SslVpn::or_skip(MessageAuthenticator::Auto) else {
        return;
    };
    let stack = &vpn.stack;

    let mut person = vpn.connect();
    person.say("not the password");
    person.hear("Login refused");
    person.hear("Password:");
    assert_eq!(stack.settled(), 0);
    person.say(PASSWORD);
    let text = stack.text_after(0);
    assert!(text.text.contains("192.0.2.77"), "{}", text.text);
    person.hear(&format!("Code from text {} to +49 *** *** 78", text.label()));
    person.hear("Password");
    person.say(&wrong(&text.code()));
    person.hear("Wrong code, 4 tries left.");
    person.hear("Password");
    person.say(&text.code());
    person.hear("tunnel is up: 198.51.100.");
    vpn.carries();
    // Ctrl-C logs off.
    person.signal(Signal::SIGINT);
    person.end();
    assert_eq!(stack.settled(), 1);

    // The password, however often, lets nobody in.
    let (mut person, text) = vpn.challenged();
    person.say(PASSWORD);
    while person.hear_one(&["That was the password.", "Failed to complete authentication"]) == 0 {
        person.hear("Password");
        person.say(PASSWORD);
    }
    assert!(!person.end().success(), "{}", person.said());
    assert!(!person.said().contains("tunnel is up"), "{}", person.said());
    assert_eq!(stack.settled(), 2, "{}", text.text);

    // radcli 1.2.11 sends no Message-Authenticator; that this goes on is said where administrators look.
    let warning = "RADIUS client gw may leave out Message-Authenticator (CVE-2024-3596)";
    assert!(peers::status(stack).contains(warning), "{}", peers::status(stack));
    match stack.admin(AdminOp::RadiusClientList { after: None }) {
        AdminReply::Clients { clients, .. } => assert!(clients[0].unsigned.is_some(), "{clients:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn openconnect_gets_no_answer_through_ocserv_where_message_authenticator_is_required() {
    let Some(vpn) = SslVpn::or_skip(MessageAuthenticator::Require) else {
        return;
    };
    let mut person = vpn.connect();
    person.say(PASSWORD);
    wait_for("the silence to be logged", || {
        vpn.radius.log().contains("Message-Authenticator").then_some(())
    });
    drop(person);
    assert_eq!(vpn.stack.settled(), 0);
    assert_eq!(reasons(&vpn.stack), [""; 0]);
    assert!(!vpn.ocserv.log().contains("Access-Accept"), "{}", vpn.ocserv.log());
}

/// A machine whose PAM service `door` asks otpost-radius through libpam-radius-auth.
fn door() -> Option<(Sandbox, Stack)> {
    let sandbox = Sandbox::or_skip(&["pamtester"])?;
    let mut stack = Stack::with_clock();
    stack.inbox();
    stack.resource("vpn", ResourceSettings::default());
    stack.user("alice", 5678, &["vpn"]);
    // Version 2.0.0 sends no Message-Authenticator.
    peers::client(&stack, "door", None, MessageAuthenticator::Auto);
    stack.start_radius("127.0.0.1:0");
    let servers = sandbox.dir().join("radius.conf");
    fs::write(&servers, format!("{} {SECRET} 10\n", stack.address())).unwrap();
    sandbox.service(
        "door",
        &format!(
            "auth required pam_radius_auth.so conf={} prompt_attribute\naccount required pam_permit.so\n",
            servers.display()
        ),
    );
    Some((sandbox, stack))
}

/// A pamtester at the door; what it asks is heard.
fn knock(sandbox: &Sandbox) -> Talk {
    let command = Pamtester::new(sandbox, "door", "alice").command();
    Talk::start(&mut { command }, &sandbox.dir().join("pamtester.log"))
}

#[test]
fn pam_radius_auth_takes_wrong_codes_and_the_resend_word_with_one_text() {
    let Some((sandbox, stack)) = door() else { return };
    let mut person = knock(&sandbox);
    person.hear("Password: ");
    person.say("not the password");
    assert!(!person.end().success(), "{}", person.said());
    assert_eq!(stack.settled(), 0);

    let mut person = knock(&sandbox);
    person.hear("Password: ");
    person.say(PASSWORD);
    let text = stack.text_after(0);
    person.hear(&format!("Code from text {} to +49 *** *** 78", text.label()));
    person.say(&wrong(&text.code()));
    person.hear("Wrong code, 4 tries left.");
    person.say("no digits at all");
    person.hear("6 digits");
    // Too soon for a second text.
    person.say("sms");
    person.hear("seconds");
    person.say(&text.code());
    let ended = person.end();
    assert!(ended.success(), "{}", person.said());
    assert_eq!(stack.settled(), 1);

    let warning = "RADIUS client door may leave out Message-Authenticator (CVE-2024-3596)";
    assert!(peers::status(&stack).contains(warning), "{}", peers::status(&stack));
}

#[test]
fn pam_radius_auth_gets_a_second_text_only_by_asking_for_it_and_ends_after_five_wrong_codes() {
    let Some((sandbox, stack)) = door() else { return };
    let mut person = knock(&sandbox);
    person.hear("Password: ");
    person.say(PASSWORD);
    let first = stack.text_after(0);
    person.hear("Code from text");
    stack.pass(31);
    person.say("sms");
    let second = stack.text_after(1);
    person.hear("Code from text");
    assert_eq!(first.code(), second.code());
    for left in (1..5).rev() {
        person.say(&wrong(&first.code()));
        person.hear(&format!("Wrong code, {left} t"));
    }
    person.say(&wrong(&first.code()));
    assert!(!person.end().success(), "{}", person.said());
    // Locked: the next password gets no text, and no code is asked for.
    let mut person = knock(&sandbox);
    person.hear("Password: ");
    person.say(PASSWORD);
    assert!(!person.end().success(), "{}", person.said());
    assert!(!person.said().contains("Code from"), "{}", person.said());
    assert_eq!(stack.settled(), 2);
}
