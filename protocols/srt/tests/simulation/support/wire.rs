use core::time::Duration;

use super::packets;

/// IPv4 and UDP headers, which a link carries beside what we count as a datagram.
const LOWER_HEADER_BYTES: u64 = 28;

/// What passed one direction, seen where it was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WireFigures {
    pub datagrams: u64,
    /// Every byte on the wire, lower headers included.
    pub bytes: u64,
    pub data_packets: u64,
    pub retransmissions: u64,
    /// Bytes of data packets on the wire, lower headers included.
    pub data_bytes: u64,
}

impl WireFigures {
    pub fn note(&mut self, datagram: &[u8]) {
        let bytes = datagram.len() as u64 + LOWER_HEADER_BYTES;
        self.datagrams += 1;
        self.bytes += bytes;
        if packets::is_data(datagram) {
            self.data_packets += 1;
            self.data_bytes += bytes;
            self.retransmissions += u64::from(packets::is_retransmission(datagram));
        }
    }
}

/// What a test does with a datagram before the network gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Drop,
    /// This arrives in its place.
    Change(Vec<u8>),
    /// It leaves this much later.
    Hold(Duration),
}
