//! The slate in the switch's thread: one more input of the program, which is always ready.

use crate::limits::SLATE_LOOK_INTERVAL;
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
    ends: Option<Ends>,
    /// What the slate that is there was asked to be like.
    wanted: Option<Wanted>,
    /// What was seen of the program that it is like, until somebody has asked for that.
    news: Option<Seen>,
    slate: Option<SlateLoop>,
    next_look: Option<Instant>,
    has_failed: bool,
}

impl Slate {
    pub(super) fn new(ends: Option<Ends>) -> Self {
        Self {
            wanted: (ends.as_ref()).and_then(|ends| ends.wanted.borrow().clone()),
            ends,
            news: None,
            slate: None,
            next_look: None,
            has_failed: false,
        }
    }

    /// Whether it can be shown.
    pub(super) const fn is_ready(&self) -> bool {
        self.slate.is_some()
    }

    /// Looks now and then at what is on air, for the slate has to be like that.
    pub(super) fn see(&mut self, now: Instant, media: &MediaStatus) {
        let Some(ends) = &self.ends else { return };
        if self.next_look.is_some_and(|next| now < next) {
            return;
        }
        self.next_look = Some(now + SLATE_LOOK_INTERVAL);
        let seen = Seen::of(media);
        let Some(wanted) = seen.as_ref().and_then(Wanted::of) else {
            return;
        };
        let is_known = self.wanted.as_ref().is_some_and(|it| it.is_like(&wanted));
        if !is_known {
            self.news = seen;
            self.wanted = Some(wanted.clone());
            ends.wanted.send_replace(Some(wanted));
        }
    }

    /// What was seen of the program, if that is something else than before.
    pub(super) const fn news(&mut self) -> Option<Seen> {
        self.news.take()
    }

    /// Takes over what was made.
    pub(super) fn take_over(&mut self, teller: &Teller) {
        let Some(ends) = &mut self.ends else { return };
        if !ends.outcome.has_changed().unwrap_or(false) {
            return;
        }
        let outcome = ends.outcome.borrow_and_update().clone();
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
                advice: "Until it is there, viewers see nothing when no input has anything.",
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
        let Some(ends) = &self.ends else {
            return status::Slate::default();
        };
        let outcome = ends.outcome.borrow();
        let (state, reason) = (outcome.state, outcome.reason.clone());
        // One that was made for the format before is better than none.
        match state {
            State::Making if self.is_ready() => status::Slate {
                state: State::Ready.as_str(),
                reason: Some("Another one is being made: the program's format changed.".into()),
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
