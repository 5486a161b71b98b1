//! Requests in work: what is needed to write their replies.

use std::sync::Arc;

use crate::{cache::Ticket, clients::Client, sessions::State, socket::Route};

/// Request buffers kept for re-use, and the most octets of one: a request seldom has more.
const SPARE: usize = 64;
const SPARE_OCTETS: usize = 1024;

/// One request.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) route: Route,
    pub(crate) client: Arc<Client>,
    /// Its octets: Identifier, authenticator and Proxy-State go into the reply.
    pub(crate) request: Vec<u8>,
    /// Its place in the reply cache, where it has one.
    pub(crate) ticket: Option<Ticket>,
    /// The State of ours that it came with.
    pub(crate) state: Option<State>,
}

/// Names a job as long as it is in work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobId {
    at: usize,
    serial: u64,
}

/// All of one thread. Bounded by what may wait for the daemon.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    slots: Vec<Option<(u64, Job)>>,
    free: Vec<usize>,
    spare: Vec<Vec<u8>>,
    serial: u64,
}

impl Jobs {
    /// A buffer with a copy of `octets`.
    pub(crate) fn copy(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.extend_from_slice(octets);
        buffer
    }

    /// Gives a buffer back.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE && buffer.capacity() <= SPARE_OCTETS {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    pub(crate) fn add(&mut self, job: Job) -> JobId {
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Some((serial, job));
        }
        JobId { at, serial }
    }

    /// Takes a job out, which can be done once.
    pub(crate) fn take(&mut self, id: JobId) -> Option<Job> {
        let (_, job) = self
            .slots
            .get_mut(id.at)?
            .take_if(|(serial, _)| *serial == id.serial)?;
        self.free.push(id.at);
        if self.free.len() == self.slots.len() && self.slots.capacity() > SPARE {
            // After a flood the memory goes back.
            self.slots = Vec::new();
            self.free = Vec::new();
        }
        Some(job)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(jobs: &mut Jobs, octet: u8) -> Job {
        Job {
            route: Route {
                peer: ([192, 0, 2, 1], 1).into(),
                local: None,
            },
            client: Arc::new(Client::sample("vpn", "s")),
            request: jobs.copy(&[octet; 20]),
            ticket: None,
            state: None,
        }
    }

    #[test]
    fn a_job_is_taken_once_and_its_place_used_again() {
        let mut jobs = Jobs::default();
        let first = job(&mut jobs, 1);
        let first = jobs.add(first);
        let second = job(&mut jobs, 2);
        let second = jobs.add(second);
        assert_eq!(jobs.take(first).unwrap().request, [1; 20]);
        assert!(jobs.take(first).is_none() && !jobs.is_empty());
        let third = job(&mut jobs, 3);
        let third = jobs.add(third);
        assert_eq!((third.at, jobs.slots.len()), (first.at, 2));
        assert!(jobs.take(first).is_none(), "an old name means nothing");
        assert_eq!(jobs.take(third).unwrap().request, [3; 20]);
        assert_eq!(jobs.take(second).unwrap().request, [2; 20]);
        assert!(jobs.is_empty());
    }

    #[test]
    fn a_flood_leaves_no_memory_behind() {
        let mut jobs = Jobs::default();
        let ids: Vec<JobId> = (0..5000)
            .map(|_| {
                let job = job(&mut jobs, 7);
                jobs.add(job)
            })
            .collect();
        for id in ids {
            let done = jobs.take(id).unwrap();
            jobs.recycle(done.request);
        }
        assert!(jobs.is_empty() && jobs.slots.capacity() == 0);
        assert_eq!(jobs.spare.len(), SPARE);
        assert_eq!(jobs.copy(&[1, 2]), [1, 2]);
    }
}
