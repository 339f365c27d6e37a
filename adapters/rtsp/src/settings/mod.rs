//! What is written in the configuration.

mod credentials;
mod listener;
mod output;
mod source;

pub(crate) use credentials::Credentials;
pub use listener::ListenerSettings;
pub use output::OutputSettings;
pub use source::{SourceSettings, Transport};
