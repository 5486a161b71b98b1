//! What clients must do about Message-Authenticator, and what the daemon learns of what they do.

use std::sync::atomic::Ordering;

use otpost_ipc::radius::{MessageAuthenticator, RadiusClient, RadiusSigned};
use otpost_radius::Silence;
use otpost_radius_wire::{Code, Signing, attribute};

use crate::common::{Daemon, SECRET, Site, Vpn, client, until, usual};

fn table(mode: MessageAuthenticator) -> Vec<RadiusClient> {
    vec![client("vpn", &["127.0.0.1"], SECRET, mode)]
}

fn site(clients: Vec<RadiusClient>) -> (Site, Daemon) {
    let site = Site::alone(&["127.0.0.1:0"]);
    let daemon = Daemon::start_with(site.config.socket.clone(), clients, usual);
    site.wait_until_up();
    (site, daemon)
}

fn bare(vpn: &Vpn) -> Vec<u8> {
    vpn.build(Code::AccessRequest, Signing::None, |request| {
        vpn.pap(request, "alice", "right");
    })
}

fn told(daemon: &Daemon) -> (usize, usize) {
    let seen = daemon.told.signed.lock().unwrap();
    assert!(seen.iter().all(|seen| seen.client == "vpn"), "{seen:?}");
    let count = |what: fn(&RadiusSigned) -> bool| seen.iter().filter(|seen| what(seen)).count();
    (count(|seen| seen.signed), count(|seen| seen.unsigned))
}

#[test]
fn s31_auto_lets_requests_without_one_in_until_the_first_valid_one() {
    let (site, daemon) = site(table(MessageAuthenticator::Auto));
    let vpn = site.vpn();
    // Status-Server and EAP have one in any case; neither says that requests with a password do.
    vpn.exchange(&vpn.status());
    let eap = vpn.access(|request| {
        request.attribute(attribute::USER_NAME, b"alice").unwrap();
        request
            .attribute(attribute::EAP_MESSAGE, &[2, 0, 0, 5, 1])
            .unwrap();
    });
    vpn.exchange(&eap);
    assert_eq!(vpn.exchange(&bare(&vpn)).code, Code::AccessChallenge);
    // One that is wrong closes nothing either: anybody can send it.
    let mut forged = vpn.begin("alice", "right");
    forged[22] ^= 1;
    site.assert_silent(&vpn, &forged, Silence::MessageAuthenticatorWrong);
    assert_eq!(vpn.exchange(&bare(&vpn)).code, Code::AccessChallenge);

    assert_eq!(
        vpn.exchange(&vpn.begin("alice", "right")).code,
        Code::AccessChallenge
    );
    site.assert_silent(&vpn, &bare(&vpn), Silence::MessageAuthenticatorMissing);
    until("the daemon knows", || told(&daemon) == (1, 1));
}

#[test]
fn s31_what_is_latched_outlives_tables_that_do_not_know_it_and_the_loss_of_the_daemon() {
    let (site, daemon) = site(table(MessageAuthenticator::Auto));
    let vpn = site.vpn();
    vpn.exchange(&vpn.begin("alice", "right"));
    daemon.set_clients(
        [
            table(MessageAuthenticator::Auto),
            vec![client(
                "new",
                &["127.0.0.2"],
                SECRET,
                MessageAuthenticator::Require,
            )],
        ]
        .concat(),
    );
    let new = Vpn::new(site.v4(), "127.0.0.2");
    until("the newer table is in force", || new.answers_status());
    site.assert_silent(&vpn, &bare(&vpn), Silence::MessageAuthenticatorMissing);
    daemon.kill();
    let daemon = Daemon::start_with(
        site.config.socket.clone(),
        table(MessageAuthenticator::Auto),
        usual,
    );
    site.wait_until_up();
    site.assert_silent(&vpn, &bare(&vpn), Silence::MessageAuthenticatorMissing);
    assert_eq!(daemon.asked(), 0);
}

