use proptest::prelude::*;

use super::*;

const ONE: Authenticator = Authenticator([1; 16]);
const TWO: Authenticator = Authenticator([2; 16]);

fn key(port: u16, identifier: u8) -> Key {
    Key {
        source: SocketAddr::from(([192, 0, 2, 1], port)),
        local: None,
        identifier,
    }
}

fn reply(octet: u8) -> [u8; 20] {
    [octet; 20]
}

fn fresh(cache: &mut Cache, now: Instant, key: Key, authenticator: Authenticator) -> Ticket {
    match cache.admit(now, key, authenticator) {
        Admission::New(ticket) => ticket,
        other => panic!("not new: {other:?}"),
    }
}

#[test]
fn a_duplicate_is_recognised_in_work_and_afterwards() {
    let (mut cache, now) = (Cache::new(16), crate::sys::now());
    let ticket = fresh(&mut cache, now, key(1, 1), ONE);
    assert_eq!(cache.admit(now, key(1, 1), ONE), Admission::Working);
    assert_eq!(cache.complete(ticket, &reply(7)), Completion::Current);
    assert_eq!(cache.admit(now, key(1, 1), ONE), Admission::Done(&reply(7)));
}

#[test]
fn every_part_of_the_key_makes_another_request() {
    let (mut cache, now) = (Cache::new(16), crate::sys::now());
    let base = key(1, 1);
    let address = Key {
        source: SocketAddr::from(([192, 0, 2, 2], 1)),
        ..base
    };
    let local = Key {
        local: Some(IpAddr::from([192, 0, 2, 9])),
        ..base
    };
    for key in [base, key(2, 1), key(1, 2), address, local] {
        let _ = fresh(&mut cache, now, key, ONE);
    }
    assert_eq!(cache.serials.len(), 5);
}

#[test]
fn a_new_authenticator_is_a_new_request_and_drops_the_old_one() {
    let (mut cache, now) = (Cache::new(16), crate::sys::now());
    let first = fresh(&mut cache, now, key(1, 1), ONE);
    let second = fresh(&mut cache, now, key(1, 1), TWO);
    assert_eq!(cache.complete(first, &reply(1)), Completion::Superseded);
    assert_eq!(cache.complete(second, &reply(2)), Completion::Current);
    assert_eq!(cache.admit(now, key(1, 1), TWO), Admission::Done(&reply(2)));
    let _ = fresh(&mut cache, now, key(1, 1), ONE);
}

#[test]
fn s26_an_entry_lives_thirty_seconds() {
    let (mut cache, now) = (Cache::new(16), crate::sys::now());
    let ticket = fresh(&mut cache, now, key(1, 1), ONE);
    assert_eq!(cache.complete(ticket, &reply(1)), Completion::Current);
    let almost = now + LIFE - Duration::from_millis(1);
    assert_eq!(cache.admit(almost, key(1, 1), ONE), Admission::Done(&reply(1)));
    let _ = fresh(&mut cache, now + LIFE, key(1, 1), ONE);
}

#[test]
fn a_forgotten_request_is_handled_anew_and_its_old_ticket_is_void() {
    let (mut cache, now) = (Cache::new(16), crate::sys::now());
    let first = fresh(&mut cache, now, key(1, 1), ONE);
    cache.forget(first);
    let second = fresh(&mut cache, now, key(1, 1), ONE);
    cache.forget(first);
    assert_eq!(cache.admit(now, key(1, 1), ONE), Admission::Working);
    assert_eq!(cache.complete(second, &reply(1)), Completion::Current);
}

#[test]
fn the_oldest_makes_room_and_its_reply_is_still_sent() {
    let (mut cache, now) = (Cache::new(2), crate::sys::now());
    let oldest = fresh(&mut cache, now, key(1, 1), ONE);
    let _ = fresh(&mut cache, now, key(1, 2), ONE);
    let _ = fresh(&mut cache, now, key(1, 3), ONE);
    assert_eq!(cache.admit(now, key(1, 2), ONE), Admission::Working);
    assert_eq!(cache.complete(oldest, &reply(1)), Completion::Current);
    assert_eq!(cache.serials.len(), 2);
}

#[test]
fn a_smaller_bound_takes_effect_at_once() {
    let (mut cache, now) = (Cache::new(64), crate::sys::now());
    for identifier in 0..64 {
        let _ = fresh(&mut cache, now, key(1, identifier), ONE);
    }
    cache.set_capacity(3);
    assert_eq!((cache.serials.len(), cache.ring.len()), (3, 3));
    assert_eq!(cache.admit(now, key(1, 63), ONE), Admission::Working);
}

#[test]
fn s26_a_flood_leaves_no_memory_behind_and_stays_within_the_bound() {
    let (mut cache, now) = (Cache::new(20_000), crate::sys::now());
    for port in 1..=60_000 {
        let ticket = fresh(&mut cache, now, key(port, 1), ONE);
        let _ = cache.complete(ticket, &reply(1));
        assert!(cache.ring.len() <= 20_000);
    }
    cache.expire(now + LIFE);
    assert_eq!((cache.serials.len(), cache.ring.len()), (0, 0));
    assert!(cache.ring.capacity() <= SMALL && cache.serials.capacity() <= SMALL);
    assert!(cache.spare.len() <= SPARE);
}

#[test]
fn a_buffer_that_is_used_again_holds_only_its_own_reply() {
    let (mut cache, now) = (Cache::new(1), crate::sys::now());
    let long = fresh(&mut cache, now, key(1, 1), ONE);
    assert_eq!(cache.complete(long, &[9; 300]), Completion::Current);
    let short = fresh(&mut cache, now, key(1, 2), ONE);
    assert_eq!(cache.admit(now, key(1, 2), ONE), Admission::Working);
    assert_eq!(cache.complete(short, &reply(3)), Completion::Current);
    assert_eq!(cache.admit(now, key(1, 2), ONE), Admission::Done(&reply(3)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against a list that forgets nothing: never the reply of another request, never two in work at once
    /// for one request, and memory within the bound.
    #[test]
    fn a_reply_is_only_ever_that_of_the_same_request(
        steps in prop::collection::vec((0_u8..4, 0_u8..3, 0_u8..3, 0_u64..8), 1..120),
        capacity in 1_usize..6,
    ) {
        let (mut cache, start) = (Cache::new(capacity), crate::sys::now());
        let mut clock = 0;
        let mut open: Vec<(Ticket, (u8, u8))> = Vec::new();
        for (action, identifier, authenticator, seconds) in steps {
            clock += seconds;
            let now = start + Duration::from_secs(clock);
            let name = (identifier, authenticator);
            match action {
                0 | 1 => match cache.admit(now, key(1, identifier), Authenticator([authenticator; 16])) {
                    Admission::New(ticket) => open.push((ticket, name)),
                    Admission::Working => prop_assert!(open.iter().any(|(_, other)| *other == name)),
                    Admission::Done(octets) => prop_assert_eq!(octets, [identifier, authenticator]),
                },
                2 => if let Some((ticket, (identifier, authenticator))) = open.pop() {
                    let _ = cache.complete(ticket, &[identifier, authenticator]);
                },
                _ => if let Some((ticket, _)) = open.pop() {
                    cache.forget(ticket);
                },
            }
            prop_assert!(cache.serials.len() <= capacity && cache.ring.len() <= capacity);
            prop_assert!(cache.serials.len() <= cache.ring.len());
        }
    }
}
