//! Logins through clients that nobody here wrote: ocserv with openconnect.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::signal::Signal;
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, AdminReply, ClientSet, ResourceSettings, UserAdd};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_radius_wire::{Authenticator, Code, MAX_PACKET, RequestBuilder, SharedSecret, Signing, attribute};
use otpost_tests::gateway;
use otpost_tests::pamstack::{PATIENCE, Pamtester, Sandbox, wait_for};
use otpost_tests::peers::host::Host;
use otpost_tests::peers::hung::{Silent, SlowGateway};
use otpost_tests::peers::ocserv::{self, Ocserv};
use otpost_tests::peers::pyrad::Pyrad;
use otpost_tests::peers::talk::Talk;
use otpost_tests::peers::{self, openconnect};
use otpost_tests::radclient::{self, Received};
use otpost_tests::stack::{PASSWORD, Program, SECRET, Stack, Texted, number};
use serde_json::{Value, json};

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
        let server = self
            .gateway
            .inside(|| TcpListener::bind((ocserv::INNER, 0)).unwrap());
        let address = server.local_addr().unwrap();
        let mut there = self.home.inside(|| TcpStream::connect(address).unwrap());
        let (mut here, from) = server.accept().unwrap();
        assert!(from.ip().to_string().starts_with("198.51.100."), "{from}");
        for there_first in [true, false] {
            let (one, other) = if there_first {
                (&mut there, &mut here)
            } else {
                (&mut here, &mut there)
            };
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
    assert!(
        !vpn.ocserv.log().contains("Access-Accept"),
        "{}",
        vpn.ocserv.log()
    );
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
    person.hear("No new text for ");
    assert_eq!(stack.reasons().last().map(String::as_str), Some("resend-refused"));
    person.say(&text.code());
    let ended = person.end();
    assert!(ended.success(), "{}", person.said());
    assert_eq!(stack.settled(), 1);

    let warning = "RADIUS client door may leave out Message-Authenticator (CVE-2024-3596)";
    assert!(
        peers::status(&stack).contains(warning),
        "{}",
        peers::status(&stack)
    );
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
    person.hear(&format!("Text {} sent again to +49 *** *** 78.", first.label()));
    assert_eq!(first.code(), second.code());
    for left in ["4 tries left", "3 tries left", "2 tries left", "last try"] {
        person.say(&wrong(&first.code()));
        person.hear(&format!("Wrong code, {left}."));
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

/// Codes of replies (RFC 2865 section 3).
const ACCEPT: u64 = 2;
const REJECT: u64 = 3;
const CHALLENGE: u64 = 11;
/// What every reply begins with.
const MESSAGE_AUTHENTICATOR: u64 = 80;

#[test]
fn pyrad_finds_every_reply_signed_and_every_attribute_as_it_was_set() {
    let stack = Stack::vpn();
    let set = ClientSet {
        reply: Some(
            [
                "Class = staff",
                "Framed-IP-Address = 192.0.2.44",
                "Cisco-AVPair = \"shell:priv-lvl=15\"",
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
        ..ClientSet::default()
    };
    stack.client_set("gw", None, set);
    let mut pyrad = Pyrad::start(stack.address(), SECRET);

    let reply = pyrad.password("alice", "not the password");
    assert_eq!(
        (reply.code(), reply.first()),
        (REJECT, MESSAGE_AUTHENTICATOR),
        "{reply:?}"
    );
    assert_eq!(reply.all("State"), [""; 0]);

    let request = json!({
        "attributes": { "User-Name": "alice", "Proxy-State": ["0102", "ff", "0102"] },
        "password": PASSWORD,
    });
    let reply = pyrad.ask(&request);
    assert_eq!(
        (reply.code(), reply.first()),
        (CHALLENGE, MESSAGE_AUTHENTICATOR),
        "{reply:?}"
    );
    assert_eq!(reply.all("Proxy-State"), ["0102", "ff", "0102"]);
    assert_eq!(reply.one("Session-Timeout"), "300");
    let text = stack.text_after(0);
    assert!(reply.one("Reply-Message").contains(&text.label()), "{reply:?}");

    let again = pyrad.code("alice", &reply.one("State"), &wrong(&text.code()));
    assert_eq!(
        (again.code(), again.first()),
        (CHALLENGE, MESSAGE_AUTHENTICATOR),
        "{again:?}"
    );
    assert!(
        again
            .one("Reply-Message")
            .starts_with("Wrong code, 4 tries left."),
        "{again:?}"
    );
    assert_ne!(again.one("State"), reply.one("State"));

    let reply = pyrad.code("alice", &again.one("State"), &text.code());
    assert_eq!(
        (reply.code(), reply.first()),
        (ACCEPT, MESSAGE_AUTHENTICATOR),
        "{reply:?}"
    );
    assert_eq!(reply.one("Framed-IP-Address"), "192.0.2.44");
    assert_eq!(reply.one("Cisco-AVPair"), "shell:priv-lvl=15");
    assert_eq!(reply.one("Class"), "7374616666");
    assert_eq!(stack.settled(), 1);
}

#[test]
fn pyrad_proves_the_code_by_chap_and_cannot_prove_the_password_so() {
    let stack = Stack::vpn();
    let mut pyrad = Pyrad::start(stack.address(), SECRET);
    let chap = |attributes: Value, secret: &str| json!({ "attributes": attributes, "chap": secret });

    let reply = pyrad.ask(&chap(json!({ "User-Name": "alice" }), PASSWORD));
    assert_eq!(reply.code(), REJECT, "{reply:?}");
    assert_eq!(reasons(&stack), ["needs-pap"]);

    let reply = pyrad.password("alice", PASSWORD);
    assert_eq!(reply.code(), CHALLENGE, "{reply:?}");
    let code = stack.text_after(0).code();
    let answer = json!({ "User-Name": "alice", "State": reply.one("State") });
    let again = pyrad.ask(&chap(answer, &wrong(&code)));
    assert_eq!(again.code(), CHALLENGE, "{again:?}");
    // With a challenge of its own instead of the Request Authenticator.
    let answer = json!({
        "User-Name": "alice", "State": again.one("State"), "CHAP-Challenge": "00112233445566778899",
    });
    let reply = pyrad.ask(&chap(answer, &code));
    assert_eq!(
        (reply.code(), reply.first()),
        (ACCEPT, MESSAGE_AUTHENTICATOR),
        "{reply:?}"
    );
    assert_eq!(stack.settled(), 1);
}

/// Fifty requests of one login by radclient: ten processes, each with a port of its own, five Identifiers each, by turns to one
/// server and the other.
fn fifty(servers: [SocketAddr; 2], attributes: &str) -> Vec<Received> {
    thread::scope(|scope| {
        let started: Vec<_> = (0..10)
            .map(|n| scope.spawn(move || radclient::several(servers[n % 2], SECRET, attributes, 5)))
            .collect();
        started.into_iter().flat_map(|all| all.join().unwrap()).collect()
    })
}

#[test]
fn fifty_requests_of_one_login_at_two_servers_send_one_text_and_any_of_them_ends_it() {
    let mut stack = stack();
    stack.client("gw", "127.0.0.1/32", "vpn", "local");
    stack.start_radius("127.0.0.1:0");
    let (second, other) = peers::radius(&stack, "second", "127.0.0.2:0", None);
    let servers = [stack.address(), other];
    let origins = [
        "NAS-Port = 17, Calling-Station-Id = \"203.0.113.9\"",
        "Acct-Session-Id = \"A7F3\", Calling-Station-Id = \"203.0.113.9\"",
    ];
    for (n, origin) in origins.into_iter().enumerate() {
        let attributes = format!("{}, {origin}", radclient::password("alice", PASSWORD));
        let replies = fifty(servers, &attributes);
        assert_eq!(replies.len(), 50);
        assert!(
            replies.iter().all(|reply| reply.is("Access-Challenge")),
            "{replies:?}"
        );
        // One login, with a State for each request.
        let texts = stack.settled();
        assert_eq!(texts, n + 1, "{:?}", stack.texts());
        let text = stack.text_after(n);
        let shows = |reply: &Received| reply.get("Reply-Message").unwrap().contains(&text.label());
        assert!(replies.iter().all(shows), "{replies:?}");
        let states: BTreeSet<String> = replies.iter().map(Received::state).collect();
        assert_eq!(states.len(), 50);

        // A wrong code at the one server, the right one at the other; then no other State is good for anything.
        let mut states = states.into_iter();
        let answer = |server, state: String, code: &str| {
            let attributes = format!("{}, {origin}", radclient::code("alice", &state, code));
            radclient::ask(server, SECRET, &attributes, 10)
        };
        let reply = answer(servers[0], states.next().unwrap(), &wrong(&text.code()));
        assert!(reply.is("Access-Challenge"), "{reply:?}");
        let reply = answer(servers[1], states.next().unwrap(), &text.code());
        assert!(reply.is("Access-Accept"), "{reply:?}");
        for (server, state) in servers.into_iter().zip(states) {
            let reply = answer(server, state, &text.code());
            assert!(reply.is("Access-Reject"), "{reply:?}");
        }
        assert_eq!(stack.settled(), n + 1);
    }
    // Both had their part of the work.
    for log in [stack.radius.as_ref().unwrap().log(), second.log()] {
        assert!(log.matches("challenged").count() >= 50, "{log}");
    }
}

#[test]
fn what_is_not_the_same_login_gets_a_text_of_its_own() {
    let mut stack = stack();
    stack.client("gw", "127.0.0.1/32", "vpn", "local");
    stack.start_radius("127.0.0.1:0");
    let first = "NAS-Port = 17, Calling-Station-Id = \"203.0.113.9\"";
    let others = [
        "NAS-Port = 18, Calling-Station-Id = \"203.0.113.9\"",
        "NAS-Port = 17, Calling-Station-Id = \"203.0.113.10\"",
    ];
    let mut states = BTreeSet::new();
    for (n, origin) in [first].into_iter().chain(others).enumerate() {
        let attributes = format!("{}, {origin}", radclient::password("alice", PASSWORD));
        let reply = radclient::ask(stack.address(), SECRET, &attributes, 10);
        assert!(reply.is("Access-Challenge"), "{reply:?}");
        assert_eq!(stack.settled(), n + 1);
        states.insert(reply.state());
    }
    assert_eq!(states.len(), 3);
}

/// A login's first request, sent and not waited for.
fn send(server: SocketAddr, user: &str, password: &str) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let secret = SharedSecret::new(SECRET.as_bytes()).unwrap();
    let mut buffer = [0; MAX_PACKET];
    let authenticator = Authenticator([0x5a; 16]);
    let signing = Signing::MessageAuthenticator;
    let mut request =
        RequestBuilder::new(&mut buffer, Code::AccessRequest, 1, authenticator, signing).unwrap();
    request.text(attribute::USER_NAME, user).unwrap();
    request.password(password.as_bytes(), &secret).unwrap();
    socket.connect(server).unwrap();
    socket.send(request.finish(&secret)).unwrap();
    socket
}

#[test]
fn logins_go_on_beside_a_gateway_and_a_directory_that_hang() {
    const SLOW: u16 = 24;
    const DIRECTORY: u16 = 40;
    const OTHERS: u16 = 8;
    let mut stack = Stack::new();
    let texts: Arc<Mutex<Vec<Texted>>> = Arc::default();
    let gateway = SlowGateway::start(PATIENCE, |to| to.starts_with("+491712341"), {
        let texts = Arc::clone(&texts);
        move |text| texts.lock().unwrap().push(text.clone())
    });
    gateway::provider(&stack, "gateway", 1, &gateway.settings());
    stack.roomy();
    stack.resource("vpn", ResourceSettings::default());
    let directory = Silent::start();
    let config = json!({
        "urls": [format!("ldap://{}", directory.address())], "start-tls": false, "insecure": true, "timeout-ms": 10_000,
        "bind": { "dn": "uid={user},ou=people,dc=corp,dc=example" },
    });
    stack.admin(AdminOp::SourceAdd {
        name: "corp".to_owned(),
        kind: "ldap".to_owned(),
        config: Secret::new(config.to_string()),
    });
    stack.client("gw", "127.0.0.1/32", "vpn", "local,ldap:corp");
    for n in 0..SLOW {
        stack.user(&format!("slow{n}"), 1000 + n, &["vpn"]);
    }
    for n in 0..OTHERS {
        stack.user(&format!("other{n}"), 3000 + n, &["vpn"]);
    }
    for n in 0..DIRECTORY {
        let login = format!("corp{n}");
        stack.admin(AdminOp::UserAdd(UserAdd {
            login: login.clone(),
            resources: vec!["vpn".to_owned()],
            ..UserAdd::default()
        }));
        stack.token(&login, 2000 + n);
    }
    stack.start_radius("127.0.0.1:0");
    let server = stack.address();

    // A challenge does not wait for its text.
    let challenged: Vec<Received> = (0..SLOW)
        .map(|n| {
            let attributes = radclient::password(&format!("slow{n}"), PASSWORD);
            let reply = radclient::ask(server, SECRET, &attributes, 5);
            assert!(reply.is("Access-Challenge"), "slow{n}: {reply:?}");
            reply
        })
        .collect();
    let asked: Vec<UdpSocket> = (0..DIRECTORY)
        .map(|n| send(server, &format!("corp{n}"), "a password"))
        .collect();
    wait_for("both to hang", || {
        (gateway.holding() == usize::from(SLOW) && directory.waiting() >= 32).then_some(())
    });

    let text_to = |phone: String| {
        wait_for("a text", || {
            let texts = texts.lock().unwrap();
            texts.iter().find(|text| text.to == phone).cloned()
        })
    };
    for n in 0..OTHERS {
        let user = format!("other{n}");
        let reply = radclient::ask(server, SECRET, &radclient::password(&user, PASSWORD), 5);
        assert!(reply.is("Access-Challenge"), "{user}: {reply:?}");
        let code = text_to(number(3000 + n)).code();
        let reply = radclient::ask(server, SECRET, &radclient::code(&user, &reply.state(), &code), 5);
        assert!(reply.is("Access-Accept"), "{user}: {reply:?}");
    }
    // All that while, the others hung.
    assert_eq!(gateway.holding(), usize::from(SLOW));
    assert!(directory.waiting() > 0);
    assert_eq!(texts.lock().unwrap().len(), usize::from(OTHERS));

    // The slow ones get in as their texts come, with one each.
    gateway.release();
    for (n, reply) in (0..SLOW).zip(&challenged) {
        let code = text_to(number(1000 + n)).code();
        let attributes = radclient::code(&format!("slow{n}"), &reply.state(), &code);
        let reply = radclient::ask(server, SECRET, &attributes, 5);
        assert!(reply.is("Access-Accept"), "slow{n}: {reply:?}");
    }
    assert_eq!(texts.lock().unwrap().len(), usize::from(SLOW + OTHERS));
    // The directory's users are told no, with a reason of its own, and have cost nothing.
    for socket in asked {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut reply = [0; MAX_PACKET];
        socket.recv(&mut reply).unwrap();
        assert_eq!(u64::from(reply[0]), REJECT);
    }
    let unavailable = reasons(&stack)
        .iter()
        .filter(|reason| *reason == "source-unavailable")
        .count();
    assert_eq!(unavailable, usize::from(DIRECTORY));
    assert_eq!(texts.lock().unwrap().len(), usize::from(SLOW + OTHERS));
}
