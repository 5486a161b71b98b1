//! Passwords as argon2id PHC strings, checked on a pool as large as the cores.
//!
//! Each thread keeps its arena between checks (fresh pages cost as much as the hash) and gives it back after a quiet minute.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};
use otpost_core::Rng;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// How long a thread keeps its arena without work.
const IDLE: Duration = Duration::from_secs(60);
/// Checks that may wait; beyond, callers are told to come back.
const QUEUE: usize = 512;
/// Blocks of 1 KiB above which the allocator always takes pages of their own from the system (32 MiB) and gives them back at
/// once when freed. What is reserved but not used costs no memory.
const OWN_PAGES: usize = 33 * 1024;
const OUTPUT_LEN: usize = 32;
/// A stored hash may ask for at most this much memory: 1 GiB in KiB.
const MEMORY_LIMIT: u32 = 1 << 20;

/// Why a password could not be checked or hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are being checked.
    #[error("too many passwords are being checked just now")]
    Busy,
    /// A stored hash is no argon2 PHC string, or asks for absurd costs.
    #[error("a stored password hash cannot be read")]
    Damaged,
    /// The configured costs are refused by argon2.
    #[error("the password costs in the configuration are out of range: {0}")]
    Costs(String),
    /// The pool is gone.
    #[error("the password pool has stopped")]
    Stopped,
}

type Work = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    stopping: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The pool.
pub struct Passwords {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    params: Params,
    dummy: Arc<Zeroizing<String>>,
}

impl Passwords {
    /// Starts `threads` threads; new hashes cost `memory_kib` and `passes`.
    ///
    /// # Errors
    /// [`PasswordError::Costs`].
    pub fn start(
        memory_kib: u32,
        passes: u32,
        threads: usize,
        rng: &mut dyn Rng,
    ) -> Result<Self, PasswordError> {
        let params = Params::new(memory_kib, passes, 1, Some(OUTPUT_LEN))
            .map_err(|e| PasswordError::Costs(e.to_string()))?;
        let shared = Arc::new(Shared::default());
        let threads = (0..threads.max(1))
            .filter_map(|n| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("password-{n}"))
                    .spawn(move || run(&shared))
                    .ok()
            })
            .collect();
        let mut filler = [0; 18];
        rng.fill(&mut filler);
        let dummy = hash(&params, &filler, rng, &mut Vec::new())?;
        Ok(Self {
            shared,
            threads,
            params,
            dummy: Arc::new(dummy),
        })
    }

    /// Whether `password` is the one `stored` was made from. Without a stored hash the same work is done and the answer is no.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        stored: Option<Zeroizing<String>>,
    ) -> Result<bool, PasswordError> {
        let dummy = Arc::clone(&self.dummy);
        self.run(move |arena| match stored {
            Some(stored) => verify(password.as_bytes(), &stored, arena),
            None => verify(password.as_bytes(), &dummy, arena).map(|_| false),
        })
        .await?
    }

    /// A PHC string for `password`.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(
        &self,
        password: Zeroizing<String>,
        mut rng: impl Rng + Send + 'static,
    ) -> Result<Zeroizing<String>, PasswordError> {
        let params = self.params.clone();
        self.run(move |arena| hash(&params, password.as_bytes(), &mut rng, arena))
            .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (answer, result) = oneshot::channel();
        let work: Work = Box::new(move |arena| {
            let _ = answer.send(job(arena));
        });
        {
            let mut queue = self.shared.queue.lock().map_err(|_| PasswordError::Stopped)?;
            if queue.work.len() >= QUEUE {
                return Err(PasswordError::Busy);
            }
            queue.work.push_back(work);
        }
        self.shared.changed.notify_one();
        result.await.map_err(|_| PasswordError::Stopped)
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        if let Ok(mut queue) = self.shared.queue.lock() {
            queue.stopping = true;
        }
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared) {
    let mut arena = Vec::new();
    let Ok(mut queue) = shared.queue.lock() else {
        return;
    };
    loop {
        if let Some(job) = queue.work.pop_front() {
            drop(queue);
            // A job that panics must not take the thread along.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut arena)));
            let Ok(again) = shared.queue.lock() else { return };
            queue = again;
            continue;
        }
        if queue.stopping {
            return;
        }
        let Ok((again, waited)) = shared.changed.wait_timeout(queue, IDLE) else {
            return;
        };
        queue = again;
        if waited.timed_out() {
            arena = Vec::new();
        }
    }
}

