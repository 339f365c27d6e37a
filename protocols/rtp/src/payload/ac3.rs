//! AC-3 (RFC 4184): frame type and number of fragments in front of each piece.

use super::{Sink, pieces};

const HEADER_BYTES: usize = 2;
const COMPLETE: u8 = 0;
/// The first fragment, with at least five eighths of the frame.
const FIRST_WITH_MOST: u8 = 1;
const FIRST: u8 = 2;
const LATER: u8 = 3;

pub(super) fn packetize(
    frame: &[u8],
    max_bytes: usize,
    scratch: &mut Vec<u8>,
    sink: &mut impl Sink,
) {
    if frame.is_empty() {
        return;
    }
    let count = pieces(frame, max_bytes - HEADER_BYTES).count();
    let Ok(number) = u8::try_from(count) else {
        return;
    };
    for (index, piece) in pieces(frame, max_bytes - HEADER_BYTES).enumerate() {
        let kind = match index {
            0 if count == 1 => COMPLETE,
            0 if piece.len() * 8 >= frame.len() * 5 => FIRST_WITH_MOST,
            0 => FIRST,
            _ => LATER,
        };
        scratch.clear();
        scratch.extend_from_slice(&[kind, number]);
        scratch.extend_from_slice(piece);
        sink.payload(scratch, index + 1 == count);
    }
}
