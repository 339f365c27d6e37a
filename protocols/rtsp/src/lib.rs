//! RTSP 1.0 (RFC 2326): the server's side of one connection, sans-IO.
//!
//! ```text
//!  bytes ──▶ Connection ──▶ Ask: who may? what is there? set up, play, over
//!  bytes ◀──            ◀── the answers of whoever serves
//! ```
//!
//! Time and randomness are arguments. Media do not pass through here: they are put between
//! answers on the same connection ([`interleaved_header`]), or leave in datagrams.

mod answer;
mod ask;
mod base64;
mod connection;
mod description;
mod digest;
mod inbox;
mod request;
#[cfg(test)]
mod tests;
mod transport;

pub use ask::{Access, Ask, Denied, RtpInfo, SetUp};
pub use connection::{Connection, SESSION_TIMEOUT_SECONDS};
pub use description::{Description, Medium, payload_type};
pub use digest::{NONCE_LIFETIME_SECONDS, Nonces};
pub use inbox::{Broken, MESSAGE_BYTES_MAX};
pub use transport::{Lower, Offer};

/// What stands in front of a packet that goes over the connection itself.
#[must_use]
pub const fn interleaved_header(channel: u8, packet_bytes: u16) -> [u8; 4] {
    let [high, low] = packet_bytes.to_be_bytes();
    [b'$', channel, high, low]
}
