//! A bounded queue with several producers and several consumers that take what waits at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    room: Condvar,
    bound: usize,
}

struct State<T> {
    items: VecDeque<T>,
    open: bool,
    /// Consumers and producers that wait: nobody is woken, at the price of a system call, where nobody waits.
    idle: usize,
    blocked: usize,
}

impl<T> Queue<T> {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                open: true,
                idle: 0,
                blocked: 0,
            }),
            filled: Condvar::new(),
            room: Condvar::new(),
            bound: bound.max(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends `item`, waiting for room. Gives it back where the queue is closed.
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        while state.open && state.items.len() >= self.bound {
            state.blocked = state.blocked.saturating_add(1);
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.blocked = state.blocked.saturating_sub(1);
        }
        if !state.open {
            return Err(item);
        }
        state.items.push_back(item);
        if state.idle > 0 {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Moves up to `most` items into `into`, waiting for the first. False where the queue is closed and empty.
    pub(super) fn drain(&self, most: usize, into: &mut Vec<T>) -> bool {
        let mut state = self.lock();
        while state.items.is_empty() {
            if !state.open {
                return false;
            }
            state.idle = state.idle.saturating_add(1);
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle = state.idle.saturating_sub(1);
        }
        let count = state.items.len().min(most);
        into.extend(state.items.drain(..count));
        if state.blocked > 0 {
            self.room.notify_all();
        }
        true
    }

    /// Whether nothing waits at the moment.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// Takes nothing more; what waits is still drained.
    pub(super) fn close(&self) {
        self.lock().open = false;
        self.filled.notify_all();
        self.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::Queue;

    #[test]
    fn hands_over_everything_in_order_through_a_small_bound() {
        let queue = Arc::new(Queue::new(3));
        let producer = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            for n in 0..1000 {
                producer.push(n).unwrap();
            }
            producer.close();
        });
        let (mut all, mut most) = (Vec::new(), 0);
        let mut some = Vec::new();
        while queue.drain(2, &mut some) {
            most = most.max(some.len());
            all.append(&mut some);
        }
        thread.join().unwrap();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        assert!(most <= 2);
    }

    #[test]
    fn a_closed_queue_refuses_and_releases_producers_that_wait() {
        let queue = Arc::new(Queue::new(1));
        queue.push(1).unwrap();
        let waiting = Arc::clone(&queue);
        let thread = thread::spawn(move || waiting.push(2));
        while queue.lock().blocked == 0 {
            thread::yield_now();
        }
        queue.close();
        assert_eq!(thread.join().unwrap(), Err(2));
        assert_eq!(queue.push(3), Err(3));
        let mut rest = Vec::new();
        assert!(queue.drain(10, &mut rest));
        assert_eq!(rest, [1]);
        assert!(!queue.drain(10, &mut rest));
    }
}
