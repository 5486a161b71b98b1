//! Many at once for what only one may have.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use otpost_core::challenge::State;
use otpost_core::ids::{AttemptId, ChallengeId, UserId};

use super::samples::{Seeded, challenge, id};
use crate::{Store, StoreError, read, write};

/// `threads` threads redeem one challenge at once, `rounds` times; each time exactly one may win, and the row names it.
///
/// # Errors
/// What the store said.
///
/// # Panics
/// Where another number than one wins.
pub fn redeem(store: &dyn Store, threads: usize, rounds: u64) -> Result<(), StoreError> {
    let gate = Barrier::new(threads);
    let wins = AtomicUsize::new(0);
    let challenge_of = |round: u64| ChallengeId::random(&mut Seeded(round << 20));
    let attempt_of = |round: u64, thread: usize| {
        let thread = u64::try_from(thread).unwrap_or(u64::MAX);
        AttemptId::random(&mut Seeded((round << 20) + (thread + 1) * 1000))
    };
    let round = |number: u64, thread: usize| -> Result<bool, StoreError> {
        let (challenge, attempt) = (challenge_of(number), attempt_of(number, thread));
        write(store, move |tx| {
            let Some(mut row) = tx.challenge(challenge)? else {
                return Err(StoreError::Refused("the challenge is missing".to_owned()));
            };
            if row.state != State::Open {
                return Ok(false);
            }
            row.state = State::Consumed { by: attempt };
            tx.put_challenge(&row)?;
            Ok(true)
        })
    };
    let worker = |thread: usize| -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for number in 0..rounds {
            if thread == 0 {
                let begun = write(store, move |tx| {
                    let mut fresh = challenge(1, UserId(id(1)));
                    fresh.id = challenge_of(number);
                    fresh.attempt = AttemptId(fresh.id.0);
                    tx.put_challenge(&fresh)
                });
                outcome = outcome.and(begun);
            }
            gate.wait();
            match round(number, thread) {
                Ok(true) => {
                    wins.fetch_add(1, Ordering::SeqCst);
                    let row = read(store, move |tx| tx.challenge(challenge_of(number)));
                    let by = attempt_of(number, thread);
                    let mine = row.map(|row| row.is_some_and(|row| row.state == State::Consumed { by }));
                    if mine != Ok(true) {
                        outcome =
                            outcome.and(Err(StoreError::Damaged("another attempt is stored".to_owned())));
                    }
                }
                Ok(false) => {}
                Err(e) => outcome = outcome.and(Err(e)),
            }
            gate.wait();
            let won = wins.load(Ordering::SeqCst);
            if thread == 0 && u64::try_from(won) != Ok(number + 1) {
                outcome = outcome.and(Err(StoreError::Damaged(format!(
                    "{won} wins after {} rounds",
                    number + 1
                ))));
            }
            gate.wait();
        }
        outcome
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || worker(thread)))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| StoreError::Closed)?)
    })?;
    assert_eq!(u64::try_from(wins.load(Ordering::SeqCst)), Ok(rounds));
    Ok(())
}
