//! Is the feed right? Connected is not healthy.

mod expect;
mod findings;
mod inspect;
mod media;
mod reason;
mod verdict;

pub use expect::Expect;
pub(crate) use expect::Expectation;
pub(crate) use findings::{Evidence, Recent};
pub use media::{AudioStatus, MediaStatus, ProgramStatus, TrackStatus, VideoStatus};
pub use reason::{Health, Reason, ReasonCode};
pub(crate) use verdict::Verdict;
