use super::observed::Observed;
use crate::driver::SourceContext;
use crate::event::{EventKind, Subject};
use crate::feed::{Feed, Reader, ReaderOptions};
use crate::health::MediaStatus;
use crate::item::{Lane, TsChunk};
use crate::limits;
use crate::wake::NoWake;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tidegate_mpegts::Inspector;
use tidegate_units::Instant;
use tokio::time::MissedTickBehavior;

/// Looks at a source four times a second until it is stopped. It comes by itself instead of
/// being woken, so that watching costs the media threads nothing but a queue entry.
pub(crate) async fn watch(context: SourceContext, observed: Arc<Mutex<Observed>>) {
    let mut inspection = Inspection::new(&context);
    let mut tick = tokio::time::interval(limits::HEALTH_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = context.report.changed() => {}
            () = context.stop.cancelled() => break,
        }
        let now = context.clock.now();
        let media = inspection.look(now);
        let said = context.report.snapshot();
        let carried = context.feed.carried();
        let events = {
            let mut observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
            observed.look(now, SystemTime::now(), &said, carried, media)
        };
        tell(&context, events);
    }
    let ended = observed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .end(context.clock.now());
    tell(&context, ended);
}

fn tell(context: &SourceContext, events: Vec<EventKind>) {
    for event in events {
        context.events.emit(Subject::source(&*context.name), event);
    }
}

/// Reads the TS lane to say what is in it.
struct Inspection {
    reader: Reader<TsChunk>,
    inspector: Inspector,
    feed: Feed,
    /// What was seen last, and how long it stands if the watcher has to begin anew.
    held: Option<MediaStatus>,
    held_until: Instant,
}

impl Inspection {
    fn new(context: &SourceContext) -> Self {
        let reader = context.feed.read_ts(ReaderOptions {
            max_batches: limits::WATCHER_BATCHES,
            max_bytes: limits::WATCHER_BYTES,
            wake: Some(Arc::new(NoWake)),
            watcher: true,
        });
        let feed = context.feed.clone();
        let inspector = Inspector::new();
        Self {
            reader,
            inspector,
            feed,
            held: None,
            held_until: Instant::ZERO,
        }
    }

    fn look(&mut self, now: Instant) -> Option<MediaStatus> {
        while let Some(batch) = self.reader.try_next() {
            let gap = self.reader.gap();
            if gap.restarted {
                self.inspector.reset();
                self.held = None;
            } else if gap.lost > 0 {
                // The watcher fell behind; that says nothing about the stream.
                self.inspector.reset();
                self.held_until = now + limits::MEDIA_HELD;
            }
            for chunk in batch.items() {
                self.inspector.push(chunk.arrived, &chunk.bytes);
            }
        }
        if self.feed.native_lane() != Lane::Ts {
            return None;
        }
        let seen = MediaStatus::of(&self.inspector.report(now));
        if seen.is_some() && now >= self.held_until {
            self.held.clone_from(&seen);
            return seen;
        }
        if now < self.held_until {
            self.held.clone()
        } else {
            seen
        }
    }
}
