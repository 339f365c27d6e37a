//! AAC as `mpeg4-generic`, mode AAC-hbr (RFC 3640): a size of 13 bits and an index of 3 in
//! front of each unit. One unit per packet keeps the delay of one.

use super::{Sink, pieces};

const HEADER_BYTES: usize = 4;
const AU_HEADER_BITS: u16 = 16;
/// The longest unit whose size fits.
const LONGEST_UNIT: usize = (1 << 13) - 1;

pub(super) fn packetize(
    unit: &[u8],
    max_bytes: usize,
    scratch: &mut Vec<u8>,
    sink: &mut impl Sink,
) {
    let Some(size) = u16::try_from(unit.len()).ok().filter(|size| *size > 0) else {
        return;
    };
    if unit.len() > LONGEST_UNIT {
        return;
    }
    // Every fragment says the size of the whole unit (section 3.2.3).
    let mut rest = pieces(unit, max_bytes - HEADER_BYTES).peekable();
    while let Some(piece) = rest.next() {
        scratch.clear();
        scratch.extend_from_slice(&AU_HEADER_BITS.to_be_bytes());
        scratch.extend_from_slice(&(size << 3).to_be_bytes());
        scratch.extend_from_slice(piece);
        sink.payload(scratch, rest.peek().is_none());
    }
}
