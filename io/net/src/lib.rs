//! Calls out over TCP: from a name to a connection, in one way for everybody who calls.
//!
//! ```text
//!  Place ─▶ name looked up ─▶ addresses allowed? ─▶ first that answers ─▶ TLS ─▶ Stream
//!                              Policy                happy eyeballs        Trust
//! ```
//!
//! What was judged is connected to: the name is looked up once, and its addresses stay. TLS
//! is checked against the system's certificates or against a file that the operator names.

mod address;
mod connect;
mod error;
pub mod http;
mod look_up;
mod place;
mod reach;
mod stream;
mod tcp;
#[cfg(test)]
mod tests;
mod trust;

pub use address::{Policy, Refusal};
pub use connect::{CallOptions, connect};
pub use error::{NetError, Side};
pub use look_up::look_up;
pub use place::Place;
pub use reach::ADDRESSES_MAX;
pub use stream::{Probe, Stream};
pub use tcp::TcpFigures;
pub use trust::{SYSTEM_ROOTS, client_config, trust};
pub use url::Url;
