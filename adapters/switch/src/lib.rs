//! Programs made out of several sources, one of which is on air.
//!
//! ```yaml
//! sources:
//!   - { name: program, switch: { inputs: [main, backup] } }
//! ```

pub mod limits;
mod settings;

pub use settings::{
    Merge, OnMismatch, ReturnMode, SLATE, Scheduled, SlateSettings, SlateSound, SourceSettings,
};
