//! What sources and outputs are told.

mod address;
mod fec;
mod output;
mod source;
#[cfg(test)]
mod tests;

pub use fec::FecSettings;
pub use output::{OutputSettings, RtpOutputSettings};
pub use source::{LegSettings, RtpSourceSettings, SourceSettings};

pub(crate) use address::target;
pub(crate) use source::{Place, usual_hold};
