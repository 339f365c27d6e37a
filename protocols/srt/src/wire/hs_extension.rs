use core::fmt;

use super::WireError;
use super::word::{WORD_BYTES, halves, join, put_words, word};

/// The body of a handshake request or response block: version, capabilities, latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HsExtension {
    /// The sender's SRT version.
    pub version: SrtVersion,
    /// What the sender can and wants to do.
    pub flags: HsFlags,
    /// The latency the sender wants to receive with (in a response: will).
    pub receive_latency_millis: u16,
    /// The latency the sender wants its peer to receive with (in a response: will).
    pub send_latency_millis: u16,
}

/// An SRT version, `0x00MMmmpp`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SrtVersion(pub u32);

/// Capability flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct HsFlags(pub u32);

const FULL_BYTES: usize = 3 * WORD_BYTES;
const MINIMAL_BYTES: usize = 2 * WORD_BYTES;

impl HsExtension {
    /// Bytes of the block's body.
    pub const BYTES: usize = FULL_BYTES;

    /// Reads a block's body. The form without latency is accepted from peers that do not
    /// use timed delivery.
    ///
    /// # Errors
    /// If it is too short for what its flags say.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        WireError::need("handshake extension", body, MINIMAL_BYTES)?;
        let flags = HsFlags(word(body, 1));
        if flags.0 & (HsFlags::TSBPD_SEND | HsFlags::TSBPD_RECEIVE) != 0 {
            WireError::need("handshake extension's latency", body, FULL_BYTES)?;
        }
        let (receive_latency_millis, send_latency_millis) = halves(word(body, 2));
        Ok(Self {
            version: SrtVersion(word(body, 0)),
            flags,
            receive_latency_millis,
            send_latency_millis,
        })
    }

    /// The block's body.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let latency = join(self.receive_latency_millis, self.send_latency_millis);
        let mut bytes = [0; Self::BYTES];
        put_words(&mut bytes, &[self.version.0, self.flags.0, latency]);
        bytes
    }
}

impl SrtVersion {
    /// The version Tidegate announces. It commits to the AES-GCM dialect of 1.5.4 and
    /// later.
    pub const OURS: Self = Self(0x0001_0505);
    /// Handshake version 5 exists since this version.
    pub const HANDSHAKE_5: Self = Self(0x0001_0300);

    /// The version with these parts.
    #[must_use]
    pub const fn new(major: u8, minor: u8, patch: u8) -> Self {
        Self(u32::from_be_bytes([0, major, minor, patch]))
    }
}

impl fmt::Debug for SrtVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SrtVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, major, minor, patch] = self.0.to_be_bytes();
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl HsFlags {
    /// Sends with timestamps for timed delivery.
    pub const TSBPD_SEND: u32 = 0x01;
    /// Delivers by timestamp.
    pub const TSBPD_RECEIVE: u32 = 0x02;
    /// Knows encryption. Always set, encrypted or not.
    pub const CRYPT: u32 = 0x04;
    /// Drops what is too late.
    pub const TOO_LATE_DROP: u32 = 0x08;
    /// Repeats its loss reports until the packets come.
    pub const NAK_REPORT: u32 = 0x10;
    /// Uses the R bit of data packets.
    pub const RETRANSMIT_FLAG: u32 = 0x20;
    /// Byte stream instead of messages.
    pub const STREAM: u32 = 0x40;
    /// Knows packet filters.
    pub const FILTER: u32 = 0x80;
    /// What a live peer announces.
    pub const LIVE: Self = Self(
        Self::TSBPD_SEND
            | Self::TSBPD_RECEIVE
            | Self::CRYPT
            | Self::TOO_LATE_DROP
            | Self::NAK_REPORT
            | Self::RETRANSMIT_FLAG
            | Self::FILTER,
    );

    /// Whether all of `flag` is set.
    #[must_use]
    pub const fn has(self, flag: u32) -> bool {
        self.0 & flag == flag
    }

    /// These flags, with `flag` set or cleared.
    #[must_use]
    pub const fn with(self, flag: u32, set: bool) -> Self {
        if set {
            Self(self.0 | flag)
        } else {
            Self(self.0 & !flag)
        }
    }
}
