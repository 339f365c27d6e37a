//! Opus (RFC 7587): the packet as it is.

use super::Sink;

pub(super) fn packetize(packet: &[u8], sink: &mut impl Sink) {
    if !packet.is_empty() {
        sink.payload(packet, false);
    }
}
