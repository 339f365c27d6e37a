//! Packets of one stream as they come – over one way or two, with sums or without – to packets
//! in order, each once.
//!
//! ```text
//!  leg A ─┐  the number's place                 as soon as in order
//!  leg B ─┴─▶ Numbering ─▶ Window ─────────────▶ poll()
//!                            ▲   │ hole           a hole is waited for until the packet
//!  sums ──▶ Groups ──────────┴───┘                behind it is due, then given up
//! ```

mod candidate;
mod counters;
mod leg;
mod receiver;
mod recovery;
#[cfg(test)]
mod tests;
mod window;

pub use counters::{Counters, LegCounters};
pub use receiver::{Delivered, LEGS_MAX, Receiver, ReceiverConfig};