fn fill(
    params: &Params,
    password: &[u8],
    salt: &[u8],
    arena: &mut Vec<Block>,
) -> Result<Zeroizing<[u8; OUTPUT_LEN]>, PasswordError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    if arena.len() < params.block_count() {
        arena.reserve_exact(params.block_count().max(OWN_PAGES).saturating_sub(arena.len()));
        arena.resize(params.block_count(), Block::default());
    }
    let blocks = arena
        .get_mut(..params.block_count())
        .ok_or(PasswordError::Damaged)?;
    let mut out = Zeroizing::new([0; OUTPUT_LEN]);
    argon2
        .hash_password_into_with_memory(password, salt, out.as_mut(), blocks)
        .map_err(|e| PasswordError::Costs(e.to_string()))?;
    Ok(out)
}

fn hash(
    params: &Params,
    password: &[u8],
    rng: &mut dyn Rng,
    arena: &mut Vec<Block>,
) -> Result<Zeroizing<String>, PasswordError> {
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    let out = fill(params, password, &salt, arena)?;
    let damaged = |_| PasswordError::Damaged;
    let phc = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| PasswordError::Damaged)?,
        salt: Some(Salt::new(&salt).map_err(damaged)?),
        hash: Some(Output::new(out.as_ref()).map_err(damaged)?),
    };
    Ok(Zeroizing::new(phc.to_string()))
}

fn verify(password: &[u8], stored: &str, arena: &mut Vec<Block>) -> Result<bool, PasswordError> {
    let phc = PasswordHash::new(stored).map_err(|_| PasswordError::Damaged)?;
    let (Some(salt), Some(expected)) = (phc.salt, phc.hash) else {
        return Err(PasswordError::Damaged);
    };
    if phc.algorithm != ARGON2ID_IDENT || expected.len() != OUTPUT_LEN {
        return Err(PasswordError::Damaged);
    }
    let params = Params::try_from(&phc).map_err(|_| PasswordError::Damaged)?;
    if params.m_cost() > MEMORY_LIMIT {
        return Err(PasswordError::Damaged);
    }
    let out = fill(&params, password, &salt, arena)?;
    // Output compares in constant time.
    Ok(Output::new(out.as_ref()).map_err(|_| PasswordError::Damaged)? == expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Draw, SystemEntropy};

    fn pool() -> Passwords {
        Passwords::start(64, 1, 2, &mut Draw(Arc::new(SystemEntropy))).unwrap()
    }

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn the_right_password_passes_and_no_other() {
        let pool = pool();
        let phc = pool
            .hash(secret("correct horse"), Draw(Arc::new(SystemEntropy)))
            .await
            .unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert_eq!(
            pool.verify(secret("correct horse"), Some(phc.clone())).await,
            Ok(true)
        );
        assert_eq!(pool.verify(secret("correct hors"), Some(phc)).await, Ok(false));
    }

    #[tokio::test]
    async fn without_a_hash_nothing_passes() {
        assert_eq!(pool().verify(secret(""), None).await, Ok(false));
    }

    #[tokio::test]
    async fn hashes_of_other_costs_still_verify_and_absurd_ones_are_refused() {
        let pool = pool();
        let made = Passwords::start(256, 2, 1, &mut Draw(Arc::new(SystemEntropy))).unwrap();
        let phc = made
            .hash(secret("password"), Draw(Arc::new(SystemEntropy)))
            .await
            .unwrap();
        assert_eq!(pool.verify(secret("password"), Some(phc.clone())).await, Ok(true));
        let absurd = Zeroizing::new(phc.replace("m=256", "m=4194304"));
        assert_eq!(
            pool.verify(secret("password"), Some(absurd)).await,
            Err(PasswordError::Damaged)
        );
        assert_eq!(
            pool.verify(secret("password"), Some(secret("plain text"))).await,
            Err(PasswordError::Damaged)
        );
    }
}
