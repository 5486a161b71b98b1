//! The States that this server has handed out and not seen again: whoever sends one is in the middle of a login, and
//! is let through first when there is too much to do.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use crate::request::STATE;

/// A State of ours.
pub(crate) type State = [u8; STATE];

/// Longer no daemon keeps a challenge open.
const LIFE: Duration = Duration::from_secs(900);

/// States remembered at once. One forgotten is still answered; it only has to queue with the first requests.
const MOST: usize = 16_384;

/// Bounded: the oldest goes first.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// When the State was handed out last.
    born: HashMap<State, Instant>,
    /// Every insertion not yet expired, oldest first.
    order: VecDeque<(Instant, State)>,
}

impl Sessions {
    /// Remembers a State that goes out.
    pub(crate) fn add(&mut self, now: Instant, state: State) {
        while self.order.len() >= MOST
            || self
                .order
                .front()
                .is_some_and(|(born, _)| now.saturating_duration_since(*born) >= LIFE)
        {
            self.pop();
        }
        self.born.insert(state, now);
        self.order.push_back((now, state));
    }

    /// Takes a State that came back: it counts once, until it is handed out again.
    pub(crate) fn take(&mut self, now: Instant, state: &State) -> bool {
        self.born
            .remove(state)
            .is_some_and(|born| now.saturating_duration_since(born) < LIFE)
    }

    /// Whether [`Self::take`] would find it.
    pub(crate) fn has(&self, state: &State) -> bool {
        self.born.contains_key(state)
    }

    fn pop(&mut self) {
        if let Some((born, state)) = self.order.pop_front()
            && self.born.get(&state) == Some(&born)
        {
            self.born.remove(&state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_counts_once_each_time_it_is_handed_out() {
        let (mut sessions, now) = (Sessions::default(), crate::sys::now());
        assert!(!sessions.take(now, &[1; STATE]));
        sessions.add(now, [1; STATE]);
        assert!(sessions.has(&[1; STATE]) && sessions.take(now, &[1; STATE]));
        assert!(!sessions.take(now, &[1; STATE]));
        sessions.add(now, [1; STATE]);
        assert!(sessions.take(now, &[1; STATE]));
    }

    #[test]
    fn memory_is_bounded_and_old_states_are_forgotten() {
        let (mut sessions, now) = (Sessions::default(), crate::sys::now());
        let state = |n: usize| {
            let mut state = [0; STATE];
            state[..8].copy_from_slice(&n.to_be_bytes());
            state
        };
        for n in 0..MOST + 10 {
            sessions.add(now, state(n));
        }
        assert_eq!((sessions.order.len(), sessions.born.len()), (MOST, MOST));
        assert!(!sessions.has(&state(9)) && sessions.has(&state(10)));
        assert!(!sessions.take(now + LIFE, &state(10)));
        // One that is handed out again and again has one place, whatever the order holds.
        for _ in 0..100 {
            sessions.add(now + LIFE, state(1));
        }
        assert_eq!((sessions.order.len(), sessions.born.len()), (100, 1));
        assert!(sessions.take(now + LIFE, &state(1)));
    }
}
