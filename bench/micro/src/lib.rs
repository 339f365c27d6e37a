//! The hot paths, each as a fixed amount of work that is the same on every machine.
//!
//! Criterion measures their time (`cargo bench -p tidegate-microbench`), callgrind counts
//! their instructions (`tests/instruction_counts.rs`, against `counts.txt`).

mod feed;
mod frames;
mod media;
mod path;
mod srt;
mod switch;
mod transport_stream;

pub use path::{HotPath, Run, Stage};

/// All of them.
#[must_use]
pub fn hot_paths() -> Vec<HotPath> {
    [
        srt::paths(),
        feed::paths(),
        transport_stream::paths(),
        switch::paths(),
        frames::paths(),
    ]
    .concat()
}
