//! What the tests share: processes that cannot outlive a test, waiting for conditions
//! instead of for time, generated media, a Tidegate under test, and real peers.
//!
//! A peer that the machine lacks is skipped loudly: [`peers::have`] says why on standard
//! error, and `make test` installs every peer beforehand, so a skip never goes unseen.

pub mod allocations;
pub mod conformance;
mod http;
mod lossy;
pub mod media;
pub mod obs;
pub mod peers;
mod process;
mod reference;
mod server;
mod spawn;
pub mod srtla;
pub mod vlc;
mod wait;
mod web_origin;

pub use http::{Answer, Http};
pub use lossy::LossyRelay;
pub use process::Process;
pub use reference::{Comparison, Particulars, Reference, TrackComparison};
pub use server::{Tidegate, TidegateBuilder};
pub use spawn::spawn;
pub use srtla::SrtlaSender;
pub use wait::{eventually, free_udp_port};
pub use web_origin::{Manner, WebOrigin};
