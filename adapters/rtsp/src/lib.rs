//! RTSP: cameras that are called, and players that are served.
//!
//! ```yaml
//! listeners:
//!   - { name: players, rtsp: { bind: "0.0.0.0:8554" } }
//! sources:
//!   - { name: cam1, rtsp: { url: "rtsp://192.168.1.20/stream1", username: admin, password: { secret: cam1 } } }
//! outputs:
//!   - { name: monitor, source: cam1, rtsp: { path: live/cam1 } }
//! ```
//!
//! ```text
//!  camera ◄─ retina ─ source ─► frames ─► feed ─► reader ─► RTP ─► player   (one task each)
//!                                                    ▲
//!            listener ─► connection ─► path ─► door ─┘
//! ```
//!
//! A player that is slow loses its own frames, up to the next key frame, and nobody else's.

mod adapter;
mod door;
mod house;
mod listening;
mod offer;
mod output;
mod player;
mod settings;
mod source;

pub use adapter::Adapter;
pub use settings::{ListenerSettings, OutputSettings, SourceSettings, Transport};
#[doc(hidden)]
pub use source::rehearse;
