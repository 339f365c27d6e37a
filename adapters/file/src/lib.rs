//! Files as sources: MPEG-TS and MP4, played in real time, once or in a loop.
//!
//! ```yaml
//! sources:
//!   - { name: trailer, file: { path: trailer.ts, loop: true } }
//! ```
//!
//! ```text
//!            ┌──────────────── round ────────────────┐
//!  open ─► what is it? ─► TS:  restamp ─► schedule ─► when due ─► TS lane
//!    ▲                └─► MP4: samples ─► shift ────► when due ─► frame lane
//!    └───────────────── loop: the next round ◄───────┘
//! ```
//!
//! A path without a slash in front is looked for in `media/` below the data folder and cannot
//! lead out of it; an absolute one is taken as it is. Either way it must be a regular file. A
//! path is a setting like any other: who may change settings may play every media file that
//! Tidegate may read, and nothing else of a file ever comes out again.
//!
//! A still picture is played as a slate: `tidegate_ffmpeg::slate` makes an MP4 file of it, once.
//!
//! The file is opened anew in each round, so one that was replaced is played from then on.

mod driver;
mod failure;
mod kind;
mod limits;
mod mp4;
mod pace;
mod rounds;
mod settings;
mod still;
mod ts;

pub use settings::SourceSettings;

use driver::FileSource;
use std::sync::Arc;
use tidegate_engine::{Secrets, Settings, SettingsError, SourceAdapter, SourceDriver};

/// Makes sources out of files.
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

    const KIND: &'static str = "file";

    fn source(
        &self,
        _name: &str,
        settings: &SourceSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        settings.check()?;
        Ok(Arc::new(FileSource::new(settings.clone())))
    }
}
