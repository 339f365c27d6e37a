//! Recordings: the transport stream as it came, in files on disk.
//!
//! ```yaml
//! outputs:
//!   - { name: archive, source: cam1, record: { format: ts, segment: 1h, keep: 7d } }
//! ```
//!
//! Files go to `recordings/{output}/` below the data folder, named by the time they were
//! begun. What is in them is bit by bit what the source sent: put together in the order of
//! their names they are the stream.
//!
//! ```text
//!  feed ─► bounded queue ─► writer thread ─► buffer ─► write (≤ 200 ms) ─► fdatasync (≤ 1 s)
//! ```
//!
//! A slow disk fills the queue and then costs this recording packets, nobody else. A full one
//! ends the run with an alarm; the engine tries again by itself.

mod disk;
mod driver;
mod failure;
mod folder;
mod limits;
mod recording;
mod settings;

pub use settings::{Format, OutputSettings};

use driver::RecordOutput;
use std::sync::Arc;
use tidegate_engine::{OutputAdapter, OutputDriver, Secrets, Settings, SettingsError};

/// Makes recordings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adapter;

impl Adapter {
    /// The adapter; it needs nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl OutputAdapter for Adapter {
    type Settings = OutputSettings;

    const KIND: &'static str = "record";

    fn output(
        &self,
        name: &str,
        settings: &OutputSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError> {
        settings.check()?;
        folder::check_name(name)?;
        Ok(Arc::new(RecordOutput::new(settings.clone())))
    }
}
