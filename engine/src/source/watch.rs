use super::observed::Observed;
use crate::driver::SourceContext;
use crate::event::{EventKind, Subject};
use crate::feed::{Carried, Feed, Watching};
use crate::health::{MediaStatus, Tr101290Status};
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
        let vitals = context.feed.vitals();
        let carried = context.feed.carried();
        rest.note(now, carried);
        let events = {
            let mut observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
            let wall = SystemTime::now();
            let events = observed.look(now, wall, &said, carried, media);
            observed.judge(now, wall, &vitals, inspection.counted);
            events
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
    counted: Option<Tr101290Status>,
}

impl Inspection {
    fn new(feed: &Feed) -> Self {
        Self {
            watching: feed.inspect(),
            session: 0,
            passed_over: 0,
            held: None,
            held_until: Instant::ZERO,
            counted: None,
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
        let any = seen.report.packets > 0 || seen.report.sync_losses > 0;
        self.counted = any.then(|| Tr101290Status::of(&seen.report.tr101290, now));
        if now >= self.held_until {
            self.held = MediaStatus::of(&seen.report);
        }
        let beside = seen.beside.as_deref().map_or(&[][..], Vec::as_slice);
        MediaStatus::with(self.held.clone(), beside, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::FeedWriter;
    use crate::item::{Frame, TsChunk};
    use crate::track::Track;
    use tidegate_codecs::Codec;

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

    /// A second of AV1 at 25 pictures, with a key frame each half.
    fn write_av1(writer: &mut FeedWriter<Frame>, second: i64) {
        for number in second * 25..(second + 1) * 25 {
            let at = Instant::from_millis((number * 40).cast_unsigned());
            writer.push(Frame {
                track: 1,
                pts_90khz: number * 3600,
                dts_90khz: number * 3600,
                key: number % 25 == 0,
                video: true,
                discontinuity: false,
                data: vec![0; 1000].into(),
                arrived: at,
                due: at,
            });
            writer.seal();
        }
    }

    #[test]
    fn a_picture_that_a_transport_stream_cannot_carry_is_measured_by_its_frames() {
        let feed = Feed::new("cam1");
        let mut inspection = Inspection::new(&feed);
        let mut writer = feed.frame_writer();
        let track = Track {
            id: 1,
            program: 1,
            codec: Codec::Av1,
            language: None,
            config: None,
        };
        writer.set_tracks(Arc::from([track]));
        (0..5).for_each(|second| write_av1(&mut writer, second));
        let at = |millis| Instant::from_millis(millis);
        let video = |media: Option<MediaStatus>| media.and_then(|media| media.video);
        let seen = video(inspection.look(at(5000))).expect("a picture");
        assert_eq!((seen.codec, seen.fps), ("av1", Some(25.0)));
        assert_eq!((seen.gop_seconds, seen.bitrate_bps), (Some(1.0), 200_000));
        assert_eq!(seen.last_unit_age_ms, Some(40));
        // Nothing comes any more, and then from another connection.
        let seen = video(inspection.look(at(9000))).expect("a picture");
        assert_eq!(seen.last_unit_age_ms, Some(4040));
        write(&feed);
        assert_eq!(inspection.look(at(9000)), None);
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
