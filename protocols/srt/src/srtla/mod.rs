//! SRTLA, version 2: one SRT connection over several links of a sender.
//!
//! A phone or an encoder with several modems spreads the packets of one SRT connection over
//! sockets of its own, one on each network. Here they come together again, below the SRT
//! core: all links of a bundle appear to it as one peer, the bundle's *identity*.
//!
//! ```text
//!  REG1 ──▶ offer (REG2): nothing is kept ──REG2 back──▶ Unproven ──SRT accepted──▶ Proven
//!                                            first link    │   ▲                     │
//!                                                          │   └── SRT ended ────────┤
//!        forgotten ◀── UNPROVEN_LIFETIME over, too many refused, all links lost ◀────┘
//!
//!  a link:  REG2 ──▶ Active ──4 s──▶ Silent ──10 s──▶ Lost (remembered for the statistics)
//!                      ▲────heard──────┘                │
//!                      ▲──────────────REG2──────────────┘
//! ```
//!
//! Everything a receiver hears before SRT has authenticated the sender comes from a
//! stranger, so: an offer is a sealed ticket and costs no memory; bundles without an accepted
//! connection are few, short-lived and counted by the network their ticket was sent to; and a
//! link is never sent more than came from its address, because nothing proves that whoever
//! named the address receives there.

mod bundle;
mod bundles;
mod counters;
mod identity;
mod link;
mod outgoing;
mod ticket;
pub mod wire;

pub use bundle::LINKS_MAX;
pub use counters::SrtlaCounters;
pub use link::{LinkState, LinkStatus};
pub use ticket::owner_of;

/// Senders an endpoint, or all endpoints of a port together, take at a time.
pub const SENDERS_MAX: usize = 200;

pub(crate) use bundles::{Bundles, BundlesConfig, LinkChange};
pub(crate) use identity::{BundleKey, is_identity};
