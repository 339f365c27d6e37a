use crate::pages::Pages;
use crate::settings::OutputSettings;
use core::time::Duration;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;
use tidegate_engine::{
    Batch, BoxFuture, Delivery, Ended, Frame, Gap, HttpContent, OutputContext, OutputDriver,
    OutputReport, ReaderOptions, RunError, Severity, Track, Tracks, limits,
};
use tokio::time::MissedTickBehavior;

/// How often viewers are counted and the source is looked at.
const TICK: Duration = Duration::from_secs(1);

/// Batches of frames waiting: a few seconds of any feed.
const QUEUE_BATCHES: usize = 2048;

/// Bytes of frames waiting: eight seconds at 32 Mbit/s.
const QUEUE_BYTES: usize = 32 << 20;

/// The code of the alarm for sources that no browser can play.
const UNPLAYABLE_ALARM: &str = "not_playable";

/// One HLS output.
#[derive(Debug)]
pub(crate) struct HlsOutput {
    pages: Arc<Pages>,
}

impl HlsOutput {
    pub(crate) fn new(settings: &OutputSettings) -> Self {
        Self {
            pages: Arc::new(Pages::new(settings)),
        }
    }
}

impl OutputDriver for HlsOutput {
    fn kind(&self) -> &'static str {
        "hls"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Readers
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let mut packager = Packager::start(Arc::clone(&self.pages), &context);
            let mut reader = context.route.read_frames(ReaderOptions {
                max_batches: QUEUE_BATCHES,
                max_bytes: QUEUE_BYTES,
                ..ReaderOptions::default()
            });
            let mut tick = tokio::time::interval(TICK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            context.report.up();
            loop {
                tokio::select! {
                    batch = reader.next() => packager.take(&batch, reader.gap()),
                    _ = tick.tick() => packager.tick(),
                    () = context.stop.cancelled() => return Ok(Ended::Stopped),
                }
            }
        })
    }

    fn http(&self) -> Option<Arc<dyn HttpContent>> {
        Some(Arc::clone(&self.pages) as _)
    }
}

/// One run: puts frames into segments.
struct Packager {
    pages: Arc<Pages>,
    context: OutputContext,
    tracks: Option<Arc<Tracks>>,
    /// Frames have come since the segmenter was told that the feed broke off.
    flowing: bool,
}

impl Packager {
    fn start(pages: Arc<Pages>, context: &OutputContext) -> Self {
        // What an earlier run left open cannot be continued.
        pages.segmenter().end();
        pages.set_report(Some(context.report.clone()));
        Self {
            pages,
            context: context.clone(),
            tracks: None,
            flowing: false,
        }
    }

    fn take(&mut self, batch: &Batch<Frame>, gap: Gap) {
        self.context.report.lost(gap.lost);
        let mut segmenter = self.pages.segmenter();
        if gap.restarted {
            segmenter.end();
        }
        let tracks = batch.tracks();
        let changed = match (&self.tracks, tracks) {
            (Some(known), Some(tracks)) => !Arc::ptr_eq(known, tracks),
            (_, tracks) => tracks.is_some(),
        };
        if let (true, Some(tracks)) = (changed, tracks) {
            segmenter.set_tracks(&tracks.iter().map(track).collect::<Vec<_>>());
            self.tracks = Some(Arc::clone(tracks));
            self.context
                .report
                .detail("left_out", json!(segmenter.left_out()));
            say_what_cannot_be_played(tracks, &self.context.report);
        }
        let mut finished = false;
        for frame in batch.items() {
            finished |= segmenter.push(tidegate_hls::Frame {
                track: frame.track,
                pts: frame.pts_90khz,
                dts: frame.dts_90khz,
                key: frame.key,
                data: frame.data.clone(),
            });
        }
        self.flowing = true;
        if finished {
            self.context
                .report
                .detail("left_out", json!(segmenter.left_out()));
            self.context
                .report
                .detail("problem", json!(segmenter.problem()));
        }
    }

    fn tick(&mut self) {
        self.context
            .report
            .readers(self.pages.viewer_count(Instant::now()));
        let silent = self
            .context
            .route
            .feed()
            .silent_for(self.context.clock.now());
        if self.flowing && silent.is_none_or(|silent| silent >= limits::MEDIA_GONE) {
            // Viewers get the last seconds now, not when the sender is back.
            self.pages.segmenter().end();
            self.flowing = false;
        }
    }
}

impl Drop for Packager {
    fn drop(&mut self) {
        self.pages.set_report(None);
    }
}

/// Raises an alarm when a source has nothing that a browser could play.
fn say_what_cannot_be_played(tracks: &Tracks, report: &OutputReport) {
    let media = || {
        tracks
            .iter()
            .filter(|track| track.is_video() || track.is_audio())
    };
    if media().any(|track| tidegate_fmp4::can_carry(track.codec)) || media().next().is_none() {
        return report.clear(UNPLAYABLE_ALARM);
    }
    let names: Vec<_> = media().map(|track| track.codec.name()).collect();
    let text = format!("Browsers cannot play {}", names.join(" or "));
    let advice = "Have the encoder send H.264 or HEVC with AAC, or choose another output.";
    report.raise(UNPLAYABLE_ALARM, Severity::Error, &text, advice);
}

fn track(track: &Track) -> tidegate_hls::Track {
    let language = track.language.as_deref().map(str::as_bytes);
    tidegate_hls::Track {
        id: track.id,
        program: track.program,
        codec: track.codec,
        language: language.and_then(|code| code.try_into().ok()),
        config: track.config.clone(),
    }
}
