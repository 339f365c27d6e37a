//! SRTLA's own packets.
//!
//! ```text
//!  REG1 0x9200  type (16) + 256 bytes: the sender's random number
//!  REG2 0x9201  type (16) + 256 bytes: its first half, and the receiver's
//!  REG3 0x9202  type (16)
//!  ERR  0x9210  NGP 0x9211  NAK 0x9212: type (16)
//!  keepalive 0x9000  type (16), in newer senders telemetry behind it
//!  ACK  0x9100  type (16), 0 (16), ten sequence numbers (32 each)
//! ```
//! The first byte is 0x90 to 0x92, where SRT has no packets: both share one port.

use crate::wire::SequenceNumber;

/// Bytes of a bundle's name.
pub const ID_BYTES: usize = 256;
/// Bytes of REG1 and REG2.
pub const REGISTRATION_BYTES: usize = 2 + ID_BYTES;
/// Data packets one SRTLA ACK acknowledges.
pub const ACKNOWLEDGED: usize = 10;
/// Bytes of an SRTLA ACK.
pub const ACK_BYTES: usize = 4 + 4 * ACKNOWLEDGED;
/// The longest keepalive that is answered.
pub const KEEPALIVE_BYTES_MAX: usize = 512;

/// Types of packets, their first 16 bits.
pub mod kind {
    /// Either side: I am here. The receiver sends it back as it came.
    pub const KEEPALIVE: u16 = 0x9000;
    /// To the sender: these ten data packets came over this link.
    pub const ACK: u16 = 0x9100;
    /// To the receiver: make me a bundle.
    pub const REG1: u16 = 0x9200;
    /// To the sender: this is its name. To the receiver: this link belongs to it.
    pub const REG2: u16 = 0x9201;
    /// To the sender: the link is registered.
    pub const REG3: u16 = 0x9202;
    /// To the sender: not now, try again.
    pub const ERROR: u16 = 0x9210;
    /// To the sender: there is no such bundle, ask for one.
    pub const NO_GROUP: u16 = 0x9211;
    /// To the sender: no, and trying again is of no use.
    pub const REFUSED: u16 = 0x9212;
}

/// What a sender may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// REG1.
    Register(&'a [u8; ID_BYTES]),
    /// REG2.
    Join(&'a [u8; ID_BYTES]),
    /// A keepalive, as it came.
    KeepAlive(&'a [u8]),
}

/// Whether a datagram is SRTLA's own, by its first byte.
#[must_use]
#[inline]
pub fn is_srtla(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(0x90..=0x92))
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` if it is nothing a sender says.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (kind, body) = datagram.split_first_chunk()?;
        match u16::from_be_bytes(*kind) {
            kind::KEEPALIVE if datagram.len() <= KEEPALIVE_BYTES_MAX => {
                Some(Self::KeepAlive(datagram))
            }
            kind::REG1 => body.try_into().ok().map(Self::Register),
            kind::REG2 => body.try_into().ok().map(Self::Join),
            _ => None,
        }
    }
}

/// An SRTLA ACK of ten data packets.
#[must_use]
pub fn ack(sequences: &[SequenceNumber; ACKNOWLEDGED]) -> [u8; ACK_BYTES] {
    let mut bytes = [0; ACK_BYTES];
    bytes[..2].copy_from_slice(&kind::ACK.to_be_bytes());
    for (word, sequence) in bytes[4..].chunks_exact_mut(4).zip(sequences) {
        word.copy_from_slice(&sequence.value().to_be_bytes());
    }
    bytes
}

/// REG1 or REG2.
#[must_use]
pub fn registration(kind: u16, id: &[u8; ID_BYTES]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(REGISTRATION_BYTES);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(id);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_has_exactly_258_bytes() {
        let id = [7; ID_BYTES];
        let bytes = registration(kind::REG1, &id);
        assert_eq!(Message::parse(&bytes), Some(Message::Register(&id)));
        assert_eq!(Message::parse(&bytes[..257]), None);
        assert_eq!(Message::parse(&[&bytes[..], &[0]].concat()), None);
    }

    #[test]
    fn a_keepalive_may_carry_telemetry_up_to_a_bound() {
        let mut bytes = vec![0x90, 0];
        assert_eq!(Message::parse(&bytes), Some(Message::KeepAlive(&[0x90, 0])));
        bytes.resize(KEEPALIVE_BYTES_MAX, 1);
        assert!(Message::parse(&bytes).is_some());
        bytes.push(1);
        assert_eq!(Message::parse(&bytes), None);
    }

    #[test]
    fn an_acknowledgement_names_ten_packets() {
        let sequences = core::array::from_fn(|at| SequenceNumber::new(at as u32 + 1));
        let bytes = ack(&sequences);
        assert_eq!(bytes[..8], [0x91, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(bytes[40..], [0, 0, 0, 10]);
    }

    #[test]
    fn srt_packets_are_not_mistaken_for_srtla() {
        for first in [0x00, 0x7F, 0x80, 0xFF] {
            assert!(!is_srtla(&[first, 0]));
        }
        assert!(is_srtla(&[0x92]) && !is_srtla(&[]));
    }
}
