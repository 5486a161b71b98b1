//! Against programs and libraries of other people: `radclient` (package freeradius-utils) and the crate `radius`.

use std::{
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
};

use otpost_radius::Silence;
use radius::core::{code::Code as PeerCode, packet::Packet as Peer, rfc2865, rfc2869};

use crate::common::{OLD_SECRET, SECRET, SESSION, STATE, Site, Vpn};

struct Said {
    success: bool,
    text: String,
}

/// Runs radclient once; `-x` makes it print the reply's attributes.
fn radclient(server: SocketAddr, kind: &str, secret: &str, attributes: &str) -> Said {
    let server = server.to_string();
    let mut child = Command::new("radclient")
        .args(["-x", "-r", "1", "-t", "2", &server, kind, secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("radclient runs: install the package freeradius-utils");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(attributes.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Said {
        success: output.status.success(),
        text,
    }
}

#[test]
fn s05_radclient_logs_in_with_password_and_code() {
    let (site, daemon) = Site::usual();
    let first = "User-Name=alice,User-Password=right,Message-Authenticator=0x00\n";
    let challenged = radclient(site.v4(), "auth", SECRET, first);
    assert!(
        challenged.text.contains("Received Access-Challenge"),
        "{}",
        challenged.text
    );
    assert!(
        challenged.text.contains(&format!("State = 0x{SESSION}")),
        "{}",
        challenged.text
    );
    assert!(
        challenged
            .text
            .contains("Reply-Message = \"Code sent to +49******678:\""),
        "{}",
        challenged.text
    );
    assert!(
        challenged.text.contains("Session-Timeout = 300"),
        "{}",
        challenged.text
    );
    assert!(
        challenged.text.contains("Prompt = No-Echo"),
        "{}",
        challenged.text
    );
    let second =
        format!("User-Name=alice,User-Password=123456,State=0x{SESSION},Message-Authenticator=0x00\n");
    let accepted = radclient(site.v4(), "auth", SECRET, &second);
    assert!(
        accepted.success && accepted.text.contains("Received Access-Accept"),
        "{}",
        accepted.text
    );
    assert!(accepted.text.contains("Class = 0x0a0b"), "{}", accepted.text);
    assert_eq!(daemon.asked(), 2);
}

#[test]
fn radclient_is_rejected_with_a_wrong_password() {
    let (site, _daemon) = Site::usual();
    let said = radclient(
        site.v4(),
        "auth",
        SECRET,
        "User-Name=alice,User-Password=no,Message-Authenticator=0x00\n",
    );
    assert!(
        !said.success && said.text.contains("Received Access-Reject"),
        "{}",
        said.text
    );
    assert!(
        said.text.contains("Reply-Message = \"Access denied.\""),
        "{}",
        said.text
    );
}

#[test]
fn radclient_without_message_authenticator_or_with_another_secret_hears_nothing() {
    let (site, daemon) = Site::usual();
    let bare = radclient(site.v4(), "auth", SECRET, "User-Name=alice,User-Password=right\n");
    assert!(!bare.success && bare.text.contains("No reply"), "{}", bare.text);
    assert_eq!(site.counters.silent(Silence::MessageAuthenticatorMissing), 1);
    let attributes = "User-Name=alice,User-Password=right,Message-Authenticator=0x00\n";
    let other = radclient(site.v4(), "auth", "another secret", attributes);
    assert!(
        !other.success && other.text.contains("No reply"),
        "{}",
        other.text
    );
    assert_eq!(site.counters.silent(Silence::MessageAuthenticatorWrong), 1);
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn s11_radclient_gets_its_proxy_states_back() {
    let (site, daemon) = Site::usual();
    let attributes = "User-Name=alice,User-Password=right,NAS-Port=1,Proxy-State=0x01,Proxy-State=0x0203,Message-Authenticator=0x00\n";
    let said = radclient(site.v4(), "auth", SECRET, attributes);
    assert!(said.text.contains("Received Access-Challenge"), "{}", said.text);
    let received = said.text.split_once("Received").unwrap().1;
    let (one, two) = (
        received.find("Proxy-State = 0x01\n"),
        received.find("Proxy-State = 0x0203\n"),
    );
    assert!(one.is_some() && one < two, "{}", said.text);
    assert_eq!(daemon.asked(), 1);
}

#[test]
fn s36_radclient_asks_whether_the_server_lives() {
    let (site, _daemon) = Site::usual();
    let said = radclient(site.v4(), "status", SECRET, "Message-Authenticator=0x00\n");
    assert!(
        said.success && said.text.contains("Received Access-Accept"),
        "{}",
        said.text
    );
}

#[test]
fn radclient_speaks_ipv6() {
    let (site, _daemon) = Site::usual();
    let attributes = "User-Name=alice,User-Password=right,Message-Authenticator=0x00\n";
    let said = radclient(site.addresses[1], "auth", SECRET, attributes);
    assert!(said.text.contains("Received Access-Challenge"), "{}", said.text);
}

#[test]
fn s05_the_crate_radius_logs_in_and_checks_every_reply() {
    let (site, _daemon) = Site::usual();
    let vpn = Vpn::new(site.v4(), "127.0.0.3");
    let secret = OLD_SECRET.as_bytes();
    let ask = |password: &[u8], state: Option<&[u8]>| {
        let mut request = Peer::new(PeerCode::AccessRequest, secret);
        rfc2865::add_user_name(&mut request, "alice");
        rfc2865::add_user_password(&mut request, password).unwrap();
        rfc2865::add_proxy_state(&mut request, b"proxy");
        if let Some(state) = state {
            rfc2865::add_state(&mut request, state);
        }
        let request = request.encode().unwrap();
        vpn.socket
            .set_read_timeout(Some(crate::common::DEADLINE))
            .unwrap();
        vpn.socket.send(&request).unwrap();
        let mut buffer = [0; 4096];
        let length = vpn.socket.recv(&mut buffer).unwrap();
        let reply = &buffer[..length];
        assert!(Peer::is_authentic_response(reply, &request, secret));
        assert_eq!(reply[1], request[1]);
        let reply = Peer::decode(reply, secret).unwrap();
        assert_eq!(rfc2865::lookup_all_proxy_state(&reply), [b"proxy"]);
        assert_eq!(rfc2869::lookup_message_authenticator(&reply).unwrap().len(), 16);
        reply
    };
    let challenge = ask(b"right", None);
    assert_eq!(challenge.get_code(), PeerCode::AccessChallenge);
    assert_eq!(rfc2865::lookup_all_state(&challenge), [STATE]);
    assert_eq!(
        rfc2869::lookup_prompt(&challenge).unwrap().unwrap(),
        rfc2869::PROMPT_NO_ECHO
    );
    let accept = ask(b"123456", Some(&STATE));
    assert_eq!(accept.get_code(), PeerCode::AccessAccept);
    assert_eq!(rfc2865::lookup_all_class(&accept), [[10, 11]]);
    assert_eq!(ask(b"000000", Some(&STATE)).get_code(), PeerCode::AccessReject);
}
