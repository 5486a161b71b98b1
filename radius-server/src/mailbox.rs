//! How the daemon's answers come back to a socket's thread: a queue behind a short lock, and a descriptor that wakes the
//! thread where it waits for datagrams.

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use nix::{
    errno::Errno,
    sys::eventfd::{EfdFlags, EventFd},
};

/// What a thread shall do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Receive and answer.
    #[default]
    Serve,
    /// Receive nothing more, answer what is in work, and end.
    Finish,
    /// Send what is answered, and end.
    Quit,
}

#[derive(Debug)]
struct Inner<T> {
    /// Bounded by what can be in work.
    letters: Vec<T>,
    order: Order,
    /// The thread waits, or is about to.
    asleep: bool,
}

/// One thread's.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    inner: Mutex<Inner<T>>,
    bell: EventFd,
}

impl<T> Mailbox<T> {
    pub(crate) fn new() -> Result<Self, Errno> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self {
            inner: Mutex::new(Inner {
                letters: Vec::new(),
                order: Order::Serve,
                asleep: false,
            }),
            bell: EventFd::from_flags(flags)?,
        })
    }

    /// Puts something in; whoever waits is woken.
    pub(crate) fn post(&self, letter: T) {
        let mut inner = self.inner();
        inner.letters.push(letter);
        self.wake(inner);
    }

    /// Changes the order; it never goes back.
    pub(crate) fn order(&self, order: Order) {
        let mut inner = self.inner();
        inner.order = inner.order.max(order);
        self.wake(inner);
    }

    /// Takes everything out. `letters` must be empty; it becomes the next queue.
    pub(crate) fn collect(&self, letters: &mut Vec<T>) -> Order {
        let mut inner = self.inner();
        inner.asleep = false;
        std::mem::swap(&mut inner.letters, letters);
        inner.order
    }

    /// Whether the thread may wait for [`Self::bell`]: not while there is something in here.
    pub(crate) fn may_sleep(&self, order: Order) -> bool {
        let mut inner = self.inner();
        inner.asleep = inner.letters.is_empty() && inner.order == order;
        inner.asleep
    }

    /// Is readable once there is something to collect.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// After the bell was heard.
    pub(crate) fn silence(&self) {
        let _ = self.bell.read();
    }

    fn wake(&self, mut inner: MutexGuard<'_, Inner<T>>) {
        let asleep = std::mem::take(&mut inner.asleep);
        drop(inner);
        if asleep {
            // Its counter cannot be full: it is read each time it was heard.
            let _ = self.bell.write(1);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        // Sound at every point of a panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    fn rings<T>(mailbox: &Mailbox<T>, wait: PollTimeout) -> bool {
        poll(&mut [PollFd::new(mailbox.bell(), PollFlags::POLLIN)], wait) == Ok(1)
    }

    #[test]
    fn the_bell_rings_only_for_one_who_sleeps() {
        let (mailbox, mut letters) = (Mailbox::new().unwrap(), Vec::new());
        mailbox.post(1);
        assert!(!rings(&mailbox, PollTimeout::ZERO));
        assert!(!mailbox.may_sleep(Order::Serve));
        assert_eq!(mailbox.collect(&mut letters), Order::Serve);
        assert_eq!(std::mem::take(&mut letters), [1]);
        assert!(mailbox.may_sleep(Order::Serve));
        mailbox.post(2);
        mailbox.post(3);
        assert!(rings(&mailbox, PollTimeout::ZERO));
        mailbox.silence();
        assert!(!rings(&mailbox, PollTimeout::ZERO));
        mailbox.collect(&mut letters);
        assert_eq!(letters, [2, 3]);
    }

    #[test]
    fn an_order_wakes_and_never_goes_back() {
        let mailbox: Mailbox<u8> = Mailbox::new().unwrap();
        assert!(mailbox.may_sleep(Order::Serve));
        mailbox.order(Order::Quit);
        assert!(rings(&mailbox, PollTimeout::ZERO));
        mailbox.order(Order::Finish);
        assert_eq!(mailbox.collect(&mut Vec::new()), Order::Quit);
        assert!(!mailbox.may_sleep(Order::Serve) && mailbox.may_sleep(Order::Quit));
    }

    #[test]
    fn nothing_is_lost_between_two_threads() {
        const LETTERS: u32 = 20_000;
        let mailbox = Arc::new(Mailbox::new().unwrap());
        let sender = Arc::clone(&mailbox);
        let sending = std::thread::spawn(move || (0..LETTERS).for_each(|letter| sender.post(letter)));
        let (mut got, mut letters) = (0, Vec::new());
        while got < LETTERS {
            mailbox.collect(&mut letters);
            for letter in letters.drain(..) {
                assert_eq!(letter, got);
                got += 1;
            }
            if got < LETTERS && mailbox.may_sleep(Order::Serve) {
                assert!(
                    rings(&mailbox, PollTimeout::from(20_000_u16)),
                    "never woken at {got}"
                );
                mailbox.silence();
            }
        }
        sending.join().unwrap();
    }
}
