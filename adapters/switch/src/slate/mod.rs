//! The slate of a switch: encoded in advance, to the format of its program.
//!
//! ```text
//!  the thread ─► Wanted: what the program consists of ─► a task: ffmpeg, files ─► Outcome: a clip, or why none
//!       ▲                                                                            │
//!       └────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The thread never waits for it. Until there is one, and where none can be made, the program
//! does without; a slate that was made for the format before stays until the new one is there.

mod make;
mod seen;
mod wanted;

pub(crate) use seen::Seen;
pub(crate) use wanted::Wanted;

use crate::limits::{SLATE_RETRY, SLATE_SETTLE};
use crate::settings::SlateSettings;
use core::future::pending;
use make::Make;
use std::path::PathBuf;
use std::sync::Arc;
use tidegate_switch::slate::SlateClip;
use tokio::sync::watch;
use tokio::time::timeout;

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

/// The thread's end of it.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) wanted: watch::Sender<Option<Wanted>>,
    pub(crate) outcome: watch::Receiver<Outcome>,
}

/// Makes slates as long as it is polled.
#[derive(Debug)]
pub(crate) struct Maker {
    make: Make,
    wanted: watch::Receiver<Option<Wanted>>,
    outcome: watch::Sender<Outcome>,
}

/// A maker for these settings, and the ends that the thread holds. Without settings there is
/// none. `seen`: the program as it was before a restart.
pub(crate) fn maker(
    settings: Option<&SlateSettings>,
    data_dir: PathBuf,
    seen: Option<&Seen>,
) -> Option<(Maker, Ends)> {
    let settings = settings?.clone();
    let (wanted, wants) = watch::channel(seen.and_then(Wanted::of));
    let (outcome, becomes) = watch::channel(Outcome {
        state: State::Missing,
        reason: None,
        clip: None,
    });
    let maker = Maker {
        make: Make { settings, data_dir },
        wanted: wants,
        outcome,
    };
    let ends = Ends {
        wanted,
        outcome: becomes,
    };
    Some((maker, ends))
}

/// Has it make slates; without one, waits for ever.
pub(crate) async fn run(maker: Option<Maker>) {
    match maker {
        Some(maker) => maker.run().await,
        None => pending().await,
    }
}

impl Maker {
    async fn run(mut self) {
        // What it was like before a restart need not settle.
        let mut first = self.wanted.borrow_and_update().clone();
        loop {
            let wanted = match first.take() {
                Some(wanted) => wanted,
                None => match self.settled().await {
                    Some(wanted) => wanted,
                    // The thread has ended.
                    None => return pending().await,
                },
            };
            let has_failed = self.follow(wanted).await;
            if has_failed {
                // Whatever was wrong (a missing file, a full disk), somebody may put it right.
                drop(timeout(SLATE_RETRY, self.wanted.changed()).await);
                self.wanted.mark_changed();
            }
        }
    }

    /// What is wanted, when that has not changed for a moment: formats are found out bit by bit.
    async fn settled(&mut self) -> Option<Wanted> {
        self.wanted.changed().await.ok()?;
        loop {
            match timeout(SLATE_SETTLE, self.wanted.changed()).await {
                Ok(changed) => changed.ok()?,
                Err(_) => {
                    if let Some(wanted) = self.wanted.borrow_and_update().clone() {
                        return Some(wanted);
                    }
                    self.wanted.changed().await.ok()?;
                }
            }
        }
    }

    /// Makes it; true if that failed in a way that may pass.
    async fn follow(&mut self, wanted: Wanted) -> bool {
        let picture = match &wanted.picture {
            Ok(picture) => *picture,
            Err(impossible) => {
                let reason = format!("No slate: {impossible}.");
                self.become_state(State::Failed, Some(reason));
                return false;
            }
        };
        self.become_state(State::Making, None);
        match self.make.clip(&picture, &wanted.sounds).await {
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
