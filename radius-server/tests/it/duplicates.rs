//! Retransmissions (RFC 5080 section 2.2.2).

use otpost_radius::Silence;
use otpost_radius_wire::Code;
use tokio::sync::watch;

use crate::common::{Act, Site, Vpn, accept, challenge, until};

#[test]
fn ten_copies_of_one_request_ask_the_daemon_once_and_get_the_same_octets() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    let first = vpn.exchange(&request);
    assert_eq!(first.code, Code::AccessChallenge);
    for _ in 0..9 {
        assert_eq!(vpn.exchange(&request), first);
    }
    assert_eq!(daemon.asked(), 1);
    assert_eq!(site.counters.resent(), 9);
}

#[test]
fn copies_that_arrive_while_the_request_is_in_work_are_dropped() {
    let (open, gate) = watch::channel(false);
    let (site, daemon) = Site::with(move |_| Act::Hold(gate.clone(), challenge()));
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    vpn.socket.send(&request).unwrap();
    until("the daemon was asked", || daemon.asked() == 1);
    for _ in 0..9 {
        site.assert_silent(&vpn, &request, Silence::Duplicate);
    }
    open.send_replace(true);
    let first = vpn.receive(&request);
    assert_eq!(first.code, Code::AccessChallenge);
    assert_eq!(vpn.exchange(&request), first);
    vpn.assert_nothing_came();
    assert_eq!(daemon.asked(), 1);
}

#[test]
fn rejects_and_refusals_are_repeated_too() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    for request in [
        vpn.begin("alice", "wrong"),
        vpn.answer("alice", "123456", b"not ours"),
    ] {
        let first = vpn.exchange(&request);
        assert_eq!(first.code, Code::AccessReject);
        assert_eq!(vpn.exchange(&request), first);
    }
    assert_eq!(daemon.asked(), 1);
}

#[test]
fn the_same_octets_from_another_port_are_another_request() {
    let (site, daemon) = Site::usual();
    let (vpn, other) = (site.vpn(), site.vpn());
    let request = vpn.begin("alice", "right");
    vpn.exchange(&request);
    other.exchange(&request);
    assert_eq!(daemon.asked(), 2);
}

#[test]
fn a_new_authenticator_under_the_same_identifier_is_a_new_request() {
    let (open, gate) = watch::channel(false);
    let (site, daemon) = Site::with(move |_| Act::Hold(gate.clone(), accept()));
    let vpn = site.vpn();
    let old = vpn.begin("alice", "right");
    // Same address, port and Identifier, another Request Authenticator.
    let again = Vpn::new(site.v4(), "127.0.0.1");
    let new = again.begin("alice", "right");
    assert_eq!(old[1], new[1]);
    assert_ne!(old[4..20], new[4..20]);
    vpn.socket.send(&old).unwrap();
    until("the first request is in work", || daemon.asked() == 1);
    vpn.socket.send(&new).unwrap();
    until("the second request is in work", || daemon.asked() == 2);
    open.send_replace(true);
    assert_eq!(vpn.receive(&new).code, Code::AccessAccept);
    until("the first reply is dropped", || {
        site.counters.silent(Silence::Superseded) == 1
    });
    vpn.assert_nothing_came();
}

#[test]
fn a_forged_copy_gets_nothing_from_the_cache() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    vpn.exchange(&request);
    let mut forged = request;
    let last = forged.len() - 1;
    forged[last] ^= 1;
    site.assert_silent(&vpn, &forged, Silence::MessageAuthenticatorWrong);
    assert_eq!((daemon.asked(), site.counters.resent()), (1, 0));
}
