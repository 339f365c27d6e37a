//! The receiving half of a connection: order, gaps, acknowledgements, play-out time.

mod ack;
mod arrived;
mod buffer;
mod cadence;
mod chunk;
mod drift;
mod holes;
mod jitter;
mod playout;
mod rate;
mod received;
mod receiver;
mod reordering;
mod rtt;
mod settings;
mod skipped;
#[cfg(test)]
mod tests;
mod tolerance;
mod tsbpd;

pub(crate) use ack::{AckKind, FIRST_NUMBER as FIRST_ACK_NUMBER};
pub(crate) use arrived::{Arrived, Fate};
pub(crate) use buffer::{Arrival, ReceiveBuffer};
pub(crate) use playout::PlayoutLevel;
pub use received::Received;
pub(crate) use receiver::{MAX_JUMP_PACKETS, Receiver};
pub(crate) use rtt::Rtt;
pub(crate) use settings::{ReceiverSettings, Reporting};
pub(crate) use skipped::Skipped;
