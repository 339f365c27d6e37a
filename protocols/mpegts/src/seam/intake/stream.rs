//! The units of one PID.

use super::astray::Astray;
use super::head::{Found, Head};
use super::order::Order;
use super::sections::Sections;
use super::unit::{Times, Unit};
use crate::continuity::{Continuity, Verdict};
use crate::demux::{Ending, Said};
use crate::packet::Packet;
use crate::pes::PesHeader;
use crate::psi::ElementaryStream;
use std::collections::VecDeque;
use std::sync::Arc;
use tidegate_codecs::{Codec, Kind, StreamConfig, StreamReader};
use tidegate_units::Instant;

/// Units of sound looked at until its format is known.
const LOOKS_AT_SOUND: u32 = 64;

/// One stream of an input.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) stream: ElementaryStream,
    pub(crate) units: VecDeque<Unit>,
    pub(super) order: Order,
    /// The decoding time of the unit that began last.
    pub(super) last_dts: Option<i64>,
    pub(super) astray: Astray,
    content: Content,
    continuity: Continuity,
    ending: Ending,
    /// Bytes of the PES packet under way, and how many there will be where that is told.
    bytes: usize,
    told: Option<usize>,
    /// Its units are sections.
    in_sections: Option<Sections>,
}

#[derive(Clone, Debug)]
enum Content {
    Picture(Box<Head>),
    Sound { reader: StreamReader, looks: u32 },
    Other,
}

/// What a packet meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// Nothing that matters to others.
    Nothing,
    /// A unit turned out to be a key frame.
    Key,
}

impl Meant {
    fn or(self, other: Self) -> Self {
        if self == Self::Key { self } else { other }
    }
}

impl Stream {
    pub(super) fn new(stream: &ElementaryStream) -> Self {
        let content = match stream.codec.kind() {
            Kind::Video => Content::Picture(Box::new(Head::new(stream.codec))),
            Kind::Audio => Content::Sound {
                reader: StreamReader::new(stream.codec),
                looks: 0,
            },
            Kind::Data => Content::Other,
        };
        Self {
            stream: *stream,
            units: VecDeque::new(),
            order: Order::default(),
            last_dts: None,
            astray: Astray::default(),
            content,
            continuity: Continuity::default(),
            ending: Ending::default(),
            bytes: 0,
            told: None,
            in_sections: (stream.codec == Codec::Scte35).then(Sections::default),
        }
    }

    /// Knows the headers that `other` was told.
    pub(super) fn inherit(&mut self, other: &Self) {
        if let (Content::Picture(head), Content::Picture(known)) =
            (&mut self.content, &other.content)
            && self.stream.codec == other.stream.codec
        {
            head.inherit(known);
        }
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.stream.codec.kind()
    }

    pub(crate) fn config(&self) -> Option<&Arc<StreamConfig>> {
        match &self.content {
            Content::Picture(head) => head.reader().config(),
            Content::Sound { reader, .. } => reader.config(),
            Content::Other => None,
        }
    }

    /// The unit that begins with the packet of this index.
    pub(crate) fn unit_at(&self, first: u64) -> Option<&Unit> {
        let place = self.units.binary_search_by_key(&first, |unit| unit.first);
        place.ok().and_then(|place| self.units.get(place))
    }

    /// Packets of unknown PIDs are missing, perhaps of this one.
    pub(super) fn lost(&mut self) {
        self.ending.lost();
        if let Content::Picture(head) = &mut self.content {
            head.lost();
        }
        if let Some(unit) = self.units.back_mut().filter(|unit| !unit.whole) {
            unit.damaged = true;
        }
    }

    /// Whether a packet begins a unit, with the times its header tells.
    pub(super) fn begins(&self, packet: Packet<'_>, near: Option<i64>) -> Option<Option<Times>> {
        if !packet.unit_start() || packet.scrambled() {
            return None;
        }
        if self.in_sections.is_some() {
            return Some(None);
        }
        let header = PesHeader::parse(packet.payload());
        Some(header.and_then(|header| Times::of(header.pts, header.dts, near)))
    }

    /// Takes a packet from the midst of a unit that says nothing but its bytes, which most are;
    /// false if it is no such packet, and was not taken.
    pub(super) fn goes_on(&mut self, packet: Packet<'_>, index: u64) -> bool {
        if packet.unit_start() || self.in_sections.is_some() {
            return false;
        }
        let Some(payload) = packet.only_payload() else {
            return false;
        };
        let bytes = self.bytes + payload.len();
        let is_midst = match (&self.content, self.told) {
            (Content::Picture(head), _) if !head.is_known() => false,
            (_, Some(told)) => bytes < told,
            (content, None) => matches!(content, Content::Picture(_)),
        };
        let unit = self.units.back_mut().filter(|unit| !unit.whole);
        let Some(unit) = unit.filter(|_| is_midst && self.continuity.goes_on(packet)) else {
            return false;
        };
        self.ending.packet(false);
        self.bytes = bytes;
        unit.end = index + 1;
        true
    }

