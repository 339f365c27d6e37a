//! A TCP port where publishers arrive.

mod settings;

pub use settings::{ListenerSettings, TlsFiles};
