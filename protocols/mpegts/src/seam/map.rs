//! The first program of a stream: its tables, with their descriptors as they came.

use crate::packet::{PAT_PID, Packet};
use crate::psi::{ElementaryStream, Pat, Pmt, SectionReader};
use std::sync::Arc;

const PMT_HEADER_BYTES: usize = 12;
const STREAM_BYTES: usize = 5;
const CRC_BYTES: usize = 4;

/// The map of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramMap {
    /// transport_stream_id.
    pub transport_stream_id: u16,
    /// program_number.
    pub program: u16,
    /// The PID that carries the map.
    pub pid: u16,
    /// The PID that carries the program's clock.
    pub pcr_pid: u16,
    /// The descriptors of the program.
    pub info: Vec<u8>,
    /// The streams, in the table's order.
    pub streams: Vec<MapStream>,
}

/// One stream of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapStream {
    /// What is understood of it.
    pub stream: ElementaryStream,
    /// Its descriptors.
    pub info: Vec<u8>,
}

/// Follows the tables of the first program.
#[derive(Clone, Debug, Default)]
pub(super) struct MapReader {
    pat_sections: SectionReader,
    map_sections: SectionReader,
    /// transport_stream_id, program and PID of its map.
    program: Option<(u16, u16, u16)>,
    map: Option<Arc<ProgramMap>>,
}

impl MapReader {
    /// The PID of the program's map, once it is known.
    pub(super) fn map_pid(&self) -> Option<u16> {
        self.program.map(|(_, _, pid)| pid)
    }

    /// A reader that reads the map again.
    pub(super) fn anew(&self) -> Self {
        Self {
            program: self.program,
            ..Self::default()
        }
    }

    /// Packets of the tables were lost.
    pub(super) fn lost(&mut self) {
        self.pat_sections.reset();
        self.map_sections.reset();
    }

    /// Takes a packet of a table; the map, if it is another one now.
    pub(super) fn push(&mut self, packet: Packet<'_>) -> Option<Arc<ProgramMap>> {
        if packet.pid() == PAT_PID {
            self.push_pat(packet);
            None
        } else {
            self.push_map(packet)
        }
    }

    fn push_pat(&mut self, packet: Packet<'_>) {
        let mut first = None;
        self.pat_sections
            .push(packet.payload(), packet.unit_start(), |section| {
                // A table of several sections tells the first programs in its first section.
                if section.get(6) == Some(&0)
                    && let Some(pat) = Pat::parse(section)
                    && let Some(program) = pat.programs.first()
                {
                    first = Some((pat.transport_stream_id, program.number, program.pmt_pid));
                }
            });
        if first.is_some() && first != self.program {
            self.program = first;
            self.map_sections.reset();
        }
    }

    fn push_map(&mut self, packet: Packet<'_>) -> Option<Arc<ProgramMap>> {
        let (transport_stream_id, program, pid) = self.program?;
        let mut found = None;
        self.map_sections
            .push(packet.payload(), packet.unit_start(), |section| {
                let map = ProgramMap::parse(section, transport_stream_id, pid);
                found = map.filter(|map| map.program == program).or(found.take());
            });
        let found = found.filter(|found| self.map.as_deref() != Some(found))?;
        let found = Arc::new(found);
        self.map = Some(Arc::clone(&found));
        Some(found)
    }
}

impl ProgramMap {
    fn parse(section: &[u8], transport_stream_id: u16, pid: u16) -> Option<Self> {
        let map = Pmt::parse(section)?;
        let body = section.get(..section.len().checked_sub(CRC_BYTES)?)?;
        let info_bytes = twelve_bits(*body.get(10)?, *body.get(11)?);
        let mut rest = body.get(PMT_HEADER_BYTES..)?;
        let info = rest.get(..info_bytes)?.to_vec();
        rest = &rest[info_bytes..];
        let mut streams: Vec<MapStream> = Vec::new();
        // What is understood stands in the same order, and ends with the same broken entry.
        for stream in map.streams {
            let (head, tail) = rest.split_first_chunk::<STREAM_BYTES>()?;
            let (info, tail) = tail.split_at_checked(twelve_bits(head[3], head[4]))?;
            rest = tail;
            if streams.iter().all(|known| known.stream.pid != stream.pid) {
                let info = info.to_vec();
                streams.push(MapStream { stream, info });
            }
        }
        Some(Self {
            transport_stream_id,
            program: map.program,
            pid,
            pcr_pid: map.pcr_pid,
            info,
            streams,
        })
    }
}

fn twelve_bits(high: u8, low: u8) -> usize {
    usize::from(high & 0x0F) << 8 | usize::from(low)
}
