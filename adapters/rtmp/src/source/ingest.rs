use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::{FeedWriter, Frame, Track, Tracks};
use tidegate_flv::{Event, Reader};
use tidegate_rtmp::{AmfError, Data, Media, MediaKind};
use tidegate_units::Instant;

use super::shown::Shown;
use super::stamps::{Spread, Stamps};

/// Turns a publisher's messages into the feed's frames.
pub(super) struct Ingest {
    reader: Reader,
    writer: FeedWriter<Frame>,
    audio: Stamps,
    video: Stamps,
    /// The tracks whose next frame follows a jump of the time stamps.
    jumped: Jumped,
    spread: Spread,
    shown: Arc<Shown>,
    message_count: u64,
}

#[derive(Clone, Copy, Default)]
struct Jumped {
    audio: bool,
    video: bool,
}

/// Everything a publisher sends belongs together.
const PROGRAM: u16 = 1;

impl Ingest {
    pub(super) fn new(writer: FeedWriter<Frame>, shown: Arc<Shown>) -> Self {
        Self {
            reader: Reader::new(),
            writer,
            audio: Stamps::default(),
            video: Stamps::default(),
            jumped: Jumped::default(),
            spread: Spread::default(),
            shown,
            message_count: 0,
        }
    }

    pub(super) fn media(&mut self, media: &Media, now: Instant) {
        self.message_count += 1;
        let (stamps, jumped, read) = match media.kind {
            MediaKind::Audio => (
                &mut self.audio,
                &mut self.jumped.audio,
                self.reader.audio(media.timestamp, &media.body),
            ),
            MediaKind::Video => (
                &mut self.video,
                &mut self.jumped.video,
                self.reader.video(media.timestamp, &media.body),
            ),
        };
        // Headers are stamped with anything; only frames tell the time.
        let mut is_first = true;
        while let Some(event) = self.reader.next_event() {
            match event {
                Event::Tracks(tracks) => self.writer.set_tracks(feed_tracks(tracks)),
                Event::Frame(frame) => {
                    if std::mem::take(&mut is_first) {
                        *jumped |= stamps.note(media.timestamp);
                    }
                    let later = self.spread.ticks(frame.track, frame.dts);
                    self.writer.push(Frame {
                        track: frame.track,
                        pts_90khz: frame.pts + later,
                        dts_90khz: frame.dts + later,
                        key: frame.key,
                        video: frame.video,
                        discontinuity: std::mem::take(jumped),
                        data: frame.data,
                        arrived: now,
                        due: now,
                    });
                }
            }
        }
        if let Err(error) = read {
            self.shown.unusable(&error.to_string());
        }
    }

    pub(super) fn data(&mut self, data: &Data) {
        if data.name == "onMetaData"
            && let Some(metadata) = data.values.first()
        {
            self.shown.metadata(metadata);
        }
    }

    pub(super) fn unreadable(&self, error: &AmfError) {
        self.shown
            .unusable(&format!("metadata cannot be read: {error}"));
    }

    pub(super) fn end_of_turn(&mut self, byte_count: usize, ignored: u64) {
        self.writer.seal();
        let stamps = (self.audio.jumps, self.video.jumps);
        self.shown
            .count(byte_count as u64, self.message_count, ignored, stamps);
    }

    pub(super) fn round_trip(&self, rtt: Option<Duration>) {
        self.shown.round_trip(rtt);
    }

    pub(super) const fn message_count(&self) -> u64 {
        self.message_count
    }
}

fn feed_tracks(tracks: Vec<tidegate_flv::Track>) -> Arc<Tracks> {
    let track = |track: tidegate_flv::Track| Track {
        id: track.id,
        program: PROGRAM,
        codec: track.codec,
        language: None,
        config: track.config,
    };
    tracks.into_iter().map(track).collect()
}
