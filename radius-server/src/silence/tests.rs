use std::{net::Ipv4Addr, time::Duration};

use super::*;

fn ip(last: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | last))
}

fn line(source: IpAddr, why: Silence, count: u64) -> Line {
    Line {
        source: Some(source),
        why: Some(why),
        count,
    }
}

#[test]
fn every_reason_has_a_counter_of_its_own() {
    let counters = Counters::default();
    for why in Silence::ALL {
        assert_eq!(counters.silent(why), 0);
        counters.count_silent(why);
        assert_eq!(counters.silent(why), 1);
    }
    assert!(Silence::ALL.iter().all(|why| counters.silent(*why) == 1));
}

#[test]
fn one_line_per_source_and_minute_with_the_count() {
    let start = crate::sys::now();
    let mut limiter = Limiter::default();
    let why = Silence::UnknownClient;
    assert_eq!(limiter.note(start, ip(1), why), Some(line(ip(1), why, 1)));
    assert_eq!(limiter.note(start, ip(2), why), Some(line(ip(2), why, 1)));
    for second in 0..60 {
        assert_eq!(
            limiter.note(start + Duration::from_secs(second), ip(1), why),
            None
        );
    }
    assert_eq!(
        limiter.note(start + PERIOD, ip(1), why),
        Some(line(ip(1), why, 61))
    );
    assert_eq!(limiter.note(start + PERIOD, ip(1), why), None);
}

#[test]
fn a_flood_that_stops_is_still_logged_in_full_and_then_forgotten() {
    let start = crate::sys::now();
    let mut limiter = Limiter::default();
    let why = Silence::Malformed;
    for _ in 0..5 {
        let _ = limiter.note(start, ip(1), why);
    }
    assert_eq!(limiter.flush(start), []);
    assert_eq!(limiter.flush(start + PERIOD), [line(ip(1), why, 4)]);
    assert_eq!(limiter.flush(start + PERIOD * 2), []);
    assert_eq!(limiter.seen.len(), 0);
}

#[test]
fn forged_sources_do_not_fill_the_memory_or_the_log() {
    let start = crate::sys::now();
    let mut limiter = Limiter::default();
    let why = Silence::UnknownClient;
    let lines = (0..5000)
        .filter(|last| limiter.note(start, ip(*last), why).is_some())
        .count();
    assert_eq!((lines, limiter.seen.len()), (SOURCES, SOURCES));
    let others = Line {
        source: None,
        why: None,
        count: 5000 - 1024,
    };
    assert_eq!(limiter.flush(start), [others]);
}
