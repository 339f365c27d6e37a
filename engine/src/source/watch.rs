use super::observed::Observed;
use crate::driver::SourceContext;
use crate::event::Subject;
use crate::feed::{Reader, ReaderOptions};
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
            () = context.stop.cancelled() => return,
        }
        let now = context.clock.now();
        let media = inspection.look(now);
        let said = context.report.snapshot();
        let carried = context.feed.carried();
        let events = {
            let mut observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
            observed.look(now, SystemTime::now(), &said, carried, media)
        };
        for event in events {
            context.events.emit(Subject::source(&*context.name), event);
        }
    }
}

/// Reads the TS lane to say what is in it.
struct Inspection {
    reader: Reader<TsChunk>,
    inspector: Inspector,
    lane: Lane,
}

impl Inspection {
    fn new(context: &SourceContext) -> Self {
        let reader = context.feed.read_ts(ReaderOptions {
            max_batches: limits::WATCHER_BATCHES,
            max_bytes: limits::WATCHER_BYTES,
            wake: Some(Arc::new(NoWake)),
            watcher: true,
        });
        Self {
            reader,
            inspector: Inspector::new(),
            lane: context.feed.native_lane(),
        }
    }

    fn look(&mut self, now: Instant) -> Option<MediaStatus> {
        while let Some(batch) = self.reader.try_next() {
            let gap = self.reader.gap();
            if gap.restarted || gap.lost > 0 {
                self.inspector.reset();
            }
            for chunk in batch.items() {
                self.inspector.push(chunk.arrived, &chunk.bytes);
            }
        }
        if self.lane == Lane::Ts {
            MediaStatus::of(&self.inspector.report(now))
        } else {
            None
        }
    }
}
