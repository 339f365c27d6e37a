//! H.264 in packetization mode 1 (RFC 6184): single NAL units, STAP-A and FU-A.

use super::nal_units::{self, Rules};
use super::{Sink, pieces};
use bytes::Bytes;
use tidegate_codecs::h264::UnitType;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const FU_HEADER_BYTES: usize = 2;
const START: u8 = 0x80;
const END: u8 = 0x40;
const NRI: u8 = 0x60;
const FORBIDDEN: u8 = 0x80;
const TYPE: u8 = 0x1F;
const FILLER: u8 = 12;

pub(super) fn packetize(
    unit: &[u8],
    sets: &[Bytes],
    max_bytes: usize,
    scratch: &mut Vec<u8>,
    sink: &mut impl Sink,
) {
    // Beyond 65535 bytes a length would not fit STAP-A; no packet is that long.
    let max_bytes = max_bytes.min(usize::from(u16::MAX));
    nal_units::packetize::<H264>(unit, sets, max_bytes, scratch, sink);
}

struct H264;

impl Rules for H264 {
    /// Delimiters say what time stamps say; types 24 and up mean something else in RTP.
    fn is_idle(unit: &[u8]) -> bool {
        match UnitType::of(unit) {
            Some(UnitType::Delimiter) | None => true,
            Some(UnitType::Other(other)) => other == FILLER || other == 0 || other >= STAP_A,
            _ => false,
        }
    }

    fn is_parameter_set(unit: &[u8]) -> bool {
        UnitType::of(unit) == Some(UnitType::Sps)
    }

    const AGGREGATION_HEADER_BYTES: usize = 1;

    /// Forbidden bit and importance are those of the worst and of the most important unit
    /// (section 5.7).
    fn put_aggregation_header(units: &[&[u8]], out: &mut Vec<u8>) {
        let headers = || units.iter().filter_map(|unit| unit.first());
        let forbidden = headers().fold(0, |bits, header| bits | header & FORBIDDEN);
        let importance = headers().map(|header| header & NRI).max().unwrap_or(0);
        out.push(forbidden | importance | STAP_A);
    }

    fn fragment(
        unit: &[u8],
        is_last: bool,
        max_bytes: usize,
        out: &mut Vec<u8>,
        sink: &mut impl Sink,
    ) {
        let Some((&header, body)) = unit.split_first() else {
            return;
        };
        let mut rest = pieces(body, max_bytes - FU_HEADER_BYTES).peekable();
        let mut position = START;
        while let Some(piece) = rest.next() {
            let ends = rest.peek().is_none();
            let end = if ends { END } else { 0 };
            out.clear();
            out.push(header & (FORBIDDEN | NRI) | FU_A);
            out.push(position | end | header & TYPE);
            out.extend_from_slice(piece);
            sink.payload(out, ends && is_last);
            position = 0;
        }
    }
}
