//! Which server is asked first: those that did not answer lately come last.

use std::sync::Mutex;

use otpost_core::Timestamp;

/// When each server may be asked in its turn again.
#[derive(Debug)]
pub(super) struct Order(Mutex<Vec<Timestamp>>);

impl Order {
    pub(super) fn new(servers: usize) -> Self {
        Self(Mutex::new(vec![Timestamp(0); servers]))
    }

    /// All servers: the living in their order, then the dead in the order in which they come back.
    pub(super) fn of(&self, now: Timestamp) -> Vec<usize> {
        let Ok(until) = self.0.lock() else {
            return Vec::new();
        };
        let mut order: Vec<(Timestamp, usize)> = until
            .iter()
            .enumerate()
            .map(|(at, until)| (if *until > now { *until } else { Timestamp(0) }, at))
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, at)| at).collect()
    }

    /// It answered.
    pub(super) fn lives(&self, server: usize) {
        self.set(server, Timestamp(0));
    }

    /// It did not answer, so it comes last until then.
    pub(super) fn fails(&self, server: usize, until: Timestamp) {
        self.set(server, until);
    }

    fn set(&self, server: usize, until: Timestamp) {
        if let Ok(mut all) = self.0.lock()
            && let Some(slot) = all.get_mut(server)
        {
            *slot = until;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_come_last_and_come_back() {
        let order = Order::new(3);
        let at = Timestamp;
        assert_eq!(order.of(at(10)), [0, 1, 2]);
        order.fails(0, at(100));
        assert_eq!(order.of(at(10)), [1, 2, 0]);
        order.fails(1, at(50));
        assert_eq!(order.of(at(10)), [2, 1, 0]);
        assert_eq!(order.of(at(60)), [1, 2, 0]);
        order.lives(0);
        assert_eq!(order.of(at(60)), [0, 1, 2]);
    }
}
