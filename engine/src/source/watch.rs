use super::observed::Observed;
use crate::driver::SourceContext;
use crate::event::{EventKind, Subject};
use crate::feed::{Carried, Feed, Watching};
use crate::health::MediaStatus;
use crate::limits;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tidegate_units::Instant;

/// Looks at a source until it is stopped: four times a second, and less often while nothing
/// comes.
pub(crate) async fn watch(context: SourceContext, observed: Arc<Mutex<Observed>>) {
    let mut inspection = Inspection::new(&context.feed);
    let mut rest = Rest::new(context.clock.now(), context.feed.carried());
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.report.changed() => {
                rest = Rest::new(context.clock.now(), rest.carried);
            }
            () = context.feed.carries_more_than(rest.carried), if pause > limits::HEALTH_INTERVAL => {}
            () = context.stop.cancelled() => break,
        }
        let now = context.clock.now();
        let media = inspection.look(now);
        context.feed.set_media(media.clone().map(Arc::new));
        let said = context.report.snapshot();
        let carried = context.feed.carried();
        rest.note(now, carried);
        let events = {
            let mut observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
            observed.look(now, SystemTime::now(), &said, carried, media)
        };
        tell(&context, events);
        pause = rest.pause(now);
    }
    let ended = observed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .end(context.clock.now());
    context.feed.set_media(None);
    tell(&context, ended);
}

fn tell(context: &SourceContext, events: Vec<EventKind>) {
    for event in events {
        context.events.emit(Subject::source(&*context.name), event);
    }
}

/// How often it is worth looking.
struct Rest {
    carried: Carried,
    /// When it had carried that much.
    since: Instant,
}

impl Rest {
    const fn new(now: Instant, carried: Carried) -> Self {
        Self {
            carried,
            since: now,
        }
    }

    fn note(&mut self, now: Instant, carried: Carried) {
        if carried.items != self.carried.items {
            *self = Self::new(now, carried);
        }
    }

    fn pause(&self, now: Instant) -> Duration {
        if now.saturating_since(self.since) < limits::REST_AFTER {
            limits::HEALTH_INTERVAL
        } else {
            limits::REST_INTERVAL
        }
    }
}

/// Asks what is in the transport stream.
struct Inspection {
    watching: Watching,
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
            session: 0,
            passed_over: 0,
            held: None,
            held_until: Instant::ZERO,
        }
    }

    fn look(&mut self, now: Instant) -> Option<MediaStatus> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::TsChunk;

    fn write(feed: &Feed) {
        let mut writer = feed.ts_writer();
        writer.push(TsChunk::live(vec![0x47; 188].into(), Instant::ZERO));
        writer.seal();
    }

    #[test]
    fn a_source_that_carries_nothing_is_looked_at_less_often_after_a_while() {
        let feed = Feed::new("cam1");
        let mut rest = Rest::new(Instant::ZERO, feed.carried());
        let at = |millis| Instant::from_millis(millis);
        assert_eq!(rest.pause(at(9_999)), limits::HEALTH_INTERVAL);
        assert_eq!(rest.pause(at(10_000)), limits::REST_INTERVAL);
        write(&feed);
        rest.note(at(60_000), feed.carried());
        assert_eq!(rest.pause(at(60_000)), limits::HEALTH_INTERVAL);
        rest.note(at(70_000), feed.carried());
        assert_eq!(rest.pause(at(70_000)), limits::REST_INTERVAL);
    }

    #[tokio::test]
    async fn a_source_at_rest_is_looked_at_as_soon_as_something_comes() {
        let feed = Feed::new("cam1");
        let so_far = feed.carried();
        let waiting = tokio::spawn({
            let feed = feed.clone();
            async move { feed.carries_more_than(so_far).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        write(&feed);
        let told = tokio::time::timeout(Duration::from_secs(20), waiting);
        told.await.expect("it was told").expect("it did not crash");
        feed.carries_more_than(so_far).await;
    }
}
