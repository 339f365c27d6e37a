//! SRT sources and outputs.
mod settings;
pub use settings::{CallUri, ListenerSettings, OutputSettings, SourceSettings, UriError};
