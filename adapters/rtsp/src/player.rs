//! One player's media: frames in, RTP packets out.
//!
//! ```text
//!  frames ─► skipped up to a key frame ─► one timeline ─► payloads ─► RTP header ─► packets
//!                (begin, own losses)      from zero on                  sender reports
//! ```
//!
//! Time stamps begin where PLAY says; every report ties them to the same wall clock, so that
//! picture and sound stay together from the first packet on.

use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use tidegate_engine::{Batch, Frame, Gap, Tracks};
use tidegate_rtp::Header;
use tidegate_rtp::payload::{Packetizer, USUAL_PAYLOAD_BYTES};
use tidegate_rtp::rtcp::{NtpTime, SenderReport, goodbye};
use tidegate_rtsp::{Lower, RtpInfo};
use tidegate_timeline::Timeline;
use tidegate_units::Instant;

use crate::offer::OfferedTrack;

/// How often each stream is reported about.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// The name that all streams of one player share.
const CANONICAL_NAME: &str = "tidegate";

/// One track that was set up.
pub(crate) struct Medium {
    /// Its place in the description.
    index: usize,
    offered: OfferedTrack,
    lower: Lower,
    payload_type: u8,
    ssrc: u32,
    sequence: u16,
    /// The time stamp at the beginning.
    base: u32,
    packetizer: Packetizer,
    /// Its track in the feed, as it is now.
    track: Option<u16>,
    last_ticks: i64,
    reported: Option<Instant>,
    packet_count: u32,
    payload_bytes: u32,
}

/// Random numbers that a stream begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginning {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
}

/// Takes packets; what they travel in goes with them.
pub(crate) trait Packets {
    fn packet(&mut self, lower: Lower, is_report: bool, packet: &[u8]);
}

/// The feed does not have any more what was described.
#[derive(Debug)]
pub(crate) struct Changed;

impl Medium {
    pub(crate) fn new(
        index: usize,
        offered: &OfferedTrack,
        payload_type: u8,
        lower: Lower,
        beginning: Beginning,
    ) -> Option<Self> {
        Some(Self {
            index,
            offered: offered.clone(),
            lower,
            payload_type,
            ssrc: beginning.ssrc,
            sequence: beginning.sequence,
            base: beginning.timestamp,
            packetizer: Packetizer::new(&offered.config, USUAL_PAYLOAD_BYTES)?,
            track: None,
            last_ticks: 0,
            reported: None,
            packet_count: 0,
            payload_bytes: 0,
        })
    }

    pub(crate) const fn lower(&self) -> Lower {
        self.lower
    }

    /// It comes in datagrams of its own.
    pub(crate) const fn is_udp(&self) -> bool {
        matches!(self.lower, Lower::Datagrams(..))
    }

    pub(crate) const fn index(&self) -> usize {
        self.index
    }

    fn is_video(&self) -> bool {
        self.offered.config.video().is_some()
    }

    fn info(&self) -> RtpInfo {
        RtpInfo {
            medium: self.index,
            sequence: self.sequence,
            timestamp: self.base,
        }
    }

    fn timestamp(&self, ticks: i64) -> u32 {
        let rate = i128::from(self.packetizer.clock_rate_hz());
        let elapsed = (i128::from(ticks) * rate).div_euclid(90_000);
        // Time stamps wrap.
        self.base.wrapping_add(elapsed as u32)
    }

    /// What is to be said about the stream; all streams count from the same moment.
    fn sender_report(&self, began: Duration) -> SenderReport {
        let micros = u64::try_from(self.last_ticks.max(0)).unwrap_or(0) * 100 / 9;
        SenderReport {
            ssrc: self.ssrc,
            ntp: NtpTime::from_unix(began + Duration::from_micros(micros)),
            timestamp: self.timestamp(self.last_ticks.max(0)),
            packet_count: self.packet_count,
            payload_bytes: self.payload_bytes,
        }
    }

    fn send(&mut self, frame: &Frame, ticks: i64, out: &mut impl Packets) {
        self.last_ticks = ticks;
        let timestamp = self.timestamp(ticks);
        let (lower, ssrc, payload_type) = (self.lower, self.ssrc, self.payload_type);
        let (sequence, count, bytes) = (
            &mut self.sequence,
            &mut self.packet_count,
            &mut self.payload_bytes,
        );
        let mut packet = Vec::with_capacity(USUAL_PAYLOAD_BYTES + 16);
        let mut sink = |payload: &[u8], marker: bool| {
            let header = Header {
                marker,
                payload_type,
                sequence: *sequence,
                timestamp,
                ssrc,
            };
            packet.clear();
            packet.extend_from_slice(&header.to_bytes());
            packet.extend_from_slice(payload);
            out.packet(lower, false, &packet);
            *sequence = sequence.wrapping_add(1);
            *count = count.wrapping_add(1);
            *bytes = bytes.wrapping_add(payload.len() as u32);
        };
        self.packetizer.packetize(&frame.data, frame.key, &mut sink);
    }
}

