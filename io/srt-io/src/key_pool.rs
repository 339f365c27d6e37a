//! Threads for key derivation.
//!
//! PBKDF2 is expensive on purpose (a fraction of a millisecond each), and strangers decide how
//! often it runs. So it never runs on a shard; it runs here, on few threads, with a bounded
//! queue in which every address gets its turn: one that asks a thousand times waits behind
//! itself, not in front of others.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{fmt, io, thread};

use rand_core::{CryptoRng, RngCore};
use tidegate_srt::{CipherMode, KeyError, KeyLength, KeyMaterial, SessionKeys};
use tokio::sync::oneshot;

/// Threads that derive keys.
const THREADS: usize = 2;
/// Derivations that may wait altogether: half a second of work for both threads.
const QUEUE_MAX: usize = 1024;
/// Derivations that may wait for one address.
const QUEUE_PER_ADDRESS_MAX: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

/// Bounded threads for PBKDF2.
pub struct KeyPool {
    shared: Arc<Shared>,
}

/// The queue is full; the caller asks again in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many key derivations are waiting on this server; trying again in a moment helps")]
pub struct KeyPoolBusy;

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

/// What waits for one address.
#[derive(Default)]
struct Turn {
    jobs: VecDeque<(usize, Job)>,
    derivations: usize,
}

#[derive(Default)]
struct Queue {
    /// Addresses with something waiting, the next one first.
    turns: VecDeque<IpAddr>,
    waiting: HashMap<IpAddr, Turn>,
    /// Derivations in all of them.
    length: usize,
    refused: u64,
    stopped: bool,
}

impl KeyPool {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        for index in 0..THREADS {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("srt-keys-{index}"))
                .spawn(move || {
                    give_way_to_media();
                    shared.work();
                })?;
        }
        Ok(Self { shared })
    }

    /// Runs `job`, which is this many derivations, on a key thread, in the turn of `address`.
    ///
    /// # Errors
    /// The queue is full.
    pub fn submit(
        &self,
        address: IpAddr,
        derivations: usize,
        job: impl FnOnce() + Send + 'static,
    ) -> Result<(), KeyPoolBusy> {
        let mut queue = self.shared.lock();
        let waiting = queue.waiting.get(&address);
        let of_address = waiting.map_or(0, |turn| turn.derivations);
        let full = queue.length + derivations > QUEUE_MAX
            || of_address + derivations > QUEUE_PER_ADDRESS_MAX;
        if full || queue.stopped {
            queue.refused += 1;
            return Err(KeyPoolBusy);
        }
        queue.push(address, derivations, Box::new(job));
        drop(queue);
        self.shared.filled.notify_one();
        Ok(())
    }

    /// Opens a caller's key material with `passphrase` and hands the keys to `done`, on a key
    /// thread.
    ///
    /// # Errors
    /// The queue is full.
    pub fn open(
        &self,
        address: IpAddr,
        material: KeyMaterial,
        passphrase: Vec<u8>,
        done: impl FnOnce(Result<SessionKeys, KeyError>) + Send + 'static,
    ) -> Result<(), KeyPoolBusy> {
        self.submit(address, 1, move || {
            let keys = material.open(&passphrase);
            zeroize::Zeroize::zeroize(&mut { passphrase });
            done(keys);
        })
    }

    /// Makes fresh keys for a call of ours to `address`.
    ///
    /// # Errors
    /// The queue is full.
    pub async fn generate(
        &self,
        address: IpAddr,
        passphrase: Vec<u8>,
        length: KeyLength,
        mode: CipherMode,
    ) -> Result<Result<SessionKeys, KeyError>, KeyPoolBusy> {
        let (tell, told) = oneshot::channel();
        self.submit(address, 1, move || {
            let keys = SessionKeys::generate(&passphrase, length, mode, &mut SystemRandom);
            zeroize::Zeroize::zeroize(&mut { passphrase });
            // Whoever asked may have gone meanwhile.
            let _ = tell.send(keys);
        })?;
        told.await.map_err(|_| KeyPoolBusy)
    }

    /// Derivations refused because the queue was full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.shared.lock().refused
    }

    /// Derivations waiting.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().length
    }
}

