//! Retransmissions (RFC 5080 section 2.2.2).

use otpost_radius::Silence;
use otpost_radius_wire::Code;
use tokio::sync::watch;

use crate::common::{Act, Site, Vpn, accept, challenge, until};

#[test]
fn s24_s27_ten_copies_of_one_request_ask_the_daemon_once_and_get_the_same_octets() {
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
fn s23_copies_that_arrive_while_the_request_is_in_work_are_dropped() {
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
fn s24_rejects_and_refusals_are_repeated_too() {
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
fn s22_the_same_octets_from_another_port_are_another_request() {
    let (site, daemon) = Site::usual();
    let (vpn, other) = (site.vpn(), site.vpn());
    let request = vpn.begin("alice", "right");
    vpn.exchange(&request);
    other.exchange(&request);
    assert_eq!(daemon.asked(), 2);
}

#[test]
fn s25_a_new_authenticator_under_the_same_identifier_is_a_new_request() {
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

#[test]
fn s22_the_address_that_was_asked_is_part_of_what_names_a_request() {
    let site = Site::alone(&["0.0.0.0:0"]);
    let daemon = site.daemon(crate::common::usual);
    site.wait_until_up_at(([127, 0, 0, 1], site.v4().port()).into());
    let vpn = Vpn::new(site.v4(), "127.0.0.1");
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let request = vpn.begin("alice", "right");
    socket.set_read_timeout(Some(crate::common::DEADLINE)).unwrap();
    for (address, asked) in [([127, 0, 0, 1], 1), ([127, 0, 0, 2], 2), ([127, 0, 0, 1], 2)] {
        let server = (address, site.v4().port()).into();
        socket.send_to(&request, server).unwrap();
        let (_, from) = socket.recv_from(&mut [0; 4096]).unwrap();
        assert_eq!((from, daemon.asked()), (server, asked));
    }
}

#[test]
fn s26_the_cache_is_bounded_and_what_fell_out_of_it_names_the_same_attempt() {
    let (site, daemon) = Site::usual();
    let small = otpost_conf::RadiusConfig {
        cache_entries: 16,
        ..site.config.clone()
    };
    // The queue holds one: the second is taken once the first is in force.
    site.runtime.block_on(site.reload.send(small.clone())).unwrap();
    site.runtime.block_on(site.reload.send(small)).unwrap();
    let vpn = site.vpn();
    let first = vpn.begin("alice", "right");
    let reply = vpn.exchange(&first);
    until("the cache has shrunk", || {
        for _ in 0..16 {
            vpn.exchange(&vpn.begin("alice", "right"));
        }
        let before = site.counters.resent();
        assert_eq!(vpn.exchange(&first), reply, "the daemon says the same again");
        site.counters.resent() == before
    });
    let asked = daemon.asked.lock().unwrap();
    assert_eq!(asked.first(), asked.last());
}

#[test]
fn s28_a_fail_over_names_the_session_by_which_the_daemon_joins_it() {
    let (site, daemon) = Site::usual();
    let ask = |vpn: &Vpn| {
        vpn.exchange(&vpn.access(|request| {
            vpn.pap(request, "alice", "right");
            request
                .attribute(otpost_radius_wire::attribute::NAS_PORT, &[0, 0, 0, 7])
                .unwrap();
            request
                .attribute(otpost_radius_wire::attribute::ACCT_SESSION_ID, b"s-1")
                .unwrap();
        }))
    };
    let (vpn, other) = (site.vpn(), site.vpn());
    // The same challenge, and so the same State: one text.
    assert_eq!(ask(&vpn).state(), ask(&other).state());
    let asked = daemon.asked.lock().unwrap();
    let begins: Vec<_> = asked
        .iter()
        .map(|op| match op {
            otpost_ipc::radius::RadiusOp::Begin(begin) => begin,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_ne!(begins[0].attempt, begins[1].attempt);
    assert_eq!(begins[0].nas, begins[1].nas);
    assert_eq!(
        (begins[0].nas.port.as_str(), begins[0].nas.acct_session.as_str()),
        ("7", "s-1")
    );
}

#[test]
fn s28_two_processes_name_the_same_packet_the_same() {
    let (one, first) = Site::usual();
    let (two, second) = Site::usual();
    let vpn = Vpn::new(one.v4(), "127.0.0.1");
    let request = vpn.begin("alice", "right");
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(crate::common::DEADLINE)).unwrap();
    for _ in 0..25 {
        for server in [one.v4(), two.v4()] {
            socket.send_to(&request, server).unwrap();
            let (length, from) = socket.recv_from(&mut [0; 4096]).unwrap();
            assert!(length > 20 && from == server);
        }
    }
    // Each asks once, and in the same words: to the daemon it is one attempt, which is one text.
    assert_eq!((first.asked(), second.asked()), (1, 1));
    assert_eq!(first.last(), second.last());
}
