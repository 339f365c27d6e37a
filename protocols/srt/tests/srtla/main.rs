//! SRTLA senders on a virtual network: our model of a sender, with a real SRT caller behind it.

mod cuts;
mod phone;
mod reordering;
mod strangers;
mod world;

/// The sender that the tests with real callers use as well.
#[path = "../../../../testkit/src/srtla/model.rs"]
#[allow(dead_code, unreachable_pub, reason = "each user takes its part of it")]
#[allow(missing_docs, reason = "included from elsewhere")]
mod model;
