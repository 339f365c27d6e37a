/// How often a sender changes its key, in packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRefresh {
    rate_packets: u64,
    preannounce_packets: u64,
}

impl KeyRefresh {
    /// libsrt's defaults: a new key every 2²⁴ packets, announced 2¹⁶ packets ahead.
    pub const DEFAULT: Self = Self {
        rate_packets: 1 << 24,
        preannounce_packets: 1 << 16,
    };
    /// A rate above this would come near the reuse of a (key, sequence number) pair.
    pub const MAX_RATE_PACKETS: u64 = 1 << 30;
    /// Changing more often leaves no time to announce the change.
    pub const MIN_RATE_PACKETS: u64 = 16;

    /// A new key every `rate_packets`, announced `preannounce_packets` ahead. Both are
    /// moved into what works: at most half the rate, less one, may be announced ahead.
    #[must_use]
    pub const fn new(rate_packets: u64, preannounce_packets: u64) -> Self {
        let rate_packets = clamp(rate_packets, Self::MIN_RATE_PACKETS, Self::MAX_RATE_PACKETS);
        let preannounce_packets = clamp(preannounce_packets, 1, (rate_packets - 1) / 2);
        Self {
            rate_packets,
            preannounce_packets,
        }
    }

    /// Packets one key is used for.
    #[must_use]
    pub const fn rate_packets(self) -> u64 {
        self.rate_packets
    }

    /// Packets before the change at which the next key is announced.
    #[must_use]
    pub const fn preannounce_packets(self) -> u64 {
        self.preannounce_packets
    }

    pub(super) const fn announce_at_packets(self) -> u64 {
        self.rate_packets - self.preannounce_packets
    }
}

impl Default for KeyRefresh {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const fn clamp(value: u64, low: u64, high: u64) -> u64 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}
