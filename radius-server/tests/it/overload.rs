//! More requests than the daemon decides in time. What comes first is shown here on a daemon that stands still; how long
//! it takes is shown on virtual time, in the unit tests of the queue.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use otpost_ipc::{LoginReply, radius::RadiusOp};
use otpost_radius::Silence;
use otpost_radius_wire::{Code, MAX_PACKET, Packet};
use tokio::sync::watch;

use crate::common::{Act, Site, Vpn, accept, until};

/// First requests of one client that may be under way: three quarters of the first window.
const FLOOD: usize = 96;
/// A flood of five times that, and more than can wait.
const SENT: usize = 800;

/// Every challenge has a session of its own.
fn challenge(serial: &AtomicU32) -> LoginReply {
    LoginReply::Prompt {
        session: format!("{:032x}", serial.fetch_add(1, Ordering::Relaxed)),
        text: "Code?".to_owned(),
        echo: false,
        expires_in: 300,
    }
}

/// Sends first requests, no faster than they are read: the kernel's buffer is not what is tried here.
fn flood(site: &Site) -> Vec<Vpn> {
    let pace = site.vpn();
    let flood: Vec<Vpn> = (0..SENT / 200).map(|_| site.vpn()).collect();
    for vpn in &flood {
        for n in 0..200 {
            vpn.socket.send(&vpn.begin("alice", "right")).unwrap();
            if n % 50 == 49 {
                assert_eq!(pace.exchange(&pace.status()).code, Code::AccessAccept);
            }
        }
    }
    flood
}

#[derive(Default)]
struct Asked {
    flood: usize,
    other: usize,
    answers: usize,
}

#[test]
fn a_flood_of_first_requests_stops_neither_answers_nor_other_clients_and_nobody_is_rejected() {
    let (open, gate) = watch::channel(true);
    let asked = Arc::new(Mutex::new(Asked::default()));
    let (seen, serial) = (Arc::clone(&asked), AtomicU32::new(1));
    let (site, daemon) = Site::with(move |op| {
        let mut seen = seen.lock().unwrap();
        match op {
            RadiusOp::Begin(begin) => {
                let count = if begin.client == "vpn" {
                    &mut seen.flood
                } else {
                    &mut seen.other
                };
                *count += usize::from(!*gate.borrow());
                Act::Hold(gate.clone(), challenge(&serial))
            }
            _ => {
                seen.answers += 1;
                Act::Say(accept())
            }
        }
    });
    let people: Vec<(Vpn, Vec<u8>)> = (0..40)
        .map(|_| {
            let vpn = site.vpn();
            let state = vpn.exchange(&vpn.begin("alice", "right")).state();
            (vpn, state)
        })
        .collect();
    open.send_replace(false);
    let flood = flood(&site);
    until("the flood has its share and no more", || {
        asked.lock().unwrap().flood == FLOOD
    });
    until("the rest was looked at", || {
        site.counters.silent(Silence::Busy) > 0
    });

    // The daemon stands still, and yet:
    let old = Vpn::new(site.v4(), "127.0.0.3");
    let others: Vec<Vec<u8>> = (0..20).map(|_| old.begin("bob", "right")).collect();
    for request in &others {
        old.socket.send(request).unwrap();
    }
    until("the other client's logins reach it", || {
        asked.lock().unwrap().other == others.len()
    });
    for (vpn, state) in &people {
        let reply = vpn.exchange(&vpn.answer("alice", "123456", state));
        assert_eq!(reply.code, Code::AccessAccept);
    }
    assert_eq!(asked.lock().unwrap().answers, people.len());
    assert_eq!(asked.lock().unwrap().flood, FLOOD);

    open.send_replace(true);
    until("all that was asked is answered", || {
        let answered = site.counters.replies();
        answered >= u64::try_from(2 * people.len() + FLOOD + others.len()).unwrap()
    });
    until("nothing waits any more", || {
        let silent = site.counters.silent(Silence::Busy);
        let logins = site.counters.replies() - u64::try_from(2 * people.len() + others.len()).unwrap();
        // One Status-Server at the start at least.
        logins + silent > u64::try_from(SENT).unwrap()
    });
    let mut buffer = [0; MAX_PACKET];
    for vpn in flood.iter().chain([&old]) {
        vpn.socket.set_nonblocking(true).unwrap();
        while let Ok(length) = vpn.socket.recv(&mut buffer) {
            let reply = Packet::parse(&buffer[..length]).unwrap();
            assert_eq!(reply.code(), Code::AccessChallenge);
        }
    }
    assert_eq!(site.counters.silent(Silence::Fault), 0);
    drop(daemon);
}

#[test]
fn a_request_that_found_no_room_is_handled_when_it_is_sent_again() {
    let (open, gate) = watch::channel(true);
    let serial = AtomicU32::new(1);
    let (site, daemon) = Site::with(move |_| Act::Hold(gate.clone(), challenge(&serial)));
    open.send_replace(false);
    let _flood = flood(&site);
    until("some find no room", || site.counters.silent(Silence::Busy) > 0);
    let vpn = site.vpn();
    let request = vpn.begin("alice", "right");
    site.assert_silent_at_least(&vpn, &request, Silence::Busy);
    open.send_replace(true);
    // As a VPN does it, until there is room.
    let mut buffer = [0; MAX_PACKET];
    until("the retransmission is answered", || {
        vpn.socket
            .set_read_timeout(Some(std::time::Duration::from_millis(20)))
            .unwrap();
        vpn.socket.send(&request).unwrap();
        vpn.socket.recv(&mut buffer).is_ok()
    });
    assert_eq!(Packet::parse(&buffer).unwrap().code(), Code::AccessChallenge);
    drop(daemon);
}

#[test]
fn an_answer_is_known_only_once_by_its_state() {
    let serial = AtomicU32::new(1);
    let (open, gate) = watch::channel(true);
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let (site, _daemon) = Site::with(move |op| {
        if matches!(op, RadiusOp::Answer(_)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Act::Hold(gate.clone(), challenge(&serial))
    });
    let vpn = site.vpn();
    let state = vpn.exchange(&vpn.begin("alice", "right")).state();
    open.send_replace(false);
    // Whoever repeats one State again and again has no more than a client's share.
    for _ in 0..200 {
        vpn.socket.send(&vpn.answer("alice", "000000", &state)).unwrap();
    }
    until("they have their share", || {
        asked.load(Ordering::Relaxed) == u32::try_from(FLOOD).unwrap() + 1
    });
    let other = site.vpn();
    assert_eq!(other.exchange(&other.status()).code, Code::AccessAccept);
    assert_eq!(asked.load(Ordering::Relaxed), u32::try_from(FLOOD).unwrap() + 1);
    open.send_replace(true);
}
