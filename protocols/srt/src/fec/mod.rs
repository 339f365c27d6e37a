//! The packet filter: forward error correction by XOR over rows and columns of packets
//! (libsrt's `fec`, after SMPTE 2022-1).
//!
//! ```text
//!   sender: ciphertext ─▶ Encoder ─▶ one more packet after each group's last
//!   receiver: packet ─▶ Decoder ─▶ whatever that packet lets it rebuild
//! ```
//! It works on what is on the wire, so a stranger without the key can neither read nor make
//! use of it, and what it rebuilds is decrypted like anything that arrived.

mod body;
mod clip;
mod config;
mod decoder;
mod encoder;
mod geometry;
mod negotiation;
mod seen;
mod sums;
#[cfg(test)]
mod tests;

pub(crate) use body::FEC_HEADER_BYTES;
pub use config::{ArqMode, ColumnLayout, FilterConfig, FilterError, MAX_COLUMNS, MAX_ROWS, Rows};
pub use decoder::{Decoder, FecFate};
pub use encoder::Encoder;
pub use negotiation::{FilterConflict, PacketFilter};
