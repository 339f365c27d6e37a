//! The frame lane of a feed whose native lane is MPEG-TS: one task per feed, for all who
//! read frames, and only while somebody does.

use super::{Feed, FeedInner, Gap, ReaderOptions};
use crate::item::{Batch, Frame, Lane, TsChunk};
use crate::limits;
use crate::track::{Track, Tracks};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tidegate_mpegts::{AccessUnit, Demux, Event, Stamp};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

/// How often a demultiplexer that gets nothing looks whether anybody still wants frames.
const IDLE: Duration = Duration::from_secs(1);

/// Whether a feed's demultiplexer is running.
#[derive(Debug)]
pub(super) struct Control {
    running: Mutex<bool>,
    runtime: Option<Handle>,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            running: Mutex::new(false),
            runtime: Handle::try_current().ok(),
        }
    }
}

impl Control {
    pub(super) fn is_running(&self) -> bool {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the task unless it runs. Call it after the reader that wants it was added.
pub(super) fn ensure_running(feed: &Arc<FeedInner>) {
    let mut running = feed
        .demux
        .running
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let runtime = feed
        .demux
        .runtime
        .clone()
        .or_else(|| Handle::try_current().ok());
    if let (false, Some(runtime)) = (*running, runtime) {
        *running = true;
        runtime.spawn(run(Arc::downgrade(feed)));
    }
}

/// Runs until nobody reads frames any more, or the feed is gone.
async fn run(feed: Weak<FeedInner>) {
    let Some(inner) = feed.upgrade() else { return };
    let mut reader = Feed { inner }.read_ts(ReaderOptions {
        max_batches: limits::DEMUX_BATCHES,
        max_bytes: limits::DEMUX_BYTES,
        wake: None,
        watcher: true,
    });
    let mut conversion = Conversion::default();
    loop {
        let first = timeout(IDLE, reader.next()).await.ok();
        {
            let Some(feed) = feed.upgrade() else { return };
            if nobody_reads(&feed) {
                return;
            }
            let Some(first) = first else { continue };
            conversion.take_in(&feed, &first, reader.gap());
            // Everything else that has come, but no more than was waiting at most.
            for _ in 1..limits::DEMUX_BATCHES {
                let Some(batch) = reader.try_next() else {
                    break;
                };
                conversion.take_in(&feed, &batch, reader.gap());
            }
            conversion.seal(&feed);
        }
        // Being woken for every packet would cost more than the demultiplexing.
        sleep(limits::DEMUX_GATHER).await;
    }
}

/// Checks and gives up under the lock that starting takes, so that no reader is left without.
fn nobody_reads(feed: &FeedInner) -> bool {
    let mut running = feed
        .demux
        .running
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    // A source that writes frames itself has taken over.
    let nobody = feed.frames.is_empty() || feed.native() == Lane::Frames;
    *running = !nobody;
    nobody
}

#[derive(Default)]
struct Conversion {
    demux: Demux,
    session: u32,
    tracks: Option<Arc<Tracks>>,
    video: Vec<u16>,
    frames: Vec<Frame>,
}

impl Conversion {
    /// Converts a batch; frames wait for [`Self::seal`] as long as they belong together.
    fn take_in(&mut self, feed: &FeedInner, batch: &Batch<TsChunk>, gap: Gap) {
        if gap.restarted {
            self.seal(feed);
            *self = Self::default();
        } else if gap.lost > 0 {
            self.demux.lost();
        }
        self.session = batch.session();
        for chunk in batch.items() {
            let stamp = Stamp {
                arrived: chunk.arrived,
                due: chunk.due,
            };
            self.demux.push(stamp, &chunk.bytes);
            while let Some(event) = self.demux.next_event() {
                match event {
                    Event::Tracks(tracks) => {
                        self.seal(feed);
                        self.set_tracks(feed, &tracks);
                    }
                    Event::Unit(unit) => {
                        let frame = self.frame(unit);
                        self.frames.push(frame);
                    }
                }
            }
        }
    }

    fn set_tracks(&mut self, feed: &FeedInner, found: &[tidegate_mpegts::Track]) {
        let tracks: Arc<Tracks> = found.iter().map(track).collect();
        self.video = tracks
            .iter()
            .filter(|track| track.is_video())
            .map(|track| track.id)
            .collect();
        feed.tracks.store(Arc::new(Box::new(Arc::clone(&tracks))));
        self.tracks = Some(tracks);
    }

    fn frame(&self, unit: AccessUnit) -> Frame {
        Frame {
            track: unit.pid,
            pts_90khz: unit.pts,
            dts_90khz: unit.dts,
            key: unit.random_access,
            video: self.video.contains(&unit.pid),
            discontinuity: unit.discontinuity,
            data: unit.data,
            arrived: unit.stamp.arrived,
            due: unit.stamp.due,
        }
    }

    fn seal(&mut self, feed: &FeedInner) {
        if self.frames.is_empty() {
            return;
        }
        let frames = self.frames.drain(..).collect();
        let batch = Arc::new(Batch::seal(frames, self.session, self.tracks.clone()));
        feed.frames.publish(&batch);
    }
}

fn track(found: &tidegate_mpegts::Track) -> Track {
    Track {
        id: found.pid,
        program: found.program,
        codec: found.codec,
        language: found.language.as_ref().map(ToString::to_string),
        config: found.config.clone(),
    }
}
