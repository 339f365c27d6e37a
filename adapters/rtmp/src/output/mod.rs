//! Outputs: a feed to a platform, for as long as there is media.
//!
//! ```text
//!            media, every track known          the platform says yes
//!   waiting ─────────────────────────▶ calling ─────────────────────▶ live
//!      ▲                                  │ refused, no answer          │ hung up, stalled
//!      └────── the engine's pause ────────┴─────────────────────────────┘
//! ```
//!
//! A platform is not called before there is something to show. A live connection stays while
//! the source is away: the platform decides how long it takes that.

mod feeder;
mod figures;
mod limits;
mod live;
mod preset;
mod publish;
mod rates;
mod selection;
mod settings;
mod target;
mod words;

pub use settings::OutputSettings;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use tidegate_engine::{
    BoxFuture, Delivery, Ended, Frame, OutputAdapter, OutputContext, OutputDriver, Reader,
    ReaderOptions, RunError, Secret, Secrets, Settings as _, SettingsError, Severity,
};
use tokio::time::{Instant, timeout};

use crate::Adapter;
use feeder::Feeder;
use figures::Figures;
use limits::{QUEUE_BATCHES, QUEUE_BYTES, QUIET, TRACKS_TIME};
use live::Live;
use selection::Selection;
use target::Target;

/// The alarm of an output whose sound cannot go out.
const SOUND_ALARM: &str = "sound_not_carried";
/// The alarm of an output whose picture cannot go out.
const PICTURE_ALARM: &str = "picture_not_carried";

impl OutputAdapter for Adapter {
    type Settings = OutputSettings;

    const KIND: &'static str = "rtmp";

    fn output(
        &self,
        _name: &str,
        settings: &OutputSettings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError> {
        settings.check()?;
        let key = settings
            .key
            .resolve(secrets)
            .map_err(|error| SettingsError::new("key", error.to_string()))?;
        Ok(Arc::new(RtmpOutput {
            target: Target::of(settings)?,
            settings: settings.clone(),
            key,
            figures: Arc::default(),
            called_for_micros: AtomicU64::new(0),
        }))
    }
}

/// One RTMP output.
#[derive(Debug)]
pub(crate) struct RtmpOutput {
    settings: OutputSettings,
    target: Target,
    key: Secret,
    figures: Arc<Figures>,
    /// How long the last call took.
    called_for_micros: AtomicU64,
}

impl OutputDriver for RtmpOutput {
    fn kind(&self) -> &'static str {
        "rtmp"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context
                .report
                .detail_when_asked("rtmp", self.figures.shown(&self.target));
            let ended = self.attempt(&context).await;
            self.figures.is_live.store(false, Ordering::Relaxed);
            let mut now = self.figures.now();
            now.probe = None;
            now.first_frame_ms = None;
            ended
        })
    }
}

impl RtmpOutput {
    /// One attempt: waits for media, calls, and goes live.
    async fn attempt(&self, context: &OutputContext) -> Result<Ended, RunError> {
        let mut reader = context.route.read_frames(ReaderOptions {
            max_batches: QUEUE_BATCHES,
            max_bytes: QUEUE_BYTES,
            ..ReaderOptions::default()
        });
        let limits = self.target.platform.map(|platform| &platform.limits);
        let mut feeder = Feeder::new(limits, self.settings.multitrack);
        tokio::select! {
            () = self.media(context, &mut reader, &mut feeder) => {}
            () = context.stop.cancelled() => return Ok(Ended::Stopped),
        }
        self.compare(context, &feeder);
        context.report.connecting();
        let called = Instant::now();
        let seed = context.clock.now().as_micros();
        let line = tokio::select! {
            line = publish::publish(self, seed) => line?,
            () = context.stop.cancelled() => return Ok(Ended::Stopped),
        };
        let took = u64::try_from(called.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.called_for_micros.store(took, Ordering::Relaxed);
        self.figures.connections.fetch_add(1, Ordering::Relaxed);
        self.figures.is_live.store(true, Ordering::Relaxed);
        self.figures.now().probe = Some(line.probe.clone());
        context.report.up();
        Live::new(self, context, &mut reader, &mut feeder, line)
            .run()
            .await
    }

    /// Waits until there is something to show: a picture, or sound where there is no picture.
    async fn media(
        &self,
        context: &OutputContext,
        reader: &mut Reader<Frame>,
        feeder: &mut Feeder,
    ) {
        let mut began: Option<Instant> = None;
        loop {
            let batch = match timeout(QUIET, reader.next()).await {
                Ok(batch) => batch,
                Err(_) => {
                    // Connected to nobody, and nothing is wrong: it waits for its source.
                    context.report.up();
                    began = None;
                    reader.next().await
                }
            };
            feeder.look(&batch);
            let began = *began.get_or_insert_with(Instant::now);
            let selection = feeder.selection();
            let is_known = !selection.is_incomplete || began.elapsed() > TRACKS_TIME;
            if !is_known {
                continue;
            }
            self.show(context, selection);
            if !selection.chosen.is_empty() && !selection.lacks_picture {
                return;
            }
        }
    }

    /// Shows what goes out, and says what does not.
    fn show(&self, context: &OutputContext, selection: &Selection) {
        let report = &context.report;
        let name = self.target.name();
        {
            let mut now = self.figures.now();
            if now.left_out == selection.left_out && now.tracks == selection.shown() {
                return;
            }
            now.tracks = selection.shown();
            now.left_out.clone_from(&selection.left_out);
            now.is_enhanced = selection.is_enhanced();
        }
        let list = selection.left_out.join(", ");
        if selection.lacks_picture {
            let text = format!("The picture cannot go to {name}, so nothing does: {list}");
            report.raise(PICTURE_ALARM, Severity::Error, &text, "Encode it as H.264.");
        } else {
            report.clear(PICTURE_ALARM);
        }
        if selection.lacks_sound && !selection.lacks_picture {
            let text = format!("The sound cannot go to {name}: {list}");
            report.raise(SOUND_ALARM, Severity::Warning, &text, "Encode it as AAC.");
        } else {
            report.clear(SOUND_ALARM);
        }
    }

    fn called_for(&self) -> Duration {
        Duration::from_micros(self.called_for_micros.load(Ordering::Relaxed))
    }
}
