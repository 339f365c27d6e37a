//! Sources: what they report, how they are watched and kept running.

mod entry;
mod history;
mod observed;
mod recent;
mod report;
mod status;
mod watch;

pub(crate) use entry::SourceEntry;
pub use history::HistoryPoint;
pub use report::{AdvisedLatency, Paths, SourceReport, TransportFigures};
pub use status::{Connection, SourceState, SourceStatus};
