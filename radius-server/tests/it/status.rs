//! Status-Server (RFC 5997).

use std::sync::atomic::Ordering;

use otpost_radius::Silence;
use otpost_radius_wire::{Code, Signing, attribute};
use tokio::sync::watch;

use crate::common::{Act, Site, Vpn, challenge, until};

#[test]
fn s36_status_server_is_answered_and_asks_nothing() {
    let (site, daemon) = Site::usual();
    for vpn in [site.vpn(), Vpn::new(site.v4(), "127.0.0.3")] {
        let reply = vpn.exchange(&vpn.status());
        assert_eq!(reply.code, Code::AccessAccept);
        assert_eq!(reply.kinds(), [attribute::MESSAGE_AUTHENTICATOR]);
    }
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn s36_status_server_without_message_authenticator_gets_silence() {
    let (site, _daemon) = Site::usual();
    for vpn in [site.vpn(), Vpn::new(site.v4(), "127.0.0.3")] {
        let bare = vpn.build(Code::StatusServer, Signing::None, |_| {});
        site.assert_silent(&vpn, &bare, Silence::MessageAuthenticatorMissing);
        let mut forged = vpn.status();
        let last = forged.len() - 1;
        forged[last] ^= 1;
        site.assert_silent(&vpn, &forged, Silence::MessageAuthenticatorWrong);
    }
}

#[test]
fn s37_status_server_is_answered_while_logins_wait() {
    let (open, gate) = watch::channel(false);
    let (site, daemon) = Site::with(move |_| Act::Hold(gate.clone(), challenge()));
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    vpn.socket.send(&request).unwrap();
    until("the login is in work", || daemon.asked() == 1);
    let other = site.vpn();
    assert_eq!(other.exchange(&other.status()).code, Code::AccessAccept);
    open.send_replace(true);
    assert_eq!(vpn.receive(&request).code, Code::AccessChallenge);
}

#[test]
fn s37_status_server_is_not_answered_while_the_store_is_down_and_again_once_it_is_back() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    daemon.told.broken.store(true, Ordering::Relaxed);
    // The first login shows it.
    let request = vpn.begin("alice", "right");
    site.assert_silent(&vpn, &request, Silence::Fault);
    for _ in 0..3 {
        site.assert_silent(&vpn, &vpn.status(), Silence::Fault);
    }
    daemon.told.broken.store(false, Ordering::Relaxed);
    // Nobody has to log in for that: the question itself finds out.
    assert_eq!(vpn.exchange(&vpn.status()).code, Code::AccessAccept);
    let probes = daemon.told.signed.lock().unwrap().len();
    assert_eq!(vpn.exchange(&vpn.status()).code, Code::AccessAccept);
    assert_eq!(
        daemon.told.signed.lock().unwrap().len(),
        probes,
        "answered at once again"
    );
    assert_eq!(vpn.exchange(&request).code, Code::AccessChallenge);
}