    /// Takes a packet. `begins`: see [`Self::begins`].
    pub(super) fn packet(
        &mut self,
        packet: Packet<'_>,
        index: u64,
        due: Instant,
        begins: Option<Option<Times>>,
    ) -> Meant {
        match self.continuity.check(packet) {
            Verdict::Repeats => return Meant::Nothing,
            Verdict::Gap => self.lost(),
            Verdict::Continues => {}
        }
        if !packet.has_payload() || packet.scrambled() {
            return Meant::Nothing;
        }
        let mut meant = Meant::Nothing;
        if let Some(times) = begins {
            meant = self.finish(None);
            self.begin(packet, index, due, times);
        }
        if self
            .units
            .back()
            .is_none_or(|unit| unit.whole && begins.is_none())
        {
            // Between units, or behind one that was taken for whole.
            self.ending.packet(packet.filled_up());
            return meant;
        }
        if let Content::Picture(head) = &mut self.content {
            let found = head.packet(packet);
            meant = meant.or(self.found(found));
        }
        if self.go_on(packet) {
            meant = meant.or(self.finish(Some(index + 1)));
        }
        if let Some(unit) = self.units.back_mut() {
            unit.end = index + 1;
        }
        meant
    }

    fn begin(&mut self, packet: Packet<'_>, index: u64, due: Instant, times: Option<Times>) {
        let is_astray = self.astray.is_so();
        let times = times.filter(|_| !is_astray);
        let mut unit = Unit::begin(index, due, times);
        unit.astray = is_astray;
        if let Some(times) = times {
            let place = self.order.begin(times);
            (unit.clean, unit.highest_before) = (place.clean, place.highest_before);
            self.last_dts = Some(times.dts);
        }
        self.units.push_back(unit);
        self.ending.begin();
        self.bytes = 0;
        self.told = PesHeader::told_packet_bytes(packet.payload());
        match &mut self.content {
            Content::Picture(head) => head.begin(packet),
            Content::Sound { reader, looks } => {
                if reader.config().is_none() && *looks < LOOKS_AT_SOUND {
                    *looks += 1;
                    let header = PesHeader::parse(packet.payload());
                    let at = header.map_or(0, |header| header.payload_offset);
                    reader.read(packet.payload().get(at..).unwrap_or_default());
                }
            }
            Content::Other => {}
        }
    }

    /// Takes what a packet has of the unit under way; whether it is the last.
    fn go_on(&mut self, packet: Packet<'_>) -> bool {
        let said = self.ending.packet(packet.filled_up());
        if let Some(sections) = &mut self.in_sections {
            return sections.push(packet.payload(), packet.unit_start());
        }
        self.bytes += packet.payload().len();
        match (&self.content, self.told) {
            (_, Some(told)) => self.bytes >= told,
            (Content::Picture(_), None) => said == Said::Ends,
            // Only of pictures may the length be left open: whatever this is, it is not waited for.
            (_, None) => true,
        }
    }

    /// The unit under way ends: with this packet, or in front of one that begins the next.
    fn finish(&mut self, end: Option<u64>) -> Meant {
        if self.units.back().is_none_or(|unit| unit.whole) {
            return Meant::Nothing;
        }
        let found = match &mut self.content {
            Content::Picture(head) => head.end(),
            _ => None,
        };
        let told = self.told.filter(|_| self.in_sections.is_none());
        let is_short = end.is_none() && told.is_some_and(|told| self.bytes < told);
        let meant = self.found(found);
        if let Some(unit) = self.units.back_mut() {
            unit.whole = true;
            unit.damaged |= is_short;
            unit.end = end.unwrap_or(unit.end);
        }
        meant
    }

    fn found(&mut self, found: Option<Found>) -> Meant {
        let (Some(found), Some(unit)) = (found, self.units.back_mut()) else {
            return Meant::Nothing;
        };
        unit.headers = found.headers;
        unit.key = found.key;
        unit.opens = found.opens;
        match unit.pts.filter(|_| found.key) {
            Some(pts) => {
                let highest_before = unit.highest_before;
                self.order.is_key(pts, &mut unit.clean, highest_before);
                Meant::Key
            }
            None => Meant::Nothing,
        }
    }
}
