//! RTMP and RTMPS.
//!
//! ```yaml
//! listeners:
//!   - { name: encoders, rtmp: { bind: "0.0.0.0:1935" } }
//! sources:
//!   - { name: studio, rtmp: { listener: encoders, key: { secret: studio } } }
//! ```

mod listener;
mod source;

pub use listener::{ListenerSettings, TlsFiles};
pub use source::SourceSettings;
