use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_codecs::{AudioFramer, Codec, Kind, StreamReader};

use super::assembler::Pes;
use super::{AccessUnit, Event, Track};
use crate::pes::PesHeader;
use crate::psi::ElementaryStream;
use crate::timeline::Timeline;

/// What one elementary stream's PES packets are made into.
#[derive(Debug)]
pub(super) struct Elementary {
    track: Track,
    stream: ElementaryStream,
    content: Content,
    last: Option<Times>,
    /// Ticks between the last two units, to go by when a packet carries no time.
    step: i64,
    /// Something was lost, and no unit has said so yet.
    discontinuity: bool,
}

#[derive(Debug)]
enum Content {
    /// One PES packet is one picture.
    Video(StreamReader),
    /// One PES packet is any number of frames and parts of frames.
    Framed(Box<AudioFramer>),
    /// One PES packet is one unit.
    Whole,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    pts: i64,
    dts: i64,
}

impl Elementary {
    pub(super) fn new(program: u16, stream: &ElementaryStream) -> Self {
        let content = match stream.codec.kind() {
            Kind::Video => Content::Video(StreamReader::new(stream.codec)),
            Kind::Audio => AudioFramer::new(stream.codec, stream.opus)
                .map_or(Content::Whole, |framer| Content::Framed(Box::new(framer))),
            Kind::Data => Content::Whole,
        };
        let track = Track {
            pid: stream.pid,
            program,
            codec: stream.codec,
            language: stream.language,
            config: None,
        };
        Self {
            track,
            stream: *stream,
            content,
            last: None,
            step: 0,
            discontinuity: false,
        }
    }

    pub(super) const fn track(&self) -> &Track {
        &self.track
    }

    pub(super) fn is_for(&self, program: u16, stream: &ElementaryStream) -> bool {
        self.track.program == program && self.stream == *stream
    }

    /// Makes units of a PES packet; whether the track's configuration changed.
    pub(super) fn take(
        &mut self,
        pes: &Pes,
        timeline: &mut Timeline,
        events: &mut VecDeque<Event>,
    ) -> bool {
        self.discontinuity |= pes.discontinuity;
        if is_section(self.track.codec) {
            return false;
        }
        let Some(header) = PesHeader::parse(&pes.bytes) else {
            return false;
        };
        let end = header
            .packet_bytes
            .unwrap_or(pes.bytes.len())
            .min(pes.bytes.len());
        let payload = pes
            .bytes
            .get(header.payload_offset..end)
            .unwrap_or_default();
        if payload.is_empty() || header.is_padding() {
            return false;
        }
        let times = Self::times(&header, timeline);
        if let Content::Framed(_) = self.content {
            return self.take_frames(pes, payload, times.map(|times| times.pts), events);
        }
        self.take_whole(pes, payload, times, events)
    }

    /// The packet's own times, unwrapped.
    fn times(header: &PesHeader, timeline: &mut Timeline) -> Option<Times> {
        let dts = timeline.unwrap(header.dts.or(header.pts)?);
        let pts = header.pts.map_or(dts, |pts| Timeline::nearest(pts, dts));
        Some(Times { pts, dts })
    }

    fn take_frames(
        &mut self,
        pes: &Pes,
        payload: &[u8],
        pts: Option<i64>,
        events: &mut VecDeque<Event>,
    ) -> bool {
        let Content::Framed(framer) = &mut self.content else {
            return false;
        };
        if pes.discontinuity {
            framer.clear();
        }
        framer.push(pts, payload);
        let mut changed = false;
        while let Some(frame) = framer.next_frame() {
            let Some(pts) = frame.pts else { continue };
            changed |= take_over(&mut self.track, framer.config());
            events.push_back(Event::Unit(AccessUnit {
                pid: self.track.pid,
                pts,
                dts: pts,
                random_access: true,
                discontinuity: core::mem::take(&mut self.discontinuity),
                data: frame.data,
                stamp: pes.stamp,
            }));
        }
        changed
    }

    fn take_whole(
        &mut self,
        pes: &Pes,
        payload: &[u8],
        times: Option<Times>,
        events: &mut VecDeque<Event>,
    ) -> bool {
        let guess = self.last.map(|last| {
            let dts = last.dts.saturating_add(self.step);
            Times { pts: dts, dts }
        });
        let Some(times) = times.or(guess) else {
            return false;
        };
        if let Some(last) = self.last {
            self.step = times.dts.saturating_sub(last.dts).max(0);
        }
        self.last = Some(times);
        let mut changed = false;
        let random_access = match &mut self.content {
            Content::Video(reader) => {
                let info = reader.read(payload);
                changed = take_over(&mut self.track, reader.config());
                info.is_entry(pes.random_access)
            }
            _ => true,
        };
        events.push_back(Event::Unit(AccessUnit {
            pid: self.track.pid,
            pts: times.pts,
            dts: times.dts,
            random_access,
            discontinuity: core::mem::take(&mut self.discontinuity),
            data: Bytes::copy_from_slice(payload),
            stamp: pes.stamp,
        }));
        changed
    }
}

/// Takes over a configuration; whether it is another one than before.
fn take_over(track: &mut Track, config: Option<&Arc<tidegate_codecs::StreamConfig>>) -> bool {
    let Some(config) = config else { return false };
    if track
        .config
        .as_ref()
        .is_some_and(|known| Arc::ptr_eq(known, config))
    {
        return false;
    }
    track.config = Some(Arc::clone(config));
    true
}

/// Splice information and teletext's neighbours travel in sections, not in PES packets.
const fn is_section(codec: Codec) -> bool {
    matches!(codec, Codec::Scte35)
}
