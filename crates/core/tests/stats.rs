//! Figures by hour: nothing is lost in merging, and series have no holes.

use otpost_core::Timestamp;
use otpost_core::ids::ResourceId;
use otpost_core::login::{Reason, Reply, Step};
use otpost_core::stats::{Cut, Fact, HOUR_MILLIS, HourStats, Latency, Outcome};
use proptest::prelude::*;

const VPN: ResourceId = ResourceId([1; 16]);
const MAIL: ResourceId = ResourceId([2; 16]);

fn fact() -> impl Strategy<Value = Fact> {
    let resource = prop_oneof![Just(None), Just(Some(VPN)), Just(Some(MAIL))];
    let outcome = prop_oneof![
        Just(Outcome::Allowed),
        Just(Outcome::WrongCode(Reason::TriesUsed)),
        Just(Outcome::Denied(Reason::WrongPassword)),
        Just(Outcome::Denied(Reason::UnknownUser)),
    ];
    let state = prop_oneof![Just("accepted"), Just("failed"), Just("unknown"), Just("expired")];
    prop_oneof![
        (resource.clone(), outcome).prop_map(|(resource, outcome)| Fact::Login { resource, outcome }),
        (resource, state, 0u64..90_000).prop_map(|(resource, state, took)| Fact::Text {
            resource,
            state,
            took
        }),
        ("[ab]", any::<bool>(), 0u64..90_000).prop_map(|(provider, accepted, took)| Fact::Answer {
            provider,
            accepted,
            took
        }),
    ]
}

proptest! {
    #[test]
    fn flushes_add_up_to_what_was_counted(facts in prop::collection::vec(fact(), 0..60), cut in 0usize..60) {
        let mut whole = HourStats::at(Timestamp(HOUR_MILLIS));
        for fact in &facts {
            whole.count(fact);
        }
        let mut stored = HourStats::at(Timestamp(HOUR_MILLIS));
        let (first, second) = facts.split_at(cut.min(facts.len()));
        for part in [first, second] {
            let mut delta = HourStats::at(Timestamp(HOUR_MILLIS));
            for fact in part {
                delta.count(fact);
            }
            // Through the store.
            let json = serde_json::to_string(&delta).unwrap();
            stored.merge(&serde_json::from_str(&json).unwrap());
        }
        prop_assert_eq!(stored, whole);
    }

    #[test]
    fn a_percentile_lies_in_the_class_of_the_exact_one(mut took in prop::collection::vec(1u64..60_000, 1..200), percent in 1u8..=100) {
        let mut latency = Latency::default();
        for millis in &took {
            latency.add(*millis);
        }
        took.sort_unstable();
        let rank = (took.len() * usize::from(percent)).div_ceil(100).max(1);
        let exact = took[rank - 1];
        let shown = u64::from(latency.percentile(percent));
        // Classes are at most a factor of two wide.
        prop_assert!(shown <= exact * 2 && exact <= shown * 2, "{} for {}", shown, exact);
    }
}

#[test]
fn nothing_counted_has_no_latency() {
    assert_eq!(Latency::default().percentile(95), 0);
    let mut slow = Latency::default();
    slow.add(10_000_000);
    assert_eq!(slow.percentile(50), 60_000);
}

#[test]
fn a_series_has_every_entry_and_ends_with_now() {
    let now = Timestamp(500_000 * HOUR_MILLIS + 1234);
    let hour = |hour: u64, fact: Fact| {
        let mut stats = HourStats {
            hour,
            ..HourStats::default()
        };
        stats.count(&fact);
        stats
    };
    let login = |resource| Fact::Login {
        resource,
        outcome: Outcome::Allowed,
    };
    let hours = [
        hour(500_000, login(Some(VPN))),
        hour(499_977, login(Some(MAIL))),
        hour(499_976, login(None)),
    ];
    let day = Cut::of(24, now);
    let (series, all) = day.series(&hours, None);
    assert_eq!(series.len(), 24);
    assert_eq!(series[0].start, Timestamp(499_977 * HOUR_MILLIS));
    assert_eq!(series[23].start, Timestamp(500_000 * HOUR_MILLIS));
    assert_eq!((series[0].figures.allowed, series[23].figures.allowed), (1, 1));
    assert_eq!(all.allowed, 2, "what is older is not in it");
    let (_, vpn) = day.series(&hours, Some(VPN));
    assert_eq!(vpn.allowed, 1);

    let month = Cut::of(720, now);
    let (series, all) = month.series(&hours, None);
    assert_eq!((series.len(), month.step), (30, 24));
    assert!(
        series
            .windows(2)
            .all(|pair| pair[1].start.0 - pair[0].start.0 == 24 * HOUR_MILLIS)
    );
    let last = series.last().unwrap().start;
    assert!(last <= now && now.0 - last.0 < 24 * HOUR_MILLIS);
    assert_eq!(all.allowed, 3);
}

#[test]
fn logins_that_go_on_and_retransmits_are_not_counted() {
    let step = |reply, reason| Step {
        reply,
        reason,
        changes: Vec::new(),
    };
    let deny = || Reply::Deny { exhausted: false };
    assert_eq!(
        Outcome::of(&step(Reply::Allow, Reason::Code)),
        Some(Outcome::Allowed)
    );
    assert_eq!(Outcome::of(&step(Reply::Allow, Reason::Retransmit)), None);
    assert_eq!(Outcome::of(&step(deny(), Reason::Retransmit)), None);
    assert_eq!(
        Outcome::of(&step(deny(), Reason::OtpLockedNow)),
        Some(Outcome::WrongCode(Reason::OtpLockedNow))
    );
    assert_eq!(
        Outcome::of(&step(deny(), Reason::UnknownUser)),
        Some(Outcome::Denied(Reason::UnknownUser))
    );
}
