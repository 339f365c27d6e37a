//! MPEG audio (RFC 2250, section 3.5): the offset in the frame in front of each piece.

use super::{Sink, pieces};

const HEADER_BYTES: usize = 4;

pub(super) fn packetize(
    frame: &[u8],
    max_bytes: usize,
    scratch: &mut Vec<u8>,
    sink: &mut impl Sink,
) {
    if frame.is_empty() || frame.len() > usize::from(u16::MAX) {
        return;
    }
    let mut offset = 0_u16;
    for piece in pieces(frame, max_bytes - HEADER_BYTES) {
        scratch.clear();
        scratch.extend_from_slice(&[0, 0]);
        scratch.extend_from_slice(&offset.to_be_bytes());
        scratch.extend_from_slice(piece);
        sink.payload(scratch, false);
        offset = offset.saturating_add(piece.len() as u16);
    }
}