#[test]
fn s31_a_table_that_says_signed_is_latched_from_the_start_and_can_be_opened_again() {
    let mut clients = table(MessageAuthenticator::Auto);
    clients[0].signed = true;
    let (site, daemon) = site(clients);
    let vpn = site.vpn();
    site.assert_silent(&vpn, &bare(&vpn), Silence::MessageAuthenticatorMissing);
    vpn.exchange(&vpn.begin("alice", "right"));
    // The administrator's doing: the client is older than was thought.
    daemon.set_clients(table(MessageAuthenticator::Auto));
    until("it is open again", || {
        let before = site.counters.replies();
        vpn.socket.send(&bare(&vpn)).unwrap();
        until("it was looked at", || {
            let silent = site.counters.silent(Silence::MessageAuthenticatorMissing);
            site.counters.replies() > before || silent > 1
        });
        site.counters.replies() > before
    });
}

#[test]
fn s31_the_daemon_persists_a_latch_and_is_told_once() {
    let (site, daemon) = site(table(MessageAuthenticator::Auto));
    daemon.told.persist.store(true, Ordering::Relaxed);
    let vpn = site.vpn();
    vpn.exchange(&vpn.begin("alice", "right"));
    until("the daemon knows", || told(&daemon) == (1, 0));
    // Over the table that says so now, and many requests.
    for _ in 0..50 {
        vpn.exchange(&vpn.begin("alice", "right"));
    }
    site.assert_silent(&vpn, &bare(&vpn), Silence::MessageAuthenticatorMissing);
    until("the unsigned one is told as well", || told(&daemon).1 == 1);
    assert_eq!(told(&daemon), (1, 1));
}

#[test]
fn s31_who_sends_none_is_reported_once_an_hour_whatever_the_mode() {
    for (mode, code) in [
        (MessageAuthenticator::Off, Some(Code::AccessChallenge)),
        (MessageAuthenticator::Auto, Some(Code::AccessChallenge)),
        (MessageAuthenticator::Require, None),
    ] {
        let (mut site, daemon) = site(table(mode));
        let vpn = site.vpn();
        for _ in 0..20 {
            let request = bare(&vpn);
            match code {
                Some(code) => assert_eq!(vpn.exchange(&request).code, code),
                None => site.assert_silent(&vpn, &request, Silence::MessageAuthenticatorMissing),
            }
        }
        until("the daemon knows", || told(&daemon) == (0, 1));
        // A stop tells what is left to tell.
        assert!(site.stop().is_ok());
        assert_eq!(told(&daemon), (0, 1));
    }
}

#[test]
fn s31_a_daemon_that_cannot_keep_it_is_told_again() {
    let (site, daemon) = site(table(MessageAuthenticator::Off));
    let vpn = site.vpn();
    vpn.exchange(&vpn.begin("alice", "right"));
    until("the daemon knows", || told(&daemon) == (1, 0));
    daemon.told.broken.store(true, Ordering::Relaxed);
    site.assert_silent(&vpn, &bare(&vpn), Silence::Fault);
    daemon.told.broken.store(false, Ordering::Relaxed);
    until("the daemon knows in the end", || told(&daemon) == (1, 1));
}

#[test]
fn s32_proxy_state_without_message_authenticator_gets_silence_where_it_is_limited() {
    let proxied = |vpn: &Vpn, signing| {
        vpn.build(Code::AccessRequest, signing, |request| {
            vpn.pap(request, "alice", "right");
            request.attribute(attribute::PROXY_STATE, b"p").unwrap();
        })
    };
    for mode in [MessageAuthenticator::Off, MessageAuthenticator::Auto] {
        let mut clients = table(mode);
        clients[0].limit_proxy_state = true;
        let (site, _daemon) = site(clients);
        let vpn = site.vpn();
        site.assert_silent(&vpn, &proxied(&vpn, Signing::None), Silence::ProxyStateUnsigned);
        assert_eq!(vpn.exchange(&bare(&vpn)).code, Code::AccessChallenge);
        let signed = proxied(&vpn, Signing::MessageAuthenticator);
        assert_eq!(vpn.exchange(&signed).code, Code::AccessChallenge);
    }
    let (site, _daemon) = site(table(MessageAuthenticator::Off));
    let vpn = site.vpn();
    assert_eq!(
        vpn.exchange(&proxied(&vpn, Signing::None)).code,
        Code::AccessChallenge
    );
}
