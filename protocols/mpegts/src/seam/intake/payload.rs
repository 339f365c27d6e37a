//! The bytes of one unit, for the few that are taken apart.

use super::{Chunk, Intake, Unit};
use crate::continuity::{Continuity, Verdict};
use crate::packet::Packet;
use crate::pes::PesHeader;
use tidegate_codecs::frames_in;

const TICKS_PER_SECOND: i64 = 90_000;

/// One PES packet, put together.
#[derive(Clone, Debug)]
pub(crate) struct Pes {
    pub(crate) header: PesHeader,
    /// What it carries.
    pub(crate) payload: Vec<u8>,
    pub(crate) random_access: bool,
}

/// The frames of sound that begin in a PES packet.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    /// Where each begins, and its presentation time.
    pub(crate) begin: Vec<(usize, i64)>,
    /// When the last one ends.
    pub(crate) end: i64,
}

impl Intake {
    pub(crate) fn pes(&self, slot: usize, unit: &Unit) -> Option<Pes> {
        let pid = self.streams.get(slot)?.stream.pid;
        let mut continuity = Continuity::default();
        let mut bytes = Vec::new();
        let mut first = None;
        let end = unit.end;
        let packets = self.chunks_from(unit.first).take_while(|it| it.first < end);
        let indices = |chunk: &Chunk| unit.first.max(chunk.first)..end.min(chunk.end());
        let packets = packets.flat_map(|chunk| {
            indices(chunk).filter_map(move |index| Packet::new(chunk.packet(index)?))
        });
        for packet in packets.filter(|packet| packet.pid() == pid) {
            if continuity.check(packet) != Verdict::Repeats {
                bytes.extend_from_slice(packet.payload());
                first.get_or_insert(packet);
            }
        }
        let header = PesHeader::parse(&bytes)?;
        bytes.truncate(header.packet_bytes.unwrap_or(bytes.len()));
        bytes.drain(..header.payload_offset.min(bytes.len()));
        let field = first.and_then(Packet::adaptation).unwrap_or_default();
        Some(Pes {
            header,
            payload: bytes,
            random_access: field.random_access,
        })
    }

    /// The frames of a unit of sound; `None` where they cannot be told apart.
    pub(crate) fn frames(&self, slot: usize, unit: &Unit, pes: &Pes) -> Option<Frames> {
        let stream = self.streams.get(slot)?;
        let (codec, opus) = (stream.stream.codec, stream.stream.opus);
        let known = stream.config().map(|config| &**config);
        let spans = frames_in(codec, &pes.payload, opus, known);
        let first = unit.pts?;
        let rate = i64::from(spans.first()?.sample_rate_hz);
        let mut samples = 0;
        let mut begin = Vec::with_capacity(spans.len());
        for span in &spans {
            begin.push((span.at, first + samples * TICKS_PER_SECOND / rate));
            samples += i64::from(span.samples);
        }
        let end = first + samples * TICKS_PER_SECOND / rate;
        Some(Frames { begin, end })
    }

    /// When the sound of a unit ends: by its frames, else by how long the one before lasted.
    pub(crate) fn sound_end(&self, slot: usize, unit: &Unit) -> Option<i64> {
        let pes = self.pes(slot, unit)?;
        if let Some(frames) = self.frames(slot, unit, &pes) {
            return Some(frames.end);
        }
        let units = &self.streams.get(slot)?.units;
        let place = units.partition_point(|it| it.first < unit.first);
        let step = units
            .get(place.checked_sub(1)?)
            .and_then(|before| Some(unit.pts?.saturating_sub(before.pts?)))?;
        Some(unit.pts?.saturating_add(step))
    }
}
