//! A seeded, virtual network for sans-IO protocols.
//!
//! ```text
//!   node A ── send(now, from, to, bytes) ──▶ Network ──▶ receive(now) ── node B
//!                                              │
//!                       one Link per direction (from, to), each with its own
//!                       ChaCha stream: loss → queue and rate → delay and jitter
//!                                      → reordering → duplication → corruption
//! ```
//!
//! Nothing here reads a clock or the operating system's randomness: time is an argument
//! and every decision comes from the seed, so the same seed and the same calls give the
//! same network, bit for bit. No `HashMap` is used, because its order is random.
//!
//! A [`Link`] alone decides the fate of datagrams; a [`Network`] carries them between
//! addresses; a [`SkewedClock`] gives a node a crystal of its own; a [`Trace`] condenses
//! what happened into one number.

mod chance;
mod clock;
mod config;
mod link;
mod loss;
mod network;
mod shaper;
mod trace;

pub use chance::{Chance, Probability};
pub use clock::SkewedClock;
pub use config::{LinkConfig, Loss, Outage, Rate, Reordering};
pub use link::{Arrival, Fate, Link, LinkFigures};
pub use network::{Datagram, Network};
pub use trace::Trace;
