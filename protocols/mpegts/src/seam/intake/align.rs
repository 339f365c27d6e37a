use crate::packet::{PACKET_BYTES, SYNC_BYTE};
use crate::slicer::Slicer;
use bytes::{Bytes, BytesMut};

/// Whole packets out of bytes of any division. Nothing is copied where they are whole already.
pub fn aligned(slicer: &mut Slicer, bytes: Bytes) -> Bytes {
    let (packets, rest) = bytes.as_chunks::<PACKET_BYTES>();
    let is_aligned = rest.is_empty() && packets.iter().all(|packet| packet[0] == SYNC_BYTE);
    if is_aligned && slicer.is_between_packets() {
        return bytes;
    }
    let mut whole = BytesMut::with_capacity(bytes.len() + PACKET_BYTES);
    slicer.push(&bytes, |packet| whole.extend_from_slice(packet.bytes()));
    whole.freeze()
}
