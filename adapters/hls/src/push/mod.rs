//! HLS to an origin: segments cut from the transport stream, sent by PUT.
//!
//! ```text
//!  TS lane ─▶ Cutter ─▶ queue ─▶ Uploader (task): PUT segment, PUT playlist, DELETE old
//!             at keys   bounded      └─ fails ─▶ again within the segment's time ─▶ given up
//! ```
//!
//! The transport stream goes as it is, so that every PID survives: SCTE-35, ID3, captions,
//! all languages. Cutting never waits for the origin: what the queue has no room for is left
//! out, counted, and the playlist says where.

mod accepted;
pub(crate) mod names;
mod preset;
mod settings;
mod standing;
mod upload;

pub use settings::PushSettings;

use crate::address::address;
use crate::settings::OutputSettings;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use names::Names;
use standing::Standing;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidegate_engine::{
    Batch, BoxFuture, Delivery, Ended, Gap, OutputContext, OutputDriver, ReaderOptions, RunError,
    Secrets, SettingsError, Severity, TsChunk, limits,
};
use tidegate_hls::{CutConfig, CutSegment, Cutter};
use tidegate_net::http::{Client, HeaderName, HeaderValue};
use tidegate_platforms::Platform;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use upload::{CONNECT_WITHIN, Counters, Upload, Uploader};

/// Segments that wait for the origin …
pub(crate) const QUEUE_SEGMENTS_MAX: usize = 4;
/// … and their bytes, besides the segment that is being sent.
pub(crate) const QUEUE_BYTES_MAX: u64 = 16 << 20;
/// Largest segment: it is cut there, key frame or not.
const SEGMENT_BYTES_MAX: usize = 16 << 20;
/// Batches of the stream waiting to be cut.
const READER_BATCHES: usize = 2048;
/// Bytes of the stream waiting to be cut.
const READER_BYTES: usize = 8 << 20;
/// How often accepted bytes are counted, and a silent source is looked for.
const TICK: Duration = Duration::from_millis(200);
/// How often the stream is compared with what its platform takes.
const COMPARE: Duration = Duration::from_secs(1);
/// The code of the alarm for origins that do not keep up.
const SLOW_ALARM: &str = "origin_slow";

/// One output that pushes.
#[derive(Debug)]
pub(crate) struct HlsPush {
    names: Names,
    headers: Vec<(HeaderName, HeaderValue)>,
    ca: Option<PathBuf>,
    cut: CutConfig,
    /// Whose limits count.
    platform: Option<&'static Platform>,
    /// Goes on over runs, so that players do.
    standing: Arc<Mutex<Standing>>,
    counters: Arc<Counters>,
}

impl HlsPush {
    pub(crate) fn new(
        settings: &OutputSettings,
        push: &PushSettings,
        secrets: &dyn Secrets,
    ) -> Result<Self, SettingsError> {
        let key = push.key.as_ref().map(|key| key.resolve(secrets));
        let key = key
            .transpose()
            .map_err(|error| SettingsError::new("push", error.to_string()).at("push", &["key"]))?;
        let url =
            address(push.template()?, key.as_ref()).map_err(|error| error.at("push", &["url"]))?;
        let no_name = || SettingsError::new("push", "the url names no playlist");
        let mut headers = Vec::new();
        for (name, value) in &push.headers {
            let wrong = |message: String| {
                SettingsError::new("push", message).at("push", &["headers", name])
            };
            let value = value
                .resolve(secrets)
                .map_err(|error| wrong(error.to_string()))?;
            let no_header = || wrong("this cannot be sent as a header".to_owned());
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| no_header())?;
            value.set_sensitive(true);
            headers.push((name.parse().map_err(|_| no_header())?, value));
        }
        let target: Duration = settings.segment.into();
        // A playlist made anew must not reuse the names of the one before.
        let first_number = crate::pages::unix_seconds();
        Ok(Self {
            names: Names::of(&url).ok_or_else(no_name)?,
            headers,
            ca: push.ca.clone(),
            cut: CutConfig {
                target,
                longest: target * 3,
                segment_bytes_max: SEGMENT_BYTES_MAX,
            },
            platform: push.platform.as_deref().and_then(tidegate_platforms::find),
            standing: Arc::new(Mutex::new(Standing::new(
                settings.window as usize,
                target,
                first_number,
                push.delete,
            ))),
            counters: Arc::default(),
        })
    }

    async fn push(&self, context: &OutputContext) -> Result<Ended, RunError> {
        context.report.connecting();
        let client = Client::new(
            self.names.playlist(),
            false,
            self.ca.clone(),
            CONNECT_WITHIN,
        )?;
        let counters = Arc::clone(&self.counters);
        // What an earlier run had queued is gone.
        counters.queued_bytes.store(0, Ordering::Relaxed);
        let shown = Arc::clone(&counters);
        context
            .report
            .detail_when_asked("push", move || shown.json());
        let (queue, waiting) = channel(QUEUE_SEGMENTS_MAX);
        let uploader = Uploader {
            client,
            names: self.names.clone(),
            headers: self.headers.clone(),
            standing: Arc::clone(&self.standing),
            counters: Arc::clone(&counters),
            report: context.report.clone(),
        };
        let mut uploading = JoinSet::new();
        uploading.spawn(uploader.run(waiting));
        let mut packager = Packager {
            cutter: Cutter::new(self.cut),
            queue,
            counters,
            standing: Arc::clone(&self.standing),
            context: context.clone(),
            breaks: true,
            flowing: false,
        };
        let mut reader = context.route.read_ts(ReaderOptions {
            max_batches: READER_BATCHES,
            max_bytes: READER_BYTES,
            ..ReaderOptions::default()
        });
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut compare = tokio::time::interval(COMPARE);
        compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        context.report.up();
        loop {
            tokio::select! {
                batch = reader.next() => packager.take(&batch, reader.gap()),
                _ = tick.tick() => packager.tick(),
                _ = compare.tick() => self.compare(context),
                ended = uploading.join_next() => {
                    let broke = || RunError::ours("the upload broke off", "Please report it.");
                    return Err(match ended {
                        Some(Ok(Err(error))) => error,
                        _ => broke(),
                    });
                }
                () = context.stop.cancelled() => return Ok(Ended::Stopped),
            }
        }
    }
}

