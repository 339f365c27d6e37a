//! Sources made out of others, with their sound in another codec.
//!
//! ```yaml
//! sources:
//!   - { name: cam1-aac, transcode: { source: cam1, audio: aac stereo 128k } }
//! ```
//!
//! ```text
//!               ┌── all of it ─────────────────────────────► Line ─┬─► SoundSwap ─► TS lane
//!  other feed ──┤                                            (HOLD) │   (sound out, new in)
//!               └── sound ─► Demux ─► Voice ─► ffmpeg ─► Voice ─────┘
//! ```
//!
//! Everything but the sound and the program map's words about it stays to the bit, and is held
//! back by [`limits::HOLD`], in which ffmpeg has done its part. The new sound has the old one's
//! PIDs and times, and goes where in the stream the old one was.
//!
//! Each track has an ffmpeg of its own. If one fails, this source fails, and the engine tries
//! it again; the source it is made out of knows nothing of it.

mod driver;
mod failure;
mod intake;
mod limits;
mod line;
mod outlet;
mod running;
mod settings;
mod voice;
mod voices;

pub use limits::HOLD;
pub use settings::SourceSettings;

use driver::TranscodeSource;
use std::sync::Arc;
use tidegate_engine::{Secrets, Settings, SettingsError, SourceAdapter, SourceDriver};

/// Makes sources out of other sources.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adapter;

impl Adapter {
    /// The adapter; it needs nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl SourceAdapter for Adapter {
    type Settings = SourceSettings;

    const KIND: &'static str = "transcode";

    fn source(
        &self,
        name: &str,
        settings: &SourceSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        settings.check()?;
        if settings.source == name {
            let error = SettingsError::new("source", format!("{name:?} is made out of itself"));
            return Err(error.advise("Name one that comes from outside."));
        }
        let format = settings.format()?;
        Ok(Arc::new(TranscodeSource::new(
            settings.source.clone(),
            format,
        )))
    }
}
