use tidegate_mpegts::Pulse;
use tidegate_units::Instant;

/// Whether a source's sender is there, as its driver said last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nobody has said anything: a feed without a driver.
    #[default]
    Unknown,
    /// A sender is there; says nothing about media.
    Up,
    /// Nobody is there.
    Down,
}

/// How a feed is doing this moment: copied out without allocating, as often as anybody asks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vitals {
    /// Whether the sender is there.
    pub link: Link,
    /// Counts connections; what is in `stream` is about this one alone.
    pub session: u32,
    /// When the last packet arrived.
    pub last_arrival: Option<Instant>,
    /// When the last packet is to be played out.
    pub last_due: Option<Instant>,
    /// Packets lost for good on this connection, as far as the transport can tell.
    pub lost_packets: u64,
    /// The last key frame of a picture that the transport stream cannot carry.
    pub key_beside: Option<Instant>,
    /// What is in the transport stream.
    pub stream: Pulse,
}

impl Link {
    pub(crate) const fn from_u8(value: u8) -> Self {
        match value {
            1 => Self::Up,
            2 => Self::Down,
            _ => Self::Unknown,
        }
    }
}
