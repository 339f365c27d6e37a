use std::sync::Arc;

use tidegate_codecs::opus::OpusInfo;
use tidegate_codecs::{AudioFormat, StreamConfig, StreamReader};
use tidegate_units::Instant;

use super::Moment;
use super::effort::Effort;
use crate::packet::Packet;
use crate::pes::PesHeader;
use crate::psi::ElementaryStream;
use crate::tr101290::units::Units;

/// Follows one audio stream by the beginnings of its PES packets.
#[derive(Debug)]
pub(super) struct AudioWatch {
    reader: StreamReader,
    opus: Option<AudioFormat>,
    /// Found behind the beginning of a packet: true once it was found twice.
    suspected: Option<Arc<StreamConfig>>,
    known: Option<Arc<StreamConfig>>,
    pub(super) pts_present: bool,
    pub(super) last_unit: Option<Instant>,
    pub(super) units: Units,
}

impl AudioWatch {
    pub(super) fn new(stream: &ElementaryStream) -> Self {
        Self {
            reader: StreamReader::new(stream.codec),
            opus: stream.opus.as_ref().map(OpusInfo::format),
            suspected: None,
            known: None,
            pts_present: false,
            last_unit: None,
            units: Units::default(),
        }
    }

    pub(super) fn packet(&mut self, now: Moment, packet: Packet<'_>, effort: &mut Effort) {
        if !packet.unit_start() {
            return;
        }
        self.last_unit = Some(now.arrived);
        if !effort.look() {
            return;
        }
        let Some(header) = PesHeader::parse(packet.payload()) else {
            return;
        };
        self.pts_present = header.pts.is_some();
        self.units.begin(now.arrived, now.flow, header.pts);
        let payload = packet
            .payload()
            .get(header.payload_offset..)
            .unwrap_or_default();
        if self.reader.read(payload).complete {
            self.known = self.reader.config().cloned();
        } else if self.known.is_none() && effort.search() {
            self.search(payload);
        }
    }

    /// Frames need not begin where packets begin. What looks like a header inside a
    /// packet is believed when the next packet shows the same.
    fn search(&mut self, payload: &[u8]) {
        for offset in 1..payload.len() {
            if !self.reader.read(&payload[offset..]).complete {
                continue;
            }
            let found = self.reader.config().cloned();
            if found == self.suspected {
                self.known = found;
            } else {
                self.suspected = found;
            }
            return;
        }
    }

    pub(super) fn format(&self) -> Option<&AudioFormat> {
        let known = self.known.as_ref().and_then(|config| config.audio());
        known.map(|audio| &audio.format).or(self.opus.as_ref())
    }
}
