//! The one event store: what happens is numbered, logged, counted, kept and announced.

mod journal;
mod rejections;

pub use journal::{BACKLOG, Journal, Recorded, spawn};
pub use rejections::{MERGE_WINDOW, RejectionRecord, Rejections};
