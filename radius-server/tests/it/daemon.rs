//! otpostd comes, goes, fails and changes the client table.

use std::{
    collections::HashSet,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use otpost_conf::{Duration, RadiusConfig};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_radius::{ServeError, Server, Silence};
use otpost_radius_wire::{Code, SharedSecret};
use tokio::sync::watch;

use crate::common::{Act, SECRET, Site, Vpn, accept, challenge, client, clients, until, usual};

#[test]
fn without_a_daemon_nothing_is_answered_and_once_it_is_there_all_is() {
    let site = Site::alone(&["127.0.0.1:0"]);
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    site.assert_silent(&vpn, &request, Silence::DaemonAway);
    site.assert_silent(&vpn, &vpn.status(), Silence::DaemonAway);
    let daemon = site.daemon(usual);
    site.wait_until_up();
    assert_eq!(vpn.exchange(&request).code, Code::AccessChallenge);
    assert_eq!(daemon.asked(), 1);
}

#[test]
fn a_daemon_that_goes_away_leaves_silence_and_is_found_again() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    let state = vpn.exchange(&vpn.begin("alice", "right")).state();
    daemon.kill();
    until("the loss is noticed", || {
        let before = site.counters.silent(Silence::DaemonAway);
        vpn.socket.send(&vpn.answer("alice", "123456", &state)).unwrap();
        let looked =
            || site.counters.silent(Silence::DaemonAway) > before || site.counters.silent(Silence::Fault) > 0;
        until("it was looked at", looked);
        site.counters.silent(Silence::DaemonAway) > before
    });
    vpn.assert_nothing_came();
    let daemon = site.daemon(usual);
    site.wait_until_up();
    // A restart between challenge and answer costs the user nothing.
    assert_eq!(
        vpn.exchange(&vpn.answer("alice", "123456", &state)).code,
        Code::AccessAccept
    );
    assert_eq!(daemon.asked(), 1);
}

#[test]
fn a_request_in_work_when_the_connection_breaks_is_handled_anew() {
    let (_open, gate) = watch::channel(false);
    let (site, daemon) = Site::with(move |_| Act::Hold(gate.clone(), challenge()));
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    vpn.socket.send(&request).unwrap();
    until("the daemon was asked", || daemon.asked() == 1);
    daemon.kill();
    until("the request is given up", || {
        site.counters.silent(Silence::Fault) == 1
    });
    vpn.assert_nothing_came();
    let daemon = site.daemon(usual);
    site.wait_until_up();
    assert_eq!(vpn.exchange(&request).code, Code::AccessChallenge);
    assert_eq!(daemon.asked(), 1);
}

#[test]
fn a_fault_gets_silence_and_the_retransmission_is_handled_anew() {
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let (site, daemon) = Site::with(move |op| {
        if switch.load(Ordering::Relaxed) {
            Act::Fail
        } else {
            usual(op)
        }
    });
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    site.assert_silent(&vpn, &request, Silence::Fault);
    site.assert_silent(&vpn, &request, Silence::Fault);
    broken.store(false, Ordering::Relaxed);
    assert_eq!(vpn.exchange(&request).code, Code::AccessChallenge);
    assert_eq!(daemon.asked(), 3);
    let asked = daemon.asked.lock().unwrap();
    let attempts: HashSet<String> = asked.iter().map(|op| format!("{op:?}")).collect();
    assert_eq!(attempts.len(), 1, "every try names the same attempt");
}

#[test]
fn clients_are_added_changed_and_removed_while_running() {
    let (site, daemon) = Site::usual();
    let vpn = site.vpn();
    let stranger = Vpn::new(site.v4(), "127.0.0.2");
    site.assert_silent(
        &stranger,
        &stranger.begin("alice", "right"),
        Silence::UnknownClient,
    );

    let mut with_stranger = clients();
    with_stranger.push(client(
        "new",
        &["127.0.0.2"],
        SECRET,
        MessageAuthenticator::Require,
    ));
    daemon.set_clients(with_stranger);
    let answered = |vpn: &Vpn| {
        vpn.socket
            .set_read_timeout(Some(std::time::Duration::from_millis(20)))
            .unwrap();
        vpn.socket.send(&vpn.status()).unwrap();
        vpn.socket.recv(&mut [0; 4096]).is_ok()
    };
    until("the new client is served", || answered(&stranger));
    assert_eq!(
        vpn.exchange(&vpn.begin("alice", "right")).code,
        Code::AccessChallenge
    );

    let policy = MessageAuthenticator::Require;
    daemon.set_clients(vec![client("vpn", &["127.0.0.1"], "another secret", policy)]);
    let mut changed = site.vpn();
    changed.secret = SharedSecret::new(b"another secret").unwrap();
    until("the new secret is in force", || answered(&changed));
    site.assert_silent(
        &vpn,
        &vpn.begin("alice", "right"),
        Silence::MessageAuthenticatorWrong,
    );
    assert_eq!(
        changed.exchange(&changed.begin("alice", "right")).code,
        Code::AccessChallenge
    );

    daemon.set_clients(Vec::new());
    until("nobody is served", || !answered(&changed));
    site.assert_silent(
        &stranger,
        &stranger.begin("alice", "right"),
        Silence::UnknownClient,
    );
}

