//! The drill that nobody sees: "what if the input on air stopped now?", tried on a copy.
//!
//! ```text
//! inputs ──┬──────────────▶ Program ──▶ on air, untouched
//!          └─ without the ─▶ Shadow: a copy of it ──▶ Watch: looks at what would go out
//!             one on air       │
//!                              ▼
//!   begun ──silent_after──▶ ordered ──queue dry──▶ switched ──WATCH──▶ over ──▶ Report
//!                              └──────── PATIENCE_MAX without a switch ──▲
//! ```
//!
//! The copy holds the same packets, not copies of them, of those two inputs and their twins alone,
//! and lives for seconds. Beginning it takes time for each chunk that is held: with the most that
//! two inputs hold (`MAX_HELD_BYTES` each) some milliseconds, without optimization.

mod format;
mod report;
mod watch;

use std::sync::Arc;

pub use report::Report;

use tidegate_codecs::StreamConfig;
use tidegate_units::{Duration, Instant};

use crate::order::{How, OnAir, Order};
use crate::program::{Emitted, Event, MAX_INPUTS, Piece, Program, Switched};
use watch::Watch;

/// How long the output is watched behind the cut.
const WATCH: Duration = Duration::from_secs(3);
/// How long a drill waits for its switch, beyond what was queued when it began.
const PATIENCE_MAX: Duration = Duration::from_secs(10);

/// A copy of a program, on which one input has stopped.
#[derive(Debug)]
pub struct Shadow {
    program: Program,
    takes_part: [bool; MAX_INPUTS],
    cut: OnAir,
    to: OnAir,
    begun: Instant,
    order_at: Instant,
    gives_up: Instant,
    ordered: Option<Instant>,
    switched: Option<Switched>,
    watch: Watch,
    formats: Vec<Arc<StreamConfig>>,
    out: Vec<Emitted>,
}

impl Shadow {
    /// From now on nothing comes of `cut` in the copy; once that would have been noticed, after
    /// `silent_after`, it is switched to `to`.
    #[must_use]
    pub fn begin(
        program: &Program,
        cut: OnAir,
        to: OnAir,
        silent_after: Duration,
        now: Instant,
    ) -> Self {
        let takes_part = |input| {
            let lane = OnAir::Input(input);
            let twin = program.twin_of(input).map(OnAir::Input);
            [Some(lane), twin]
                .into_iter()
                .flatten()
                .any(|it| it == cut || it == to)
        };
        let takes_part: [bool; MAX_INPUTS] = core::array::from_fn(takes_part);
        let program = program.copy_of(|input| takes_part.get(input) == Some(&true));
        let formats = program.lane(cut, now).formats;
        let queued = program.lane(cut, now).latency.unwrap_or_default() + program.status(now).delay;
        let order_at = now + silent_after;
        Self {
            program,
            takes_part,
            cut,
            to,
            begun: now,
            order_at,
            gives_up: order_at + queued + PATIENCE_MAX,
            ordered: None,
            switched: None,
            watch: Watch::default(),
            formats,
            out: Vec::new(),
        }
    }

    /// The same that the program gets.
    pub fn push(&mut self, from: OnAir, piece: Piece, restarted: bool) {
        if self.sees(from) {
            self.program.push(from, piece, restarted);
        }
    }

    /// The same that the program is told.
    pub fn ended(&mut self, from: OnAir) {
        if self.sees(from) {
            self.program.ended(from);
        }
    }

    /// Whether it is one of those that matter, and is not the one that has stopped.
    fn sees(&self, from: OnAir) -> bool {
        let takes_part = |input: usize| self.takes_part.get(input) == Some(&true);
        from != self.cut && from.input().is_some_and(takes_part)
    }

    /// Goes on; to be called as often as the program's own.
    pub fn poll(&mut self, now: Instant) {
        if self.ordered.is_none() && now >= self.order_at {
            self.ordered = Some(now);
            let (to, how) = (self.to, How::Starved);
            self.program.order(Order::SwitchTo { to, how });
        }
        self.program.poll(now, &mut self.out);
        while let Some(event) = self.program.next_event() {
            if let Event::Switched(switched) = event
                && switched.to == self.to
                && self.switched.is_none()
            {
                self.switched = Some(switched);
                self.watch.cut(switched.at);
            }
        }
        for emitted in self.out.drain(..) {
            self.watch.push(now, &emitted);
        }
    }

    /// Whether there is nothing more to see.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        match &self.switched {
            Some(switched) => now >= switched.at + WATCH,
            None => now >= self.gives_up,
        }
    }

    /// What viewers would have seen.
    #[must_use]
    pub fn report(&self, now: Instant) -> Report {
        let ordered = self.ordered.unwrap_or(self.order_at);
        let decided_after = ordered.saturating_since(self.begun);
        let behind = self.program.lane(self.to, now).formats;
        let change = format::change(&self.formats, &behind);
        Report::new(self.to, decided_after, self.switched, change, &self.watch)
    }
}
