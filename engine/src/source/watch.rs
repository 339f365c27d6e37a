use super::observed::Observed;
use crate::driver::SourceContext;
use crate::event::{EventKind, Subject};
use crate::feed::{Feed, Watching};
use crate::health::MediaStatus;
use crate::item::Lane;
use crate::limits;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tidegate_units::Instant;
use tokio::time::MissedTickBehavior;

/// Looks at a source four times a second until it is stopped.
pub(crate) async fn watch(context: SourceContext, observed: Arc<Mutex<Observed>>) {
    let mut inspection = Inspection::new(&context.feed);
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

/// Asks what is in the transport stream.
struct Inspection {
    watching: Watching,
    feed: Feed,
    session: u32,
    passed_over: u64,
    /// What was seen last, and how long it stands if the looking had to begin anew.
    held: Option<MediaStatus>,
    held_until: Instant,
}

impl Inspection {
    fn new(feed: &Feed) -> Self {
        Self {
            watching: feed.inspect(),
            feed: feed.clone(),
            session: 0,
            passed_over: 0,
            held: None,
            held_until: Instant::ZERO,
        }
    }

    fn look(&mut self, now: Instant) -> Option<MediaStatus> {
        if self.feed.native_lane() != Lane::Ts {
            return None;
        }
        let seen = self.watching.look(now);
        if self.session != seen.session {
            self.held_until = Instant::ZERO;
        } else if self.passed_over != seen.passed_over {
            // That some was passed over here says nothing about the stream.
            self.held_until = now + limits::MEDIA_HELD;
        }
        (self.session, self.passed_over) = (seen.session, seen.passed_over);
        if now >= self.held_until {
            self.held = MediaStatus::of(&seen.report);
        }
        self.held.clone()
    }
}