/// Everything that one player gets.
pub(crate) struct Player {
    media: Vec<Medium>,
    timeline: Timeline,
    tracks: Option<Arc<Tracks>>,
    /// Pictures are of no use until a key frame comes.
    awaits_key: bool,
    /// When the first frame was sent, by the wall clock.
    began: Option<Duration>,
    skipped: u64,
}

impl Player {
    pub(crate) fn new(media: Vec<Medium>) -> Self {
        let awaits_key = media.iter().any(Medium::is_video);
        Self {
            media,
            timeline: Timeline::starting_at(0),
            tracks: None,
            awaits_key,
            began: None,
            skipped: 0,
        }
    }

    /// Where the packets of each medium begin.
    pub(crate) fn beginnings(&self) -> Vec<RtpInfo> {
        self.media.iter().map(Medium::info).collect()
    }

    pub(crate) fn media(&self) -> &[Medium] {
        &self.media
    }

    /// Frames that were passed over after losses of its own, since this was asked last.
    pub(crate) const fn take_skipped(&mut self) -> u64 {
        core::mem::replace(&mut self.skipped, 0)
    }

    /// Sends what has come.
    pub(crate) fn take(
        &mut self,
        batch: &Batch<Frame>,
        gap: Gap,
        out: &mut impl Packets,
    ) -> Result<(), Changed> {
        if gap.restarted {
            self.timeline.restart();
            self.tracks = None;
        }
        if (gap.lost > 0 || gap.restarted) && self.media.iter().any(Medium::is_video) {
            self.awaits_key = true;
        }
        if let Some(tracks) = batch.tracks() {
            let is_known = self
                .tracks
                .as_ref()
                .is_some_and(|known| Arc::ptr_eq(known, tracks));
            if !is_known {
                self.find_tracks(tracks)?;
            }
        }
        for frame in batch.items() {
            self.take_frame(frame, out);
        }
        Ok(())
    }

    fn find_tracks(&mut self, tracks: &Arc<Tracks>) -> Result<(), Changed> {
        for medium in &mut self.media {
            let found = medium.offered.find(tracks);
            // Tracks come one after the other when a feed begins again.
            let is_coming = tracks.iter().all(|track| track.config.is_none());
            match found {
                Some(track) => medium.track = Some(track.id),
                None if is_coming => medium.track = None,
                None => return Err(Changed),
            }
            if let Some(config) = found.and_then(|track| track.config.as_ref())
                && medium.offered.config != *config
            {
                medium.packetizer = Packetizer::new(config, USUAL_PAYLOAD_BYTES).ok_or(Changed)?;
                medium.offered.config = Arc::clone(config);
            }
        }
        self.tracks = Some(Arc::clone(tracks));
        Ok(())
    }

    fn take_frame(&mut self, frame: &Frame, out: &mut impl Packets) {
        let Some(at) = self
            .media
            .iter()
            .position(|medium| medium.track == Some(frame.track))
        else {
            return;
        };
        let is_video = self.media[at].is_video();
        if self.awaits_key && is_video {
            if !frame.key {
                self.skipped += u64::from(self.began.is_some());
                return;
            }
            self.awaits_key = false;
        }
        // Sound before the first picture has nothing to go with.
        if self.began.is_none() && self.awaits_key {
            return;
        }
        // The number among the media stays when a track moves to another number.
        let (pts, dts) = (frame.pts_90khz, frame.dts_90khz);
        let placed = self.timeline.place(at as u16, pts, dts, frame.arrived);
        if placed.pts < 0 || (!is_video && placed.overlaps) {
            return;
        }
        let wall = || {
            SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
        };
        let began = *self.began.get_or_insert_with(wall);
        let medium = &mut self.media[at];
        medium.send(frame, placed.pts, out);
        // Players cannot use a report before the first packet of its stream.
        let since = |last| frame.arrived.saturating_since(last);
        if medium
            .reported
            .is_none_or(|last| since(last) >= REPORT_INTERVAL)
        {
            medium.reported = Some(frame.arrived);
            let report = medium.sender_report(began).to_packet(CANONICAL_NAME);
            out.packet(medium.lower, true, &report);
        }
    }

    /// Tells the player that nothing more comes.
    pub(crate) fn goodbye(&self, out: &mut impl Packets) {
        let Some(began) = self.began else {
            return;
        };
        for medium in &self.media {
            let last = medium.sender_report(began);
            out.packet(medium.lower, true, &goodbye(&last, CANONICAL_NAME));
        }
    }
}