#[test]
fn many_logins_share_one_connection() {
    let (site, daemon) = Site::usual();
    let vpns: Vec<Vpn> = (0..8).map(|_| site.vpn()).collect();
    let mut waiting = Vec::new();
    for round in 0..25 {
        for vpn in &vpns {
            let request = vpn.begin("alice", if round % 2 == 0 { "right" } else { "wrong" });
            vpn.socket.send(&request).unwrap();
            waiting.push((vpn, request));
        }
        // Replies may come in any order: each is looked up by its Identifier.
        let mut open: Vec<_> = std::mem::take(&mut waiting);
        while let Some((vpn, request)) = open.pop() {
            let expected = if round % 2 == 0 {
                Code::AccessChallenge
            } else {
                Code::AccessReject
            };
            assert_eq!(vpn.receive(&request).code, expected);
        }
    }
    assert_eq!(daemon.asked(), 200);
    assert_eq!(site.counters.silent(Silence::Busy), 0);
}

#[test]
fn a_stop_finishes_what_is_in_work() {
    let (open, gate) = watch::channel(false);
    let (mut site, daemon) = Site::with(move |_| Act::Hold(gate.clone(), accept()));
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    vpn.socket.send(&request).unwrap();
    until("the daemon was asked", || daemon.asked() == 1);
    site.begin_stop();
    open.send_replace(true);
    assert_eq!(site.stop(), Ok(()));
    assert_eq!(vpn.receive(&request).code, Code::AccessAccept);
}

#[test]
fn a_stop_waits_no_longer_than_the_grace() {
    let (_open, gate) = watch::channel(false);
    let (mut site, daemon) = Site::with(move |_| Act::Hold(gate.clone(), accept()));
    let vpn = site.vpn();
    let short = RadiusConfig {
        shutdown_grace: Duration::from_secs(0),
        ..site.config.clone()
    };
    // The queue holds one: the second is taken once the first is in force.
    site.runtime.block_on(site.reload.send(short.clone())).unwrap();
    site.runtime.block_on(site.reload.send(short)).unwrap();
    vpn.socket.send(&vpn.begin("alice", "right")).unwrap();
    until("the daemon was asked", || daemon.asked() == 1);
    assert_eq!(site.stop(), Ok(()));
    vpn.assert_nothing_came();
}

#[test]
fn a_reload_moves_to_another_socket() {
    let (site, first) = Site::usual();
    let vpn = site.vpn();
    let moved = RadiusConfig {
        socket: site.folder.0.join("t"),
        ..site.config.clone()
    };
    let second = crate::common::Daemon::start(moved.socket.clone(), usual);
    site.runtime.block_on(site.reload.send(moved)).unwrap();
    until("the other daemon is asked", || {
        vpn.socket
            .set_read_timeout(Some(std::time::Duration::from_millis(50)))
            .unwrap();
        vpn.socket.send(&vpn.begin("alice", "right")).unwrap();
        let _ = vpn.socket.recv(&mut [0; 4096]);
        second.asked() > 0
    });
    let before = first.asked();
    vpn.socket
        .set_read_timeout(Some(crate::common::DEADLINE))
        .unwrap();
    let fresh = site.vpn();
    assert_eq!(
        fresh.exchange(&fresh.begin("alice", "right")).code,
        Code::AccessChallenge
    );
    assert_eq!(first.asked(), before);
}

#[test]
fn an_address_in_use_is_said_to_be() {
    let site = Site::alone(&["127.0.0.1:0"]);
    let _guard = site.runtime.enter();
    let config = RadiusConfig {
        listen: site.addresses.clone(),
        ..RadiusConfig::default()
    };
    let error = Server::bind(config).unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&site.v4().to_string()) && text.contains("listen"),
        "{text}"
    );
}

#[test]
fn a_socket_left_behind_by_a_dead_daemon_is_no_obstacle() {
    let site = Site::alone(&["127.0.0.1:0"]);
    // What a killed daemon leaves: a socket file that nobody listens on.
    drop(std::os::unix::net::UnixListener::bind(&site.config.socket).unwrap());
    let vpn = site.vpn();
    site.assert_silent(&vpn, &vpn.status(), Silence::DaemonAway);
    fs::remove_file(&site.config.socket).unwrap();
    let _daemon = site.daemon(usual);
    site.wait_until_up();
}
