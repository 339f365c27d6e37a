//! HLS: a feed's frames as segments that browsers play, and streams of others as sources.
//!
//! ```yaml
//! sources:
//!   - { name: partner, hls: { url: "https://partner.example/live/index.m3u8" } }
//! outputs:
//!   - { name: viewers, source: cam1, hls: { segment: 2s, window: 6 } }
//!   - { name: cdn, source: cam1, hls: { push: { url: "https://cdn.example/live/cam1.m3u8" } } }
//! ```
//!
//! ```text
//!  frame lane ─► segmenter ─► segments in memory ◄── HttpContent ◄── the server's /hls/{output}/
//!                                                        └─► who asked lately: the viewers
//! ```
//!
//! A segment is made once, never changes, and is shared by all who fetch it, so memory does
//! not depend on their number, and a slow one holds up nobody.

mod address;
mod driver;
mod pages;
mod pull;
mod push;
mod settings;
mod viewers;

pub use pull::SourceSettings;
pub use push::PushSettings;
pub use settings::OutputSettings;

use driver::HlsOutput;
use pull::HlsSource;
use push::HlsPush;
use std::sync::Arc;
use tidegate_engine::{
    OutputAdapter, OutputDriver, Secrets, Settings, SettingsError, SourceAdapter, SourceDriver,
};

/// Makes HLS sources and outputs.
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
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError> {
        settings.check()?;
        if let Some(push) = &settings.push {
            return Ok(Arc::new(HlsPush::new(settings, push, secrets)?));
        }
        Ok(Arc::new(HlsOutput::new(settings)))
    }
}

impl SourceAdapter for Adapter {
    type Settings = SourceSettings;

    const KIND: &'static str = "hls";

    fn source(
        &self,
        _name: &str,
        settings: &SourceSettings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        Ok(Arc::new(HlsSource::new(settings, secrets)?))
    }
}