/// Strangers decide how much of this work there is, and media must not feel it.
fn give_way_to_media() {
    if let Err(error) = tidegate_udp::give_way() {
        tracing::debug!(%error, "key derivation competes with media for processors");
    }
}

impl Drop for KeyPool {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.filled.notify_all();
    }
}

impl fmt::Debug for KeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPool({} waiting)", self.waiting())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A job that panicked left the queue itself in order.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut queue = self.lock();
        while !queue.stopped {
            if let Some(job) = queue.pop() {
                drop(queue);
                // A job that panics has said so; the thread is there for all the others.
                let _ = catch_unwind(AssertUnwindSafe(job));
                queue = self.lock();
            } else {
                queue = self
                    .filled
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Queue {
    fn push(&mut self, address: IpAddr, derivations: usize, job: Job) {
        let turn = self.waiting.entry(address).or_default();
        if turn.jobs.is_empty() {
            self.turns.push_back(address);
        }
        turn.jobs.push_back((derivations, job));
        turn.derivations += derivations;
        self.length += derivations;
    }

    fn pop(&mut self) -> Option<Job> {
        let address = self.turns.pop_front()?;
        let turn = self.waiting.get_mut(&address)?;
        let (derivations, job) = turn.jobs.pop_front()?;
        turn.derivations -= derivations;
        if turn.jobs.is_empty() {
            self.waiting.remove(&address);
        } else {
            self.turns.push_back(address);
        }
        self.length -= derivations;
        Some(job)
    }
}

/// The system's random numbers.
struct SystemRandom;

impl RngCore for SystemRandom {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    #[expect(
        clippy::expect_used,
        reason = "keys without randomness must not be made"
    )]
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system gives random numbers");
    }
}

impl CryptoRng for SystemRandom {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_greedy_address_waits_behind_itself() {
        let mut queue = Queue::default();
        let (tell, told) = mpsc::channel();
        for (from, name) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1")] {
            let tell = tell.clone();
            queue.push(address(from), 1, Box::new(move || tell.send(name).unwrap()));
        }
        while let Some(job) = queue.pop() {
            job();
        }
        assert_eq!(
            told.try_iter().collect::<Vec<_>>(),
            ["a1", "b1", "a2", "a3"]
        );
        assert_eq!(queue.length, 0);
        assert!(queue.waiting.is_empty());
    }

    #[test]
    fn one_address_cannot_fill_the_queue() {
        let pool = KeyPool {
            shared: Arc::default(),
        };
        for _ in 0..QUEUE_PER_ADDRESS_MAX {
            pool.submit(address(1), 1, || {}).unwrap();
        }
        assert_eq!(pool.submit(address(1), 1, || {}), Err(KeyPoolBusy));
        assert_eq!(pool.submit(address(2), 1, || {}), Ok(()));
        assert_eq!(pool.refused(), 1);
        assert_eq!(pool.waiting(), QUEUE_PER_ADDRESS_MAX + 1);
    }

    #[test]
    fn a_job_of_several_derivations_takes_as_many_places() {
        let pool = KeyPool {
            shared: Arc::default(),
        };
        for _ in 0..QUEUE_PER_ADDRESS_MAX / 4 {
            pool.submit(address(1), 4, || {}).unwrap();
        }
        assert_eq!(pool.submit(address(1), 1, || {}), Err(KeyPoolBusy));
        let mut queue = pool.shared.lock();
        while queue.pop().is_some() {}
        assert_eq!(queue.length, 0);
    }

    #[test]
    fn jobs_run_on_the_threads() {
        let pool = KeyPool::start().unwrap();
        let (tell, told) = mpsc::channel();
        pool.submit(address(1), 1, move || {
            tell.send(thread::current().name().map(String::from))
                .unwrap()
        })
        .unwrap();
        assert!(told.recv().unwrap().unwrap().starts_with("srt-keys-"));
    }

    #[test]
    fn a_job_that_panics_does_not_take_its_thread_along() {
        let pool = KeyPool::start().unwrap();
        for _ in 0..2 * THREADS {
            pool.submit(address(1), 1, || panic!("as a fault of ours would"))
                .unwrap();
        }
        let (tell, told) = mpsc::channel();
        pool.submit(address(1), 1, move || tell.send(()).unwrap())
            .unwrap();
        told.recv().unwrap();
    }
}
