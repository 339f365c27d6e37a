//! A source that somebody publishes to a listener.

mod settings;

pub use settings::SourceSettings;
