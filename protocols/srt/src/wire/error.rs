use thiserror::Error;

/// Why bytes from the network are not the packet they claim to be.
///
/// None of these ends a session: the datagram is ignored and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end before the structure does.
    #[error("the peer sent a truncated {what}: {have} bytes where {need} are needed")]
    Truncated {
        /// The structure that was being read.
        what: &'static str,
        /// Bytes the structure needs.
        need: usize,
        /// Bytes that were there.
        have: usize,
    },
    /// A control packet of a type SRT does not define.
    #[error("the peer sent control type {0:#06x}, which SRT does not define")]
    UnknownControl(u16),
    /// A field holds a value the protocol forbids.
    #[error("the peer sent a {what} with the forbidden value {value:#x}")]
    Forbidden {
        /// The field.
        what: &'static str,
        /// What it held.
        value: u32,
    },
    /// An extension that may appear once appeared again.
    #[error("the peer sent extension {0} twice in one handshake")]
    Repeated(u16),
    /// A variable part is longer than the protocol allows.
    #[error("the peer sent a {what} of {have} bytes where at most {limit} are allowed")]
    TooLong {
        /// The part.
        what: &'static str,
        /// The named limit in bytes.
        limit: usize,
        /// Bytes that were there.
        have: usize,
    },
}

impl WireError {
    /// `Ok` if `bytes` has at least `need` bytes.
    pub(crate) const fn need(what: &'static str, bytes: &[u8], need: usize) -> Result<(), Self> {
        let have = bytes.len();
        if have < need {
            Err(Self::Truncated { what, need, have })
        } else {
            Ok(())
        }
    }
}
