//! Texts on their way: who tries next, when, and when to stop.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::{Dice, START, secs};
use otpost_core::Timestamp;
use otpost_core::ids::{ChallengeId, MessageId, Reference, TokenId};
use otpost_core::outbox::{
    Claim, Kind, LEASE, MAX_SUBMISSIONS, Message, Rejection, State, Submission, UNKNOWN_WAIT, claim, settle,
};
use proptest::prelude::*;

fn providers(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn queued() -> Message {
    let mut rng = Dice(3);
    Message {
        id: MessageId::random(&mut rng),
        kind: Kind::Code {
            challenge: ChallengeId::random(&mut rng),
            generation: 0,
            token: TokenId::random(&mut rng),
        },
        state: State::Queued,
        due: START,
        deadline: START.plus(secs(270)),
        submissions: 0,
        tried: Vec::new(),
        barred: Vec::new(),
        uncertain: false,
        epoch: 0,
        reference: Reference::random(&mut rng),
        only: None,
        detail: String::new(),
        created: START,
    }
}

fn rejected(class: Rejection) -> Submission {
    Submission::Rejected {
        class,
        retry_after: None,
    }
}

fn accepted() -> Submission {
    Submission::Accepted {
        provider_id: Some("id-1".to_owned()),
    }
}

const CLASSES: [Rejection; 7] = [
    Rejection::Number,
    Rejection::Policy,
    Rejection::Throttle,
    Rejection::Auth,
    Rejection::Balance,
    Rejection::Transient,
    Rejection::Content,
];

/// Claims at `now` and returns who is asked, with the leased row.
fn submit(message: &Message, providers: &[String], now: Timestamp) -> (String, Message) {
    match claim(message, providers, now) {
        Claim::Submit { provider, message } => (provider, message),
        other => panic!("not submitted: {other:?}"),
    }
}

fn stop(message: &Message, providers: &[String], now: Timestamp) -> Message {
    match claim(message, providers, now) {
        Claim::Stop { message } => message,
        other => panic!("not stopped: {other:?}"),
    }
}

#[test]
fn the_first_provider_is_asked_and_takes_it() {
    let all = providers(&["a", "b"]);
    let (provider, leased) = submit(&queued(), &all, START);
    assert_eq!(provider, "a");
    assert_eq!(
        leased.state,
        State::Leased {
            provider: "a".to_owned(),
            until: START.plus(LEASE)
        }
    );
    assert_eq!((leased.submissions, leased.epoch, leased.tried.len()), (1, 1, 1));
    let done = settle(&leased, &accepted(), &all, START.plus(secs(1)));
    assert_eq!(
        done.state,
        State::Accepted {
            provider: "a".to_owned(),
            provider_id: Some("id-1".to_owned())
        }
    );
}

#[test]
fn a_row_that_is_not_due_or_is_leased_is_left() {
    let all = providers(&["a"]);
    let later = Message {
        due: START.plus(secs(1)),
        ..queued()
    };
    assert_eq!(claim(&later, &all, START), Claim::Leave);
    let (_, leased) = submit(&queued(), &all, START);
    let before = START.plus(LEASE).minus(Duration::from_millis(1));
    assert_eq!(claim(&leased, &all, before), Claim::Leave);
}

#[test]
fn what_ended_stays_ended() {
    let all = providers(&["a", "b"]);
    for state in [
        State::Accepted {
            provider: "a".to_owned(),
            provider_id: None,
        },
        State::Failed,
        State::Unknown,
        State::Expired,
    ] {
        assert!(state.ended());
        let row = Message { state, ..queued() };
        for now in [START, START.plus(secs(100)), START.plus(secs(100_000))] {
            assert_eq!(claim(&row, &all, now), Claim::Leave);
            for outcome in [accepted(), Submission::Unknown, rejected(Rejection::Transient)] {
                assert_eq!(settle(&row, &outcome, &all, now), row);
            }
        }
    }
}

#[test]
fn an_outcome_without_a_lease_changes_nothing() {
    let all = providers(&["a", "b"]);
    assert_eq!(settle(&queued(), &accepted(), &all, START), queued());
}

/// Outcome of the only, the first and the last provider by class.
#[test]
fn the_table_of_refusals() {
    for class in CLASSES {
        let now = START.plus(secs(1));
        // One provider.
        let one = providers(&["a"]);
        let (_, leased) = submit(&queued(), &one, START);
        let row = settle(&leased, &rejected(class), &one, now);
        match class {
            Rejection::Transient | Rejection::Throttle => {
                assert_eq!(
                    (row.state.clone(), row.due),
                    (State::Queued, now.plus(secs(1))),
                    "{class:?}"
                );
                let (again, _) = submit(&row, &one, row.due);
                assert_eq!(again, "a");
            }
            _ => assert_eq!(row.state, State::Failed, "{class:?}"),
        }
        // Another provider is asked at once, unless the number itself is at fault.
        let two = providers(&["a", "b"]);
        let (_, leased) = submit(&queued(), &two, START);
        let row = settle(&leased, &rejected(class), &two, now);
        if class == Rejection::Number {
            assert_eq!(row.state, State::Failed);
        } else {
            assert_eq!((row.state.clone(), row.due), (State::Queued, now), "{class:?}");
            let (next, _) = submit(&row, &two, now);
            assert_eq!(next, "b", "{class:?}");
        }
    }
}

#[test]
fn the_same_provider_is_asked_after_one_and_three_seconds_and_no_fourth_time() {
    let one = providers(&["a"]);
    let mut row = queued();
    let mut now = START;
    for pause in [1, 3] {
        let (_, leased) = submit(&row, &one, now);
        row = settle(&leased, &rejected(Rejection::Transient), &one, now);
        assert_eq!(row.due, now.plus(secs(pause)));
        assert_eq!(claim(&row, &one, now), Claim::Leave);
        now = row.due;
    }
    let (_, leased) = submit(&row, &one, now);
    assert_eq!(leased.submissions, MAX_SUBMISSIONS);
    row = settle(&leased, &rejected(Rejection::Transient), &one, now);
    assert_eq!(row.state, State::Failed);
    assert_eq!(leased.tried, ["a", "a", "a"]);
}

#[test]
fn at_most_three_submissions_over_many_providers() {
    let many = providers(&["a", "b", "c", "d", "e"]);
    let mut row = queued();
    for expected in ["a", "b", "c"] {
        let (provider, leased) = submit(&row, &many, START);
        assert_eq!(provider, expected);
        row = settle(&leased, &rejected(Rejection::Transient), &many, START);
    }
    assert_eq!(row.state, State::Failed);
}

#[test]
fn a_provider_that_asks_for_time_gets_it() {
    let one = providers(&["a"]);
    let (_, leased) = submit(&queued(), &one, START);
    let wait = |seconds| Submission::Rejected {
        class: Rejection::Throttle,
        retry_after: Some(secs(seconds)),
    };
    let row = settle(&leased, &wait(30), &one, START);
    assert_eq!((row.state, row.due), (State::Queued, START.plus(secs(30))));
    // Longer than the code lives: there is nothing to wait for.
    let row = settle(&leased, &wait(3600), &one, START);
    assert!(row.state.ended() && row.state == State::Failed, "{row:?}");
    let row = settle(&leased, &wait(u64::MAX), &one, START);
    assert!(row.state.ended());
    // Another provider need not wait.
    let two = providers(&["a", "b"]);
    let row = settle(&leased, &wait(30), &two, START);
    assert_eq!((row.state, row.due), (State::Queued, START));
}

#[test]
fn unknown_is_tried_once_more_elsewhere_after_eight_seconds() {
    let three = providers(&["a", "b", "c"]);
    let (_, leased) = submit(&queued(), &three, START);
    let row = settle(&leased, &Submission::Unknown, &three, START.plus(secs(4)));
    assert_eq!((row.state.clone(), row.uncertain), (State::Queued, true));
    assert_eq!(row.due, START.plus(secs(4)).plus(UNKNOWN_WAIT));
    assert_eq!(claim(&row, &three, START.plus(secs(11))), Claim::Leave);
    let (provider, leased) = submit(&row, &three, START.plus(secs(12)));
    assert_eq!(provider, "b");
    let row = settle(&leased, &Submission::Unknown, &three, START.plus(secs(16)));
    assert_eq!(row.state, State::Unknown, "once, not for ever");
    let row = settle(&leased, &accepted(), &three, START.plus(secs(16)));
    assert!(matches!(row.state, State::Accepted { .. }));
}

#[test]
fn unknown_without_a_second_provider_ends() {
    let one = providers(&["a"]);
    let (_, leased) = submit(&queued(), &one, START);
    let row = settle(&leased, &Submission::Unknown, &one, START.plus(secs(4)));
    assert_eq!(row.state, State::Unknown);
    // The second provider is taken away while the row waits.
    let two = providers(&["a", "b"]);
    let row = settle(&leased, &Submission::Unknown, &two, START.plus(secs(4)));
    assert_eq!(row.state, State::Queued);
    assert_eq!(stop(&row, &one, START.plus(secs(12))).state, State::Unknown);
    assert_eq!(stop(&row, &[], START.plus(secs(12))).state, State::Unknown);
}

#[test]
fn after_unknown_the_same_provider_is_never_asked_again() {
    let two = providers(&["a", "b"]);
    let (_, leased) = submit(&queued(), &two, START);
    let row = settle(&leased, &Submission::Unknown, &two, START);
    let (provider, leased) = submit(&row, &two, row.due);
    assert_eq!(provider, "b");
    for class in CLASSES {
        let row = settle(&leased, &rejected(class), &two, START.plus(secs(9)));
        assert_eq!(row.state, State::Unknown, "{class:?}: the first may have left");
    }
}

#[test]
fn a_dead_worker_leaves_an_unknown_outcome() {
    let two = providers(&["a", "b"]);
    let (_, leased) = submit(&queued(), &two, START);
    let end = START.plus(LEASE);
    let row = stop(&leased, &two, end);
    assert_eq!(
        (row.state.clone(), row.uncertain, row.due),
        (State::Queued, true, end.plus(UNKNOWN_WAIT))
    );
    let (provider, again) = submit(&row, &two, row.due);
    assert_eq!(
        (provider.as_str(), again.epoch),
        ("b", 2),
        "the outcome of epoch 1 is void"
    );
    assert_eq!(stop(&leased, &providers(&["a"]), end).state, State::Unknown);
}

#[test]
fn nothing_leaves_at_or_after_the_deadline() {
    let two = providers(&["a", "b"]);
    let row = queued();
    let last = row.deadline.minus(Duration::from_millis(1));
    let _ = submit(&row, &two, last);
    assert_eq!(stop(&row, &two, row.deadline).state, State::Expired);
    let uncertain = Message {
        uncertain: true,
        ..row.clone()
    };
    assert_eq!(stop(&uncertain, &two, row.deadline).state, State::Unknown);
    // A retry that would come too late is not waited for.
    let (_, leased) = submit(&row, &two, last);
    let row = settle(&leased, &Submission::Unknown, &two, last);
    assert_eq!(row.state, State::Unknown);
    let row = settle(&leased, &rejected(Rejection::Transient), &two, leased.deadline);
    assert!(row.state.ended());
}

#[test]
fn without_providers_it_fails_and_says_so() {
    let row = stop(&queued(), &[], START);
    assert_eq!(
        (row.state, row.detail.as_str()),
        (State::Failed, "no SMS provider is set up")
    );
}

#[test]
fn a_bound_message_never_leaves_its_provider() {
    let all = providers(&["a", "b", "c"]);
    let bound = Message {
        only: Some("b".to_owned()),
        ..queued()
    };
    let (provider, leased) = submit(&bound, &all, START);
    assert_eq!(provider, "b");
    assert_eq!(
        settle(&leased, &Submission::Unknown, &all, START).state,
        State::Unknown
    );
    assert_eq!(
        settle(&leased, &rejected(Rejection::Auth), &all, START).state,
        State::Failed
    );
    let row = settle(&leased, &rejected(Rejection::Transient), &all, START);
    let (provider, _) = submit(&row, &all, row.due);
    assert_eq!(provider, "b");
    let gone = stop(&bound, &providers(&["a", "c"]), START);
    assert_eq!(gone.state, State::Failed);
    assert!(
        !gone.detail.is_empty(),
        "the administrator is told that the provider is off or gone"
    );
}

/// The last submission is worth nothing at a provider that has just refused our credentials.
#[test]
fn the_last_try_goes_to_the_provider_that_may_take_it() {
    let two = providers(&["a", "b"]);
    for hopeless in [
        Rejection::Auth,
        Rejection::Balance,
        Rejection::Content,
        Rejection::Policy,
    ] {
        let (_, leased) = submit(&queued(), &two, START);
        let row = settle(&leased, &rejected(hopeless), &two, START);
        let (provider, leased) = submit(&row, &two, row.due);
        assert_eq!(provider, "b");
        let row = settle(&leased, &rejected(Rejection::Transient), &two, START);
        assert_eq!(row.state, State::Queued, "{hopeless:?}");
        let (provider, _) = submit(&row, &two, row.due);
        assert_eq!(
            provider, "b",
            "after {hopeless:?} at a and a transient refusal at b"
        );
    }
}

/// The same in the other order: b is out for good, a may take it the second time.
#[test]
fn a_transient_refusal_is_tried_again_although_the_last_provider_is_hopeless() {
    let two = providers(&["a", "b"]);
    let (_, leased) = submit(&queued(), &two, START);
    let row = settle(&leased, &rejected(Rejection::Transient), &two, START);
    let (_, leased) = submit(&row, &two, row.due);
    let row = settle(&leased, &rejected(Rejection::Auth), &two, START);
    assert_eq!(
        row.state,
        State::Queued,
        "one submission is left and a may take it"
    );
    let (provider, _) = submit(&row, &two, row.due);
    assert_eq!(provider, "a");
}

#[derive(Debug, Clone)]
enum Act {
    /// Some worker looks, with these of the four providers usable.
    Look(u8),
    /// The submission ends.
    Outcome(Submission),
    /// The worker dies or is slow; time passes.
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let class = prop::sample::select(CLASSES.to_vec());
    let outcome = prop_oneof![
        2 => Just(Submission::Accepted { provider_id: None }),
        4 => Just(Submission::Unknown),
        6 => (class, prop::option::of(0u64..400))
            .prop_map(|(class, wait)| Submission::Rejected { class, retry_after: wait.map(secs) }),
    ];
    let act = prop_oneof![
        5 => (0u8..16).prop_map(Act::Look),
        4 => outcome.prop_map(Act::Outcome),
        3 => prop_oneof![Just(0u64), Just(500), Just(1000), Just(8000), Just(20_000), 0u64..120_000].prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_leaves_as_often_as_it_may(acts in acts(), only in prop::option::of(0usize..4), short in any::<bool>()) {
        let names = ["a", "b", "c", "d"];
        let mut row = queued();
        row.only = only.map(|n| names[n].to_owned());
        if short {
            row.deadline = START.plus(secs(30));
        }
        let mut now = START;
        let mut usable = providers(&names);
        // What a gateway sees: provider, and whether the text may have left there.
        let mut asked: Vec<String> = Vec::new();
        let mut may_have_left: Vec<String> = Vec::new();
        let mut unknown_at: Option<Timestamp> = None;
        let mut stopped_by_number = false;
        let mut epoch = 0;
        for act in acts {
            let before = row.clone();
            match act {
                Act::Wait(ms) => now = now.plus(Duration::from_millis(ms)),
                Act::Look(mask) => {
                    usable = names.iter().enumerate().filter(|(n, _)| mask & (1 << n) != 0).map(|(_, p)| (*p).to_owned()).collect();
                    match claim(&row, &usable, now) {
                        Claim::Submit { provider, message } => {
                            prop_assert_eq!(&before.state, &State::Queued);
                            prop_assert!(now >= before.due, "before it is due");
                            prop_assert!(now < before.deadline, "after its deadline");
                            prop_assert!(usable.contains(&provider), "a provider that is off");
                            prop_assert!(row.only.as_ref().is_none_or(|o| *o == provider), "a bound message left its provider");
                            prop_assert!(!stopped_by_number, "after the number was refused");
                            prop_assert!(!may_have_left.contains(&provider), "again where it may have left");
                            prop_assert!(may_have_left.len() <= 1, "an unknown outcome is tried once more, not twice");
                            if let Some(at) = unknown_at {
                                prop_assert!(now >= at.plus(UNKNOWN_WAIT), "no time for a receipt");
                            }
                            prop_assert!(message.epoch > epoch);
                            epoch = message.epoch;
                            asked.push(provider);
                            prop_assert_eq!(&message.tried, &asked);
                            row = message;
                        }
                        Claim::Stop { message } => {
                            if let State::Leased { provider, until } = &before.state {
                                prop_assert!(now >= *until);
                                may_have_left.push(provider.clone());
                                unknown_at = Some(now);
                            } else {
                                prop_assert!(message.state.ended(), "a stop without a lease ends it");
                            }
                            row = message;
                        }
                        Claim::Leave => {
                            let waits = before.state == State::Queued && now < before.due;
                            let leased = matches!(&before.state, State::Leased { until, .. } if now < *until);
                            prop_assert!(before.state.ended() || waits || leased, "left alone: {:?}", before);
                        }
                    }
                }
                Act::Outcome(outcome) => {
                    row = settle(&before, &outcome, &usable, now);
                    if let State::Leased { provider, .. } = &before.state {
                        match &outcome {
                            Submission::Unknown => {
                                may_have_left.push(provider.clone());
                                unknown_at = Some(now);
                            }
                            Submission::Accepted { .. } => {
                                let taken = matches!(&row.state, State::Accepted { provider: p, .. } if p == provider);
                                prop_assert!(taken);
                            }
                            Submission::Rejected { class, .. } => stopped_by_number |= *class == Rejection::Number,
                        }
                        prop_assert!(!matches!(row.state, State::Leased { .. }), "an outcome ends the lease");
                    }
                }
            }
            prop_assert!(row.submissions <= MAX_SUBMISSIONS);
            prop_assert_eq!(usize::try_from(row.submissions).unwrap_or(usize::MAX), asked.len());
            prop_assert!(may_have_left.len() <= 2, "a person gets at most two texts");
            prop_assert_eq!(row.uncertain, !may_have_left.is_empty());
            if before.state.ended() {
                prop_assert_eq!(&before, &row, "what ended stays");
            }
            if row.state == State::Failed {
                prop_assert!(may_have_left.is_empty(), "`failed` promises that nothing left");
            }
        }
    }
}
