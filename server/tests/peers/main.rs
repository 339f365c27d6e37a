//! Tidegate as its users meet it: the real program between real peers.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod admission;
mod bad_input;
mod exact;
mod failure;
mod files;
mod handout;
mod hls;
mod interop;
mod live_changes;
mod ports;
mod refusal;
mod relay;
mod transcode;

use tidegate_testkit::Tidegate;

/// A running Tidegate with this configuration (without its `http` part).
#[track_caller]
fn tidegate(config: &str) -> Tidegate {
    Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), config).start()
}
