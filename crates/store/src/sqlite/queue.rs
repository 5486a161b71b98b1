//! A bounded queue with several producers and several consumers that take what waits at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an item may wait for company.
const LATE: Duration = Duration::from_millis(20);

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    room: Condvar,
    bound: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// What goes along with the next items, or by itself after [`LATE`]. Within the bound too.
    late: Vec<T>,
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
                late: Vec::new(),
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
        self.push_to(item, |state| &mut state.items, VecDeque::push_back)
    }

    /// Appends `item` to what may wait for company, waiting for room. Gives it back where the queue is closed.
    pub(super) fn push_late(&self, item: T) -> Result<(), T> {
        self.push_to(item, |state| &mut state.late, Vec::push)
    }

    fn push_to<C>(&self, item: T, of: fn(&mut State<T>) -> &mut C, push: fn(&mut C, T)) -> Result<(), T> {
        let mut state = self.lock();
        while state.open && state.items.len().saturating_add(state.late.len()) >= self.bound {
            state.blocked = state.blocked.saturating_add(1);
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.blocked = state.blocked.saturating_sub(1);
        }
        if !state.open {
            return Err(item);
        }
        push(of(&mut state), item);
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
                if state.late.is_empty() {
                    return false;
                }
                break;
            }
            state.idle = state.idle.saturating_add(1);
            let alone;
            (state, alone) = if state.late.is_empty() {
                let state = self.filled.wait(state);
                (state.unwrap_or_else(PoisonError::into_inner), false)
            } else {
                let waited = self.filled.wait_timeout(state, LATE);
                let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                (state, waited.timed_out())
            };
            state.idle = state.idle.saturating_sub(1);
            if alone {
                break;
            }
        }
        let count = state.items.len().min(most);
        into.extend(state.items.drain(..count));
        let count = state.late.len().min(most.saturating_sub(count));
        into.extend(state.late.drain(..count));
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
    fn what_may_wait_goes_with_the_next_or_by_itself_in_the_end() {
        let queue = Queue::new(9);
        let mut some = Vec::new();
        queue.push_late(1).unwrap();
        queue.push(2).unwrap();
        assert!(queue.drain(9, &mut some));
        assert_eq!(std::mem::take(&mut some), [2, 1]);
        queue.push_late(3).unwrap();
        assert!(queue.drain(9, &mut some));
        assert_eq!(std::mem::take(&mut some), [3]);
        queue.push_late(4).unwrap();
        queue.close();
        assert!(queue.drain(9, &mut some));
        assert_eq!(std::mem::take(&mut some), [4]);
        assert!(!queue.drain(9, &mut some));
        assert_eq!(queue.push_late(5), Err(5));
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