impl HlsPush {
    fn compare(&self, context: &OutputContext) {
        if let (Some(platform), Some(media)) = (self.platform, context.route.feed().media()) {
            preset::compare(platform, self.cut, &media, &context.report);
        }
    }
}

impl OutputDriver for HlsPush {
    fn kind(&self) -> &'static str {
        "hls"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move { self.push(&context).await })
    }
}

/// Cuts the stream and hands segments on.
struct Packager {
    cutter: Cutter,
    queue: Sender<Upload>,
    counters: Arc<Counters>,
    standing: Arc<Mutex<Standing>>,
    context: OutputContext,
    /// The next segment does not follow upon the last that was queued.
    breaks: bool,
    /// Packets have come since the stream was cut off.
    flowing: bool,
}

impl Packager {
    fn take(&mut self, batch: &Batch<TsChunk>, gap: Gap) {
        self.context.report.lost(gap.lost);
        let now = self.context.clock.now();
        let mut segments = Vec::new();
        if gap.restarted {
            self.cutter.end(now, |segment| segments.push(segment));
        }
        if gap.lost > 0 {
            self.cutter.lost();
        }
        for chunk in batch.items() {
            if chunk.lost_before > 0 {
                self.cutter.lost();
            }
            self.cutter
                .push(now, &chunk.bytes, |segment| segments.push(segment));
        }
        self.flowing = true;
        self.hand_on(segments);
    }

    /// Hands the last segment on when nothing comes any more.
    fn tick(&mut self) {
        self.count_accepted(TICK);
        let now = self.context.clock.now();
        let silent = self.context.route.feed().silent_for(now);
        if self.flowing && silent.is_none_or(|silent| silent >= limits::MEDIA_GONE) {
            let mut segments = Vec::new();
            self.cutter.end(now, |segment| segments.push(segment));
            self.flowing = false;
            self.hand_on(segments);
        }
    }

    fn hand_on(&mut self, segments: Vec<CutSegment>) {
        for segment in segments {
            let bytes = segment.data.len() as u64;
            let queued = self.counters.queued_bytes.load(Ordering::Relaxed);
            let has_room = queued == 0 || queued + bytes <= QUEUE_BYTES_MAX;
            let upload = Upload {
                number: lock(&self.standing).take_number(),
                discontinuity: segment.discontinuity || self.breaks,
                segment,
            };
            self.counters
                .queued_bytes
                .fetch_add(bytes, Ordering::Relaxed);
            if has_room && self.queue.try_send(upload).is_ok() {
                self.breaks = false;
                continue;
            }
            self.counters
                .queued_bytes
                .fetch_sub(bytes, Ordering::Relaxed);
            self.breaks = true;
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
            self.context.report.lost(bytes / 188);
            self.context.report.raise(
                SLOW_ALARM,
                Severity::Error,
                "The origin takes segments more slowly than they come; some were left out",
                "Send at a lower bitrate, or look at the origin and the network in between.",
            );
        }
    }
}

impl Packager {
    fn count_accepted(&self, passed: Duration) {
        let bytes = self.counters.accepted().share(passed);
        self.context.report.delivered(bytes);
    }
}

impl Drop for Packager {
    fn drop(&mut self) {
        self.count_accepted(Duration::MAX);
    }
}

pub(crate) fn lock(standing: &Mutex<Standing>) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a counter.
pub(crate) fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
