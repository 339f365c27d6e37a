//! Serving HTTP and HTTPS to strangers: limits first, then the router.

mod answers;
mod limit;
mod patience;
mod serve;

use std::net::SocketAddr;

pub use limit::{CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, Connections};
pub use serve::{HEADER_BYTES_MAX, Protocol, serve};

/// Who is at the other end of a request's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether TLS is between us.
    pub secure: bool,
}
