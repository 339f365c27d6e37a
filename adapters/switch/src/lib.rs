//! Programs made out of several sources, one of which is on air.
//!
//! ```yaml
//! sources:
//!   - { name: program, switch: { inputs: [main, backup] } }
//! ```
//!
//! ```text
//!  API ─► Desk ─► the switch's thread ─► the program's feed
//!          ▲            │     ▲
//!          └── status ──┘     └── readers of all inputs' feeds
//! ```
//!
//! The thread waits for nobody: commands and answers go through bounded queues, and events, alarms
//! and files are a task's work.

mod desk;
mod driver;
pub mod limits;
mod remember;
mod running;
mod settings;
mod slate;
mod status;
mod told;

pub use remember::forget;
pub use settings::{
    FullSlate, Merge, OnMismatch, ReturnMode, SLATE, Scheduled, SlateSettings, SlateSound,
    SourceSettings,
};

use driver::Switch;
use std::sync::Arc;
use tidegate_engine::{Secrets, Settings, SettingsError, SourceAdapter, SourceDriver};

/// Makes switches.
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

    const KIND: &'static str = "switch";

    fn source(
        &self,
        name: &str,
        settings: &SourceSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        settings.check()?;
        if settings.inputs.iter().any(|input| input == name) {
            let error = SettingsError::new("inputs", format!("{name:?} is made out of itself"));
            return Err(error.advise("Name sources that come from outside."));
        }
        Ok(Arc::new(Switch::new(settings.clone())))
    }
}
