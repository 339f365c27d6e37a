//! HLS outputs: a feed's frames as segments that browsers play.
//!
//! ```yaml
//! outputs:
//!   - { name: viewers, source: cam1, hls: { segment: 2s, window: 6 } }
//! ```
//!
//! ```text
//!  frame lane ─► segmenter ─► segments in memory ◄── HttpContent ◄── the server's /hls/{output}/
//!                                                        └─► who asked lately: the viewers
//! ```
//!
//! A segment is made once, never changes, and is shared by all who fetch it, so memory does
//! not depend on their number, and a slow one holds up nobody.

mod driver;
mod pages;
mod settings;
mod viewers;

pub use settings::OutputSettings;

use driver::HlsOutput;
use std::sync::Arc;
use tidegate_engine::{OutputAdapter, OutputDriver, Secrets, Settings, SettingsError};

/// Makes HLS outputs.
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

    const KIND: &'static str = "hls";

    fn output(
        &self,
        _name: &str,
        settings: &OutputSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError> {
        settings.check()?;
        Ok(Arc::new(HlsOutput::new(settings)))
    }
}
