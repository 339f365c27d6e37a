//! Transport streams that come in as datagrams, with an RTP header or without.
//!
//! ```text
//!  sockets ─▶ Senders: whose packets count ─▶ Form ─┬─ TS ───────────────────┐
//!   media, sums                                     └─ RTP ─▶ Receiver ──────┤
//!   of each leg                                        (order, FEC, legs)    ▼
//!                                                             Aligner ─▶ FeedWriter
//! ```

mod aligner;
mod driver;
mod figures;
mod form;
mod intake;
mod open;
mod senders;
mod session;

pub(crate) use driver::Source;
