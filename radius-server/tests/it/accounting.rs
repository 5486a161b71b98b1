//! Accounting (RFC 2866).

use std::{net::SocketAddr, sync::atomic::Ordering};

use otpost_ipc::radius::{MessageAuthenticator, RadiusClient};
use otpost_radius::Silence;
use otpost_radius_wire::{Code, MAX_PACKET, Packet, Signing, attribute};

use crate::common::{DEADLINE, Daemon, OLD_SECRET, SECRET, Site, Vpn, client, until, usual};

fn clients() -> Vec<RadiusClient> {
    let policy = MessageAuthenticator::Require;
    let mut clients = vec![
        client("vpn", &["127.0.0.1"], SECRET, policy),
        client("old", &["127.0.0.3"], OLD_SECRET, policy),
    ];
    clients[0].accounting = true;
    clients
}

fn site() -> (Site, Daemon, SocketAddr) {
    let mut site = Site::alone(&["127.0.0.1:0"]);
    let daemon = Daemon::start_with(site.config.socket.clone(), clients(), usual);
    site.wait_until_up();
    let address = site.accounting_address();
    (site, daemon, address)
}

/// Start of a session, as old clients send it: without Message-Authenticator.
fn start(vpn: &Vpn, session: &[u8]) -> Vec<u8> {
    vpn.account(Signing::None, |request| {
        request.attribute(attribute::USER_NAME, b"alice").unwrap();
        request
            .attribute(attribute::ACCT_STATUS_TYPE, &[0, 0, 0, 1])
            .unwrap();
        request.attribute(attribute::ACCT_SESSION_ID, session).unwrap();
        request.attribute(attribute::PROXY_STATE, b"p").unwrap();
    })
}

/// The reply's code and attribute types, once its authenticators hold.
fn exchange(vpn: &Vpn, request: &[u8]) -> (Code, Vec<u8>) {
    vpn.socket.send(request).unwrap();
    vpn.socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut buffer = [0; MAX_PACKET];
    let length = vpn.socket.recv(&mut buffer).expect("a reply");
    let reply = Packet::parse(&buffer[..length]).unwrap();
    let asked = Packet::parse(request).unwrap();
    let checked = reply.check_reply(&vpn.secret, asked.identifier(), &asked.authenticator());
    assert!(checked.is_ok(), "{checked:?}");
    let kinds = reply.attributes().map(|attribute| attribute.kind).collect();
    (reply.code(), kinds)
}

#[test]
fn s48_an_accounting_request_is_answered_once_it_is_stored() {
    let (site, daemon, address) = site();
    let vpn = Vpn::new(address, "127.0.0.1");
    let request = start(&vpn, b"s-1");
    daemon.told.broken.store(true, Ordering::Relaxed);
    site.assert_silent(&vpn, &request, Silence::Fault);
    assert!(daemon.told.accounts.lock().unwrap().is_empty());
    daemon.told.broken.store(false, Ordering::Relaxed);
    let reply = exchange(&vpn, &request);
    assert_eq!(reply, (Code::AccountingResponse, vec![attribute::PROXY_STATE]));
    {
        let accounts = daemon.told.accounts.lock().unwrap();
        let [account] = accounts.as_slice() else {
            panic!("{accounts:?}")
        };
        assert_eq!(
            (
                account.client.as_str(),
                account.user.as_str(),
                account.status,
                account.session.as_str()
            ),
            ("vpn", "alice", 1, "s-1")
        );
        assert_eq!(account.nas.source, "127.0.0.1");
        assert_eq!(account.attempt.len(), 64);
    }
    // A retransmission is answered from the cache and stored once.
    assert_eq!(exchange(&vpn, &request), reply);
    assert_eq!(daemon.told.accounts.lock().unwrap().len(), 1);
    assert_eq!(site.counters.resent(), 1);
}

#[test]
fn s48_a_daemon_that_does_not_answer_leaves_silence() {
    let (site, daemon, address) = site();
    daemon.told.mute.store(true, Ordering::Relaxed);
    let vpn = Vpn::new(address, "127.0.0.1");
    let request = start(&vpn, b"s-1");
    vpn.socket.send(&request).unwrap();
    until("the daemon has it", || {
        daemon.told.accounts.lock().unwrap().len() == 1
    });
    site.assert_silent(&vpn, &request, Silence::Duplicate);
    // Logins do not wait for it.
    let access = site.vpn();
    assert_eq!(
        access.exchange(&access.begin("alice", "right")).code,
        Code::AccessChallenge
    );
}

