//! The TS lane of a feed whose native lane is frames: multiplexed as it is written.
//!
//! Whoever writes frames need not know of transport streams: their readers, the health of the
//! source and its recording work as with any other feed. The stream goes on through whatever
//! the source's clock does, and through its reconnects.
//!
//! ```text
//!                seal()
//! FeedWriter<Frame> ──┬──────────────────────────────────────────────► frame lane
//!                     └─► Timeline ─► Mux ─► chunks of seven packets ─┬► TS lane
//!                                                                     └► Inspection
//! ```
//!
//! Tracks that a transport stream cannot carry are looked at as frames ([`beside`]).
//!
//! [`beside`]: super::beside

use super::FeedInner;
use super::beside::Looking;
use super::inspection::Backlog;
use crate::item::{Batch, Frame, TsChunk};
use crate::track::{Track, Tracks};
use bytes::BytesMut;
use std::sync::Arc;
use tidegate_mpegts::{Language, Mux, MuxTrack, MuxUnit, PACKET_BYTES};
use tidegate_timeline::Timeline;
use tidegate_units::Instant;

/// Seven packets: what fits into a datagram.
const CHUNK_BYTES: usize = 7 * PACKET_BYTES;

/// Makes transport-stream chunks of frames; kept by the feed for as long as it lives.
#[derive(Debug, Default)]
pub(super) struct Remux {
    mux: Mux,
    timeline: Timeline,
    tracks: Option<Arc<Tracks>>,
    session: Option<u32>,
    backlog: Backlog<TsChunk>,
    beside: Looking,
    buffer: BytesMut,
}

/// Packets that belong to one moment, up to an offset in the buffer.
struct Run {
    end: usize,
    arrived: Instant,
    due: Instant,
}

impl Remux {
    /// Writes a batch of frames into the TS lane too.
    pub(super) fn take(&mut self, feed: &FeedInner, batch: &Batch<Frame>) {
        if self.session.replace(batch.session()) != Some(batch.session()) {
            self.timeline.restart();
            self.beside.restart();
        }
        self.follow_tracks(batch.tracks());
        self.beside.look(feed, batch);
        let runs = self.multiplex(batch);
        let chunks = self.cut(&runs);
        if chunks.is_empty() {
            return;
        }
        let batch = Arc::new(Batch::seal(chunks, batch.session(), None));
        feed.ts.publish(&batch);
        feed.inspection.look(&batch, &mut self.backlog);
    }

    fn follow_tracks(&mut self, tracks: Option<&Arc<Tracks>>) {
        let Some(tracks) = tracks else { return };
        if let Some(known) = &self.tracks
            && (Arc::ptr_eq(known, tracks) || known == tracks)
        {
            return;
        }
        self.beside.follow(tracks);
        let carried: Vec<_> = tracks.iter().filter_map(carried).collect();
        // Only tracks that can be carried are told, and no more than fit.
        let fits = carried.len().min(tidegate_mpegts::MAX_MUX_TRACKS);
        if self.mux.set_tracks(&carried[..fits]).is_ok() {
            self.tracks = Some(Arc::clone(tracks));
        }
    }

    fn multiplex(&mut self, batch: &Batch<Frame>) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for frame in batch.items() {
            let (pts, dts) = (frame.pts_90khz, frame.dts_90khz);
            let placed = self.timeline.place(frame.track, pts, dts, frame.arrived);
            if placed.overlaps && !frame.video {
                continue;
            }
            let unit = MuxUnit {
                track: frame.track,
                pts: placed.pts,
                dts: placed.dts,
                key: frame.key,
                data: frame.data.clone(),
            };
            self.mux.push(&unit, &mut self.buffer);
            let end = self.buffer.len();
            match runs.last_mut() {
                Some(run) if (run.arrived, run.due) == (frame.arrived, frame.due) => run.end = end,
                _ => runs.push(Run {
                    end,
                    arrived: frame.arrived,
                    due: frame.due,
                }),
            }
        }
        runs
    }

    fn cut(&mut self, runs: &[Run]) -> Box<[TsChunk]> {
        let bytes = self.buffer.split().freeze();
        let mut chunks = Vec::with_capacity(bytes.len().div_ceil(CHUNK_BYTES) + runs.len());
        let mut begin = 0;
        for run in runs {
            while begin < run.end {
                let end = run.end.min(begin + CHUNK_BYTES);
                chunks.push(TsChunk {
                    bytes: bytes.slice(begin..end),
                    origin: run.arrived,
                    arrived: run.arrived,
                    due: run.due,
                    lost_before: 0,
                });
                begin = end;
            }
        }
        chunks.into()
    }
}

/// How a track is carried in a transport stream, if it is and its configuration is known.
fn carried(track: &Track) -> Option<MuxTrack> {
    let config = track.config.as_ref()?;
    Mux::can_carry(config.codec()).then(|| MuxTrack {
        id: track.id,
        config: Arc::clone(config),
        language: track.language.as_deref().and_then(language),
    })
}

fn language(code: &str) -> Option<Language> {
    Language::new(code.as_bytes().try_into().ok()?)
}
