use tidegate_codecs::{Codec, Kind};
use tidegate_units::{Bitrate, Duration, Instant};

use super::Moment;
use super::audio::AudioWatch;
use super::video::VideoWatch;
use crate::continuity::{Continuity, Verdict};
use crate::packet::Packet;
use crate::psi::ElementaryStream;
use crate::tr101290::recurrence::Recurrence;
use crate::tr101290::{PID_LATE, Tally};

/// What is counted of one PID.
#[derive(Debug)]
pub(super) struct PidState {
    pub(super) pid: u16,
    pub(super) content: Content,
    /// What the program map says about it.
    pub(super) stream: Option<ElementaryStream>,
    pub(super) packets: u64,
    /// Gaps in its counter.
    pub(super) gaps: Tally,
    /// When the last packet came, if any did.
    last: Moment,
    /// The stream's own time when the tables first named it what it is.
    pub(super) named: Instant,
    pub(super) bitrate: Bitrate,
    /// Packets before the window that runs, and scrambled ones in it and the one before.
    old_packets: u64,
    is_away: bool,
    window_scrambled: u64,
    previous_scrambled: u64,
    continuity: Continuity,
}

/// What is in a PID, as far as it is looked into.
#[derive(Debug)]
pub(super) enum Content {
    Table(Recurrence),
    Video(Box<VideoWatch>),
    Audio(Box<AudioWatch>),
    Other,
}

impl PidState {
    pub(super) fn new(pid: u16, content: Content) -> Self {
        Self {
            pid,
            content,
            stream: None,
            packets: 0,
            gaps: Tally::default(),
            last: Moment::default(),
            named: Instant::ZERO,
            bitrate: Bitrate::ZERO,
            old_packets: 0,
            is_away: false,
            window_scrambled: 0,
            previous_scrambled: 0,
            continuity: Continuity::default(),
        }
    }

    /// Counts a packet.
    pub(super) fn count(&mut self, now: &Moment, packet: Packet<'_>) -> Verdict {
        self.packets += 1;
        self.last = *now;
        self.window_scrambled += u64::from(packet.scrambled());
        let verdict = self.continuity.check(packet);
        if verdict == Verdict::Gap {
            self.gaps.add(1, now.arrived);
        }
        verdict
    }

    /// When the last packet came.
    pub(super) fn last(&self) -> Option<Moment> {
        (self.packets > 0).then_some(self.last)
    }

    /// Packets in the window that runs.
    pub(super) const fn window_packets(&self) -> u64 {
        self.packets - self.old_packets
    }

    /// Looks into the PID as into this stream from now on.
    /// Returns what was counted of the times of the stream that it was before.
    pub(super) fn play(&mut self, now: Moment, stream: &ElementaryStream) -> Tally {
        if self.stream.as_ref() == Some(stream) {
            return Tally::default();
        }
        let late = self.late_times();
        self.stream = Some(*stream);
        self.named = now.flow;
        self.content = match stream.codec.kind() {
            Kind::Video => Content::Video(Box::new(VideoWatch::new(stream.codec))),
            Kind::Audio => Content::Audio(Box::new(AudioWatch::new(stream))),
            Kind::Data => Content::Other,
        };
        late
    }

    pub(super) fn codec(&self) -> Codec {
        self.stream.map_or(Codec::Data, |stream| stream.codec)
    }

    pub(super) const fn scrambled(&self) -> bool {
        self.window_scrambled + self.previous_scrambled > 0
    }

    /// Presentation times that did not move on in time.
    pub(super) fn late_times(&self) -> Tally {
        match &self.content {
            Content::Video(video) => video.units.late,
            Content::Audio(audio) => audio.units.late,
            Content::Table(_) | Content::Other => Tally::default(),
        }
    }

    /// Whether a picture or sound that the tables name has stayed away too long; said once.
    pub(super) fn stays_away(&mut self, flow: Instant) -> bool {
        let is_wanted = matches!(self.content, Content::Video(_) | Content::Audio(_));
        let since = self.last.flow.max(self.named);
        let is_away = is_wanted && flow.saturating_since(since) > PID_LATE;
        let was_away = core::mem::replace(&mut self.is_away, is_away);
        is_away && !was_away
    }

    /// Ends a window.
    pub(super) fn roll(&mut self, elapsed: Duration) {
        self.bitrate = super::rate(self.window_packets(), elapsed);
        self.old_packets = self.packets;
        self.previous_scrambled = core::mem::take(&mut self.window_scrambled);
    }
}