#[test]
fn s48_a_wrong_authenticator_gets_silence() {
    let (site, daemon, address) = site();
    let vpn = Vpn::new(address, "127.0.0.1");
    let mut wrong = start(&vpn, b"s-1");
    wrong[10] ^= 1;
    site.assert_silent(&vpn, &wrong, Silence::AccountingWrong);
    let mut changed = start(&vpn, b"s-1");
    let last = changed.len() - 1;
    changed[last] ^= 1;
    site.assert_silent(&vpn, &changed, Silence::AccountingWrong);
    let mut stranger = Vpn::new(address, "127.0.0.1");
    stranger.secret = otpost_radius_wire::SharedSecret::new(OLD_SECRET.as_bytes()).unwrap();
    site.assert_silent(&stranger, &start(&stranger, b"s-1"), Silence::AccountingWrong);
    assert!(daemon.told.accounts.lock().unwrap().is_empty());
}

#[test]
fn s48_accounting_is_off_unless_the_client_has_it() {
    let (site, _daemon, address) = site();
    let old = Vpn::new(address, "127.0.0.3");
    site.assert_silent(&old, &start(&old, b"s-1"), Silence::AccountingOff);
    let stranger = Vpn::new(address, "127.0.0.2");
    site.assert_silent(&stranger, &start(&stranger, b"s-1"), Silence::UnknownClient);
    // Without any such client there is no socket.
    let (other, _daemon) = Site::usual();
    assert!(other.accounting.borrow().is_empty());
}

#[test]
fn s48_each_port_serves_its_own_kind() {
    let (site, daemon, address) = site();
    let (access, accounting) = (site.vpn(), Vpn::new(address, "127.0.0.1"));
    site.assert_silent(&access, &start(&access, b"s-1"), Silence::Code);
    site.assert_silent(&accounting, &accounting.begin("alice", "right"), Silence::Code);
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn s36_status_server_on_the_accounting_port_gets_an_accounting_response() {
    let (site, _daemon, address) = site();
    let vpn = Vpn::new(address, "127.0.0.1");
    let reply = exchange(&vpn, &vpn.status());
    assert_eq!(
        reply,
        (Code::AccountingResponse, vec![attribute::MESSAGE_AUTHENTICATOR])
    );
    let bare = vpn.build(Code::StatusServer, Signing::None, |_| {});
    site.assert_silent(&vpn, &bare, Silence::MessageAuthenticatorMissing);
}

#[test]
fn s48_a_request_without_a_status_gets_silence() {
    let (site, _daemon, address) = site();
    let vpn = Vpn::new(address, "127.0.0.1");
    let bare = vpn.account(Signing::None, |request| {
        request.attribute(attribute::USER_NAME, b"alice").unwrap();
    });
    site.assert_silent(&vpn, &bare, Silence::AccountingUnusable);
}

#[test]
fn s48_accounting_opens_while_running() {
    let mut site = Site::alone(&["127.0.0.1:0"]);
    let daemon = site.daemon(usual);
    site.wait_until_up();
    daemon.set_clients(clients());
    let address = site.accounting_address();
    let vpn = Vpn::new(address, "127.0.0.1");
    assert_eq!(exchange(&vpn, &start(&vpn, b"s-1")).0, Code::AccountingResponse);
    assert!(site.stop().is_ok());
}

#[test]
fn s48_an_accounting_port_that_is_taken_keeps_nobody_out() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let site = Site::alone_with(&["127.0.0.1:0"], |config| config.accounting = vec![address]);
    let _daemon = Daemon::start_with(site.config.socket.clone(), clients(), usual);
    site.wait_until_up();
    let vpn = site.vpn();
    for _ in 0..10 {
        assert_eq!(
            vpn.exchange(&vpn.begin("alice", "right")).code,
            Code::AccessChallenge
        );
    }
    assert!(site.accounting.borrow().is_empty());
}
