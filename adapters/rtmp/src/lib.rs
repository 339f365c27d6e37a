//! RTMP and RTMPS.
//!
//! ```yaml
//! listeners:
//!   - { name: encoders, rtmp: { bind: "0.0.0.0:1935" } }
//! sources:
//!   - { name: studio, rtmp: { listener: encoders, key: { secret: studio } } }
//! outputs:
//!   - { name: youtube, source: studio, rtmp: { platform: youtube, key: { secret: youtube } } }
//! ```
//!
//! ```text
//!  listener ─ places ─ (TLS) ─ handshake ─ key ──▶ source: messages ─▶ frames ─▶ feed
//!                 └────────── told why, and the journal in full
//! ```
//!
//! One task per connection reads the socket and feeds the session of `tidegate-rtmp`; each
//! message that is complete becomes a frame at once, and what one read brought is handed to
//! the feed together. A stranger is told nothing of what was wrong; the journal has it all,
//! except keys, which are nowhere.

mod adapter;
mod key;
mod limits;
mod listener;
mod output;
mod source;

pub use adapter::Adapter;
pub use listener::{ListenerSettings, TlsFiles};
pub use output::OutputSettings;
pub use source::SourceSettings;
