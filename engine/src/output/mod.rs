//! Outputs: what they report and how they are kept running.

mod entry;
mod report;
mod status;

pub(crate) use entry::OutputEntry;
pub use report::OutputReport;
pub use status::{OutputState, OutputStatus};
