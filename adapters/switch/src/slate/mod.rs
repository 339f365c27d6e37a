//! The slate of a switch: encoded in advance, to the format of its program.
//!
//! ```text
//!  the thread ─► Order: a file, and what the program consists of ─► a task: ffmpeg ─► Outcome: a clip, or why none
//!       ▲                                                                                │
//!       └────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The thread never waits for it. Until there is one, and where none can be made, the program
//! does without; a slate that was made for the format before, or of the file before, stays until
//! the new one is there.

mod make;
mod seen;
mod wanted;

pub(crate) use seen::Seen;
pub(crate) use wanted::Wanted;

use crate::limits::{SLATE_RETRY, SLATE_SETTLE, SLATE_SETTLE_MAX};
use crate::settings::SlateSettings;
use core::future::pending;
use make::Make;
use std::path::PathBuf;
use std::sync::Arc;
use tidegate_switch::slate::SlateClip;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// How far a slate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The format of the program is not known: nothing was ever on air.
    Missing,
    /// ffmpeg is at work.
    Making,
    /// It can be shown.
    Ready,
    /// It cannot be made.
    Failed,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Making => "making",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// What has become of a slate.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) state: State,
    /// Why it is not ready, or what it lacks; a sentence.
    pub(crate) reason: Option<String>,
    /// The clip that was made last, whatever the state is now.
    pub(crate) clip: Option<Arc<SlateClip>>,
}

/// What is to be made, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Order {
    /// `None`: the switch has no slate.
    pub(crate) settings: Option<SlateSettings>,
    /// What the program consists of.
    pub(crate) wanted: Option<Wanted>,
}

impl Order {
    /// All of it, once there is all.
    fn whole(&self) -> Option<(SlateSettings, Wanted)> {
        self.settings.clone().zip(self.wanted.clone())
    }
}

/// The thread's end of it.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) order: watch::Sender<Order>,
    pub(crate) outcome: watch::Receiver<Outcome>,
}

/// Makes slates as long as it is polled.
#[derive(Debug)]
pub(crate) struct Maker {
    data_dir: PathBuf,
    order: watch::Receiver<Order>,
    /// What the last one was made of.
    followed: Option<SlateSettings>,
    outcome: watch::Sender<Outcome>,
}

/// A maker that begins with these settings, and the ends that the thread holds. `seen`: the
/// program as it was before a restart.
pub(crate) fn maker(
    settings: Option<&SlateSettings>,
    data_dir: PathBuf,
    seen: Option<&Seen>,
) -> (Maker, Ends) {
    let (order, ordered) = watch::channel(Order {
        settings: settings.cloned(),
        wanted: seen.and_then(Wanted::of),
    });
    let (outcome, becomes) = watch::channel(Outcome {
        state: State::Missing,
        reason: None,
        clip: None,
    });
    let maker = Maker {
        data_dir,
        order: ordered,
        followed: settings.cloned(),
        outcome,
    };
    let ends = Ends {
        order,
        outcome: becomes,
    };
    (maker, ends)
}

impl Maker {
    /// Makes what is ordered; for ever.
    pub(crate) async fn run(mut self) {
        // What it was like before a restart need not settle.
        let mut first = self.order.borrow_and_update().whole();
        loop {
            let (settings, wanted) = match first.take() {
                Some(whole) => whole,
                None => match self.settled().await {
                    Some(whole) => whole,
                    // The thread has ended.
                    None => return pending().await,
                },
            };
            let has_failed = self.follow(settings, wanted).await;
            if has_failed {
                // Whatever was wrong (a missing file, a full disk), somebody may put it right.
                drop(timeout(SLATE_RETRY, self.order.changed()).await);
                self.order.mark_changed();
            }
        }
    }

    /// What is ordered, when that has not changed for a moment: formats are found out bit by bit,
    /// and those of some cameras never. Another file need not settle.
    async fn settled(&mut self) -> Option<(SlateSettings, Wanted)> {
        self.order.changed().await.ok()?;
        let mut latest = Instant::now() + SLATE_SETTLE_MAX;
        loop {
            let is_same_file = self.order.borrow().settings == self.followed;
            let rest = SLATE_SETTLE.min(latest.saturating_duration_since(Instant::now()));
            if is_same_file && let Ok(changed) = timeout(rest, self.order.changed()).await {
                changed.ok()?;
                continue;
            }
            let order = self.order.borrow_and_update().clone();
            self.followed.clone_from(&order.settings);
            if let Some(whole) = order.whole() {
                return Some(whole);
            }
            self.become_state(State::Missing, None);
            self.order.changed().await.ok()?;
            latest = Instant::now() + SLATE_SETTLE_MAX;
        }
    }

    /// Makes it; true if that failed in a way that may pass.
    async fn follow(&mut self, settings: SlateSettings, wanted: Wanted) -> bool {
        let picture = match &wanted.picture {
            Ok(picture) => *picture,
            Err(impossible) => {
                let reason = format!("No slate: {impossible}.");
                self.become_state(State::Failed, Some(reason));
                return false;
            }
        };
        self.become_state(State::Making, None);
        let make = Make {
            settings: &settings,
            data_dir: &self.data_dir,
        };
        let made = make.clip(&picture, &wanted.sounds).await;
        if self.order.borrow().settings.as_ref() != Some(&settings) {
            // Another file was asked for meanwhile.
            return false;
        }
        match made {
            Ok(made) => {
                self.outcome.send_modify(|outcome| {
                    outcome.clip = Some(made.clip);
                    outcome.state = State::Ready;
                    outcome.reason = made.lacks;
                });
                false
            }
            Err(why) => {
                self.become_state(State::Failed, Some(why));
                true
            }
        }
    }

    fn become_state(&self, state: State, reason: Option<String>) {
        self.outcome.send_modify(|outcome| {
            (outcome.state, outcome.reason) = (state, reason);
        });
    }
}

#[cfg(test)]
mod tests;
