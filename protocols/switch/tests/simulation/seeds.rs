//! Many seeds, on all processors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What `TIDEGATE_SWITCH_SEEDS` is when it is not set.
const USUAL_SEEDS: u64 = 100;

/// How many of something there are, when `usual` is what there is by default.
pub fn many(usual: u64) -> u64 {
    let asked = environment("TIDEGATE_SWITCH_SEEDS").unwrap_or(USUAL_SEEDS);
    (asked * usual).div_ceil(USUAL_SEEDS)
}

/// Runs every seed and names those that fail; `TIDEGATE_SWITCH_SEED` names a single one. Seeds that
/// once failed run first for ever after.
pub fn on_every_seed(first: u64, usual: u64, found: &[u64], run: impl Fn(u64) + Sync) {
    let seeds: Vec<u64> = match environment("TIDEGATE_SWITCH_SEED") {
        Some(only) => vec![only],
        None => {
            let found = found.iter().copied();
            found.chain(first..first + many(usual)).collect()
        }
    };
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            if catch_unwind(AssertUnwindSafe(|| run(*seed))).is_err() {
                wrong.lock().expect("nobody panics here").push(*seed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().expect("nobody panics here");
    assert!(
        wrong.is_empty(),
        "these seeds failed, run one alone with TIDEGATE_SWITCH_SEED=…: {wrong:?}"
    );
}

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
