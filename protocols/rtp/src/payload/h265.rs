//! H.265 (RFC 7798): single NAL units, aggregation and fragmentation, without decoding
//! order numbers (`sprop-max-don-diff` is 0).

use super::nal_units::{self, Rules};
use super::{Sink, pieces};
use bytes::Bytes;
use tidegate_codecs::h265::UnitType;

const AGGREGATION: u8 = 48;
const FRAGMENT: u8 = 49;
const NAL_HEADER_BYTES: usize = 2;
const FRAGMENT_HEADER_BYTES: usize = 3;
const START: u8 = 0x80;
const END: u8 = 0x40;
/// The type in the first byte of a NAL header.
const TYPE: u8 = 0x7E;
const FILLER: u8 = 38;

pub(super) fn packetize(
    unit: &[u8],
    sets: &[Bytes],
    max_bytes: usize,
    scratch: &mut Vec<u8>,
    sink: &mut impl Sink,
) {
    let max_bytes = max_bytes.min(usize::from(u16::MAX));
    nal_units::packetize::<H265>(unit, sets, max_bytes, scratch, sink);
}

struct H265;

/// Layer and temporal layer of a NAL header.
fn layers(unit: &[u8]) -> (u8, u8) {
    let (first, second) = (unit[0], unit[1]);
    ((first & 1) << 5 | second >> 3, second & 7)
}

impl Rules for H265 {
    fn is_idle(unit: &[u8]) -> bool {
        match UnitType::of(unit) {
            Some(UnitType::Delimiter) | None => true,
            Some(UnitType::Other(other)) => other == FILLER || other >= AGGREGATION,
            _ => unit.len() < NAL_HEADER_BYTES,
        }
    }

    fn is_parameter_set(unit: &[u8]) -> bool {
        UnitType::of(unit) == Some(UnitType::Sps)
    }

    const AGGREGATION_HEADER_BYTES: usize = NAL_HEADER_BYTES;

    /// The lowest layers of all units (section 4.4.2).
    fn put_aggregation_header(units: &[&[u8]], out: &mut Vec<u8>) {
        let layer = units.iter().map(|unit| layers(unit).0).min().unwrap_or(0);
        let temporal = units.iter().map(|unit| layers(unit).1).min().unwrap_or(1);
        out.push(AGGREGATION << 1 | layer >> 5);
        out.push((layer & 0x1F) << 3 | temporal);
    }

    fn fragment(
        unit: &[u8],
        is_last: bool,
        max_bytes: usize,
        out: &mut Vec<u8>,
        sink: &mut impl Sink,
    ) {
        let Some((header, body)) = unit.split_at_checked(NAL_HEADER_BYTES) else {
            return;
        };
        let kind = header[0] >> 1 & 0x3F;
        let mut rest = pieces(body, max_bytes - FRAGMENT_HEADER_BYTES).peekable();
        let mut position = START;
        while let Some(piece) = rest.next() {
            let ends = rest.peek().is_none();
            let end = if ends { END } else { 0 };
            out.clear();
            out.push(header[0] & !TYPE | FRAGMENT << 1);
            out.push(header[1]);
            out.push(position | end | kind);
            out.extend_from_slice(piece);
            sink.payload(out, ends && is_last);
            position = 0;
        }
    }
}
