//! The slate in the switch's thread: one more input of the program, which is always ready.

use crate::limits::{SLATE_LOOK_INTERVAL, SLATE_SETTLE};
use crate::settings::SlateSettings;
use crate::slate::{Ends, Seen, State, Wanted};
use crate::status;
use crate::told::{Teller, Words};
use tidegate_engine::{MediaStatus, Severity};
use tidegate_switch::slate::{AHEAD, SlateChunk, SlateLoop};
use tidegate_switch::{OnAir, Piece, Program};
use tidegate_units::{Duration, Instant};

const FAILED: &str = "slate_failed";
/// What runs is fed anew when so much of what is ahead has gone.
const FEED_INTERVAL: Duration = Duration::from_millis(50);

/// The slate, if the switch has one.
#[derive(Debug)]
pub(super) struct Slate {
    ends: Ends,
    /// The switch has one, by its settings.
    is_set: bool,
    /// What the slate that is there was asked to be like.
    wanted: Option<Wanted>,
    /// What was seen of the program that it is like, and since when, until that has settled …
    unsettled: Option<(Seen, Instant)>,
    /// … and then until somebody has asked for it.
    news: Option<Seen>,
    slate: Option<SlateLoop>,
    next_look: Option<Instant>,
    has_failed: bool,
}

impl Slate {
    pub(super) fn new(ends: Ends) -> Self {
        let order = ends.order.borrow().clone();
        Self {
            is_set: order.settings.is_some(),
            wanted: order.wanted,
            ends,
            unsettled: None,
            news: None,
            slate: None,
            next_look: None,
            has_failed: false,
        }
    }

    /// Another one from now on, or none. What is on air stays there until it can give way: one
    /// slate to the next at a key frame, the last one to an input.
    pub(super) fn change(&mut self, to: Option<&SlateSettings>, teller: &Teller) {
        self.is_set = to.is_some();
        self.ends.order.send_if_modified(|order| {
            let is_other = order.settings.as_ref() != to;
            order.settings = to.cloned();
            is_other
        });
        if !self.is_set {
            self.slate.take_if(|slate| !slate.is_running());
            if core::mem::take(&mut self.has_failed) {
                teller.clear(FAILED);
            }
        }
    }

    /// Whether it can be shown.
    pub(super) const fn is_ready(&self) -> bool {
        self.is_set && self.slate.is_some()
    }

    /// Looks now and then at what is on air, for the slate has to be like that.
    pub(super) fn see(&mut self, now: Instant, media: &MediaStatus) {
        if !self.is_set || self.next_look.is_some_and(|next| now < next) {
            return;
        }
        self.next_look = Some(now + SLATE_LOOK_INTERVAL);
        let seen = Seen::of(media);
        let Some(wanted) = seen.as_ref().and_then(Wanted::of) else {
            return;
        };
        let is_known = self.wanted.as_ref().is_some_and(|it| it.is_like(&wanted));
        if !is_known {
            self.unsettled = seen.map(|seen| (seen, now));
            self.wanted = Some(wanted.clone());
            (self.ends.order).send_modify(|order| order.wanted = Some(wanted));
            return;
        }
        // Somebody writes it down, and not with each picture rate that a camera wanders through.
        let is_settled =
            |(_, since): &mut (Seen, Instant)| now.saturating_since(*since) >= SLATE_SETTLE;
        if let Some((seen, _)) = self.unsettled.take_if(is_settled) {
            self.news = Some(seen);
        }
    }

    /// What was seen of the program, if that is something else than before and has settled.
    pub(super) const fn news(&mut self) -> Option<Seen> {
        self.news.take()
    }

    /// Takes over what was made.
    pub(super) fn take_over(&mut self, teller: &Teller) {
        if !self.is_set || !self.ends.outcome.has_changed().unwrap_or(false) {
            return;
        }
        let outcome = self.ends.outcome.borrow_and_update().clone();
        if outcome.state == State::Ready
            && let Some(clip) = outcome.clip
        {
            match &mut self.slate {
                Some(slate) => slate.replace(clip),
                None => self.slate = Some(SlateLoop::new(clip)),
            }
        }
        let has_failed = outcome.state == State::Failed;
        if has_failed {
            let words = Words {
                severity: Severity::Warning,
                text: outcome.reason.unwrap_or_default(),
                advice: if self.slate.is_some() {
                    "Until it is there, viewers see the slate before it when no input has anything."
                } else {
                    "Until it is there, viewers see nothing when no input has anything."
                },
            };
            teller.raise(FAILED, words);
        } else if self.has_failed && outcome.state == State::Ready {
            teller.clear(FAILED);
        }
        self.has_failed = has_failed || self.has_failed && outcome.state != State::Ready;
    }

    /// Runs it while the program wants it, and gives it what comes next.
    pub(super) fn feed(&mut self, program: &mut Program, now: Instant) {
        let Some(slate) = &mut self.slate else { return };
        let Some(from) = program.status(now).slate_wanted else {
            if slate.is_running() {
                slate.end();
                program.ended(OnAir::Slate);
            }
            if !self.is_set {
                self.slate = None;
            }
            return;
        };
        let mut restarted = !slate.is_running();
        if restarted {
            slate.begin(from);
        }
        while let Some(SlateChunk { bytes, due }) = slate.poll(now + AHEAD) {
            let piece = Piece {
                bytes,
                arrived: now,
                due,
                lost_before: 0,
            };
            program.push(OnAir::Slate, piece, core::mem::take(&mut restarted));
        }
    }

    /// When it has to be fed again.
    pub(super) fn next_feed(&self) -> Option<Instant> {
        let next = self.slate.as_ref()?.next_due()?;
        Some(next - (AHEAD - FEED_INTERVAL))
    }

    pub(super) fn status(&self) -> status::Slate {
        if !self.is_set {
            return status::Slate::default();
        }
        let outcome = self.ends.outcome.borrow();
        let (state, reason) = (outcome.state, outcome.reason.clone());
        // One that was made for the format before, or of another file, is better than none.
        match state {
            State::Making if self.is_ready() => status::Slate {
                state: State::Ready.as_str(),
                reason: Some(
                    "Another one is being made; until then the one before is shown.".into(),
                ),
            },
            State::Failed if self.is_ready() => status::Slate {
                state: State::Ready.as_str(),
                reason,
            },
            _ => status::Slate {
                state: state.as_str(),
                reason,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slate::maker;
    use tidegate_engine::VideoStatus;

    fn media(fps: f64) -> MediaStatus {
        MediaStatus {
            video: Some(VideoStatus {
                codec: "h264",
                profile: Some("High".into()),
                width: Some(1280),
                height: Some(720),
                fps: Some(fps),
                ..VideoStatus::default()
            }),
            ..MediaStatus::default()
        }
    }

    #[test]
    fn a_picture_rate_that_wanders_is_remembered_once_it_has_settled() {
        let settings = SlateSettings::File("soon.png".into());
        let (_maker, ends) = maker(Some(&settings), "/nonexistent".into(), None);
        let mut slate = Slate::new(ends);
        let mut now = Instant::from_millis(1000);
        let mut news = |slate: &mut Slate, fps: f64| {
            now += SLATE_LOOK_INTERVAL;
            slate.see(now, &media(fps));
            slate.news()
        };
        for round in 0..100 {
            let fps = 28.0 + f64::from(round % 3);
            assert_eq!(news(&mut slate, fps), None);
        }
        let settled: Vec<_> = (0..10).filter_map(|_| news(&mut slate, 30.0)).collect();
        assert_eq!(settled, [Seen::of(&media(30.0)).unwrap()]);
    }
}
