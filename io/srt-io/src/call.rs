use std::io;
use std::net::SocketAddr;

use tidegate_srt::CallerConfig;

use crate::role::Role;

/// How a call is placed.
#[derive(Debug)]
pub struct CallOptions {
    /// What the SRT core says to the far side.
    pub caller: CallerConfig,
    /// What the connection is for.
    pub role: Role,
    /// Leave from this address and port; otherwise from a socket shared with other calls.
    pub local: Option<SocketAddr>,
}

/// A call could not be placed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The local address cannot be used.
    #[error("cannot send from {address}: {error}; choose an address of this machine")]
    Local {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The shards are stopping or hopelessly behind.
    #[error("the media threads take no more work; the server is stopping or overloaded")]
    Busy,
}
