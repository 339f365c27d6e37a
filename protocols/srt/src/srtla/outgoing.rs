use core::net::{IpAddr, SocketAddr};

use super::wire::{self, ACK_BYTES, ACKNOWLEDGED};
use crate::wire::SequenceNumber;

/// SRTLA's own answer to one link.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) to: SocketAddr,
    /// The local address the link calls.
    pub(crate) from: Option<IpAddr>,
    body: Body,
}

/// Acknowledgements are frequent and cost no allocation.
#[derive(Debug)]
enum Body {
    Kind([u8; 2]),
    Ack([u8; ACK_BYTES]),
    Long(Box<[u8]>),
}

impl Reply {
    /// A packet that is nothing but its type.
    pub(super) fn kind(to: SocketAddr, from: Option<IpAddr>, kind: u16) -> Self {
        let body = Body::Kind(kind.to_be_bytes());
        Self { to, from, body }
    }

    pub(super) fn ack(
        to: SocketAddr,
        from: Option<IpAddr>,
        sequences: &[SequenceNumber; ACKNOWLEDGED],
    ) -> Self {
        let body = Body::Ack(wire::ack(sequences));
        Self { to, from, body }
    }

    pub(super) fn long(to: SocketAddr, from: Option<IpAddr>, bytes: Vec<u8>) -> Self {
        let body = Body::Long(bytes.into());
        Self { to, from, body }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Kind(bytes) => bytes,
            Body::Ack(bytes) => bytes,
            Body::Long(bytes) => bytes,
        }
    }
}
