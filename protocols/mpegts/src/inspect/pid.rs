use tidegate_codecs::{Codec, Kind};
use tidegate_units::{Bitrate, Duration, Instant};

use super::audio::AudioWatch;
use super::video::VideoWatch;
use crate::continuity::{Continuity, Verdict};
use crate::packet::Packet;
use crate::psi::ElementaryStream;

/// What is counted of one PID.
#[derive(Debug)]
pub(super) struct PidState {
    pub(super) pid: u16,
    pub(super) content: Content,
    /// What the program map says about it.
    pub(super) stream: Option<ElementaryStream>,
    pub(super) packets: u64,
    pub(super) continuity_errors: u64,
    pub(super) last_packet: Option<Instant>,
    pub(super) bitrate: Bitrate,
    /// Packets in the window that runs, and scrambled ones in it and the one before.
    pub(super) window_packets: u64,
    window_scrambled: u64,
    previous_scrambled: u64,
    continuity: Continuity,
}

/// What is in a PID, as far as it is looked into.
#[derive(Debug)]
pub(super) enum Content {
    Table,
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
            continuity_errors: 0,
            last_packet: None,
            bitrate: Bitrate::ZERO,
            window_packets: 0,
            window_scrambled: 0,
            previous_scrambled: 0,
            continuity: Continuity::default(),
        }
    }

    /// Counts a packet.
    pub(super) fn count(&mut self, now: Instant, packet: Packet<'_>) -> Verdict {
        self.packets += 1;
        self.window_packets += 1;
        self.last_packet = Some(now);
        self.window_scrambled += u64::from(packet.scrambled());
        let verdict = self.continuity.check(packet);
        self.continuity_errors += u64::from(verdict == Verdict::Gap);
        verdict
    }

    /// Looks into the PID as into this stream from now on.
    pub(super) fn play(&mut self, stream: &ElementaryStream) {
        if self.stream.as_ref() == Some(stream) {
            return;
        }
        self.stream = Some(*stream);
        self.content = match stream.codec.kind() {
            Kind::Video => Content::Video(Box::new(VideoWatch::new(stream.codec))),
            Kind::Audio => Content::Audio(Box::new(AudioWatch::new(stream))),
            Kind::Data => Content::Other,
        };
    }

    pub(super) fn codec(&self) -> Codec {
        self.stream.map_or(Codec::Data, |stream| stream.codec)
    }

    pub(super) const fn scrambled(&self) -> bool {
        self.window_scrambled + self.previous_scrambled > 0
    }

    /// Ends a window.
    pub(super) fn roll(&mut self, elapsed: Duration) {
        self.bitrate = super::rate(self.window_packets, elapsed);
        self.window_packets = 0;
        self.previous_scrambled = core::mem::take(&mut self.window_scrambled);
    }
}
