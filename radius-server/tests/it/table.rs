//! A client table of many pages.

use std::{sync::atomic::Ordering, time::Duration};

use otpost_ipc::radius::{MessageAuthenticator, RadiusClient};
use otpost_radius::Silence;
use otpost_radius_wire::Code;

use crate::common::{SECRET, Site, Vpn, client, until, usual};

/// 1999 clients that are elsewhere, and behind all of them the one at `address`.
fn many(address: &str) -> Vec<RadiusClient> {
    let policy = MessageAuthenticator::Require;
    let elsewhere = |n: usize| {
        let network = format!("10.{}.{}.0/24", n / 250, n % 250);
        client(&format!("vpn-{n}"), &[&network], SECRET, policy)
    };
    let mut clients: Vec<_> = (1..2000).map(elsewhere).collect();
    clients.push(client("last", &[address], SECRET, policy));
    clients
}

fn answered(vpn: &Vpn) -> bool {
    vpn.socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    vpn.socket.send(&vpn.status()).unwrap();
    vpn.socket.recv(&mut [0; 4096]).is_ok()
}

#[test]
fn the_last_of_two_thousand_clients_is_served_until_it_is_removed() {
    let (site, daemon) = Site::usual();
    let last = Vpn::new(site.v4(), "127.0.0.2");
    daemon.set_clients(many("127.0.0.2"));
    until("the last client is served", || answered(&last));
    assert_eq!(daemon.turned.times.load(Ordering::Relaxed), 6);
    assert_eq!(
        last.exchange(&last.begin("alice", "right")).code,
        Code::AccessChallenge
    );

    let mut without = many("127.0.0.2");
    without.pop();
    daemon.set_clients(without);
    until("the removed client gets silence", || {
        let before = site.counters.silent(Silence::UnknownClient);
        let _ = answered(&last);
        site.counters.silent(Silence::UnknownClient) > before
    });
    site.assert_silent(
        &Vpn::new(site.v4(), "127.0.0.2"),
        &last.begin("alice", "right"),
        Silence::UnknownClient,
    );
}

#[test]
fn a_server_that_starts_reads_all_pages() {
    let site = Site::alone(&["127.0.0.1:0"]);
    let daemon = site.daemon(usual);
    site.wait_until_up();
    daemon.set_clients(many("127.0.0.1"));
    until("the pages are read", || {
        daemon.turned.times.load(Ordering::Relaxed) >= 6
    });
    daemon.kill();

    let daemon = crate::common::Daemon::start_with(site.config.socket.clone(), many("127.0.0.2"), usual);
    let last = Vpn::new(site.v4(), "127.0.0.2");
    until("the last client is served", || answered(&last));
    assert_eq!(daemon.turned.times.load(Ordering::Relaxed), 6);
}

#[test]
fn a_table_that_changes_between_its_pages_is_read_anew() {
    let (site, daemon) = Site::usual();
    let (old, new) = (Vpn::new(site.v4(), "127.0.0.2"), Vpn::new(site.v4(), "127.0.0.4"));
    *daemon.turned.change.lock().unwrap() = Some(many("127.0.0.4"));
    daemon.set_clients(many("127.0.0.2"));
    until("the newer table is in force", || answered(&new));
    assert_eq!(
        daemon.turned.times.load(Ordering::Relaxed),
        7,
        "one page in vain, then all"
    );
    site.assert_silent(&old, &old.begin("alice", "right"), Silence::UnknownClient);
}

#[test]
fn a_newer_table_that_cannot_be_fetched_ends_the_trust_in_the_old_one() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    assert!(answered(&vpn));
    daemon.turned.fail.store(true, Ordering::Relaxed);
    daemon.set_clients(many("127.0.0.2"));
    until("the old table is dropped", || {
        let before = site.counters.silent(Silence::DaemonAway);
        let _ = answered(&vpn);
        site.counters.silent(Silence::DaemonAway) > before
    });
    daemon.turned.fail.store(false, Ordering::Relaxed);
    let last = Vpn::new(site.v4(), "127.0.0.2");
    until("the new table is in force", || answered(&last));
    let fresh = site.vpn();
    site.assert_silent(&fresh, &fresh.begin("alice", "right"), Silence::UnknownClient);
}
