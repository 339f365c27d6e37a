//! Endpoints joined by a virtual network, on a virtual clock.
//!
//! ```text
//!  Scenario ── builds ──▶ Pair { World { Network, Node, Node, … } }
//!                            │      run: jump to the earliest of
//!                            │        · the next datagram's arrival
//!                            │        · the next packet a publisher makes
//!                            │        · the earliest wake-up an endpoint asked for
//!                            ├─ Inbox: checks every delivered byte on arrival
//!                            └─ KeyStreams: checks every encrypted packet when it is sent
//! ```
//!
//! No thread, no socket, no sleeping: ten virtual minutes pass in a second or two, and the
//! same seed gives the same run.
#![allow(
    dead_code,
    reason = "each test file uses the part of the harness it needs"
)]
#![allow(unreachable_pub, reason = "a test's modules have no outside")]

pub mod bond;
pub mod crowd;
pub mod inbox;
pub mod key_streams;
pub mod libsrt;
pub mod node;
pub mod packets;
pub mod pair;
pub mod payload;
pub mod seeds;
pub mod wire;
pub mod world;

pub use pair::{Pair, Scenario, Side};
pub use seeds::on_every_seed;
pub use wire::Verdict;

use core::time::Duration;

/// One millisecond, so that tests can say `120 * MS`.
pub const MS: Duration = Duration::from_millis(1);
/// One second.
pub const SECOND: Duration = Duration::from_secs(1);

/// How many virtual seconds a statistical test runs: `default`, or what
/// `TIDEGATE_SIM_SECONDS` says.
pub fn virtual_seconds(default: u64) -> u64 {
    let wanted = std::env::var("TIDEGATE_SIM_SECONDS").ok();
    wanted
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(default)
}
