//! The numbers on the wire, which wrap.
//!
//! They have no order: whether one comes before another depends on where the reader
//! stands. Each is unwrapped once, at the door, into a 64-bit index near a known one.

use core::fmt;
use core::time::Duration;

use tidegate_units::unwrap_near;

/// A 31-bit packet sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SequenceNumber(u32);

impl SequenceNumber {
    /// Bits of a sequence number.
    pub const BITS: u32 = 31;
    /// The last number before the counter returns to zero.
    pub const MAX: Self = Self(0x7FFF_FFFF);

    /// The number in the low 31 bits of `word`.
    #[must_use]
    pub const fn new(word: u32) -> Self {
        Self(word & Self::MAX.0)
    }

    /// The number that goes on the wire for a 64-bit index.
    #[must_use]
    pub const fn from_index(index: u64) -> Self {
        Self::new(index as u32)
    }

    /// The number itself.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The number `count` after this one.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self::new(self.0.wrapping_add(count))
    }

    /// How far `other` is ahead of this number, negative if it is behind.
    #[must_use]
    pub const fn distance_to(self, other: Self) -> i32 {
        // Moving the 31-bit difference to the top makes its sign bit the integer's.
        (other.0.wrapping_sub(self.0) << 1).cast_signed() >> 1
    }

    /// The 64-bit index nearest to `reference` that has this number.
    #[must_use]
    pub const fn unwrap_near(self, reference: u64) -> u64 {
        unwrap_near(reference, self.0 as u64, Self::BITS)
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// A 26-bit message number. Media counts from 1 and returns to 1; zero is the packet
/// filter's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageNumber(u32);

impl MessageNumber {
    /// The first message of a connection.
    pub const FIRST: Self = Self(1);
    /// The last number before the counter returns to [`Self::FIRST`].
    pub const MAX: Self = Self(0x03FF_FFFF);
    /// On a data packet: made by the packet filter. In a drop request: unknown.
    pub const NONE: Self = Self(0);

    /// The number in the low 26 bits of `word`.
    #[must_use]
    pub const fn new(word: u32) -> Self {
        Self(word & Self::MAX.0)
    }

    /// The number of the message that has `index` messages before it.
    #[must_use]
    pub const fn from_index(index: u64) -> Self {
        Self((index % Self::MAX.0 as u64) as u32 + 1)
    }

    /// The number itself.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The number `count` messages further on, or back.
    #[must_use]
    pub const fn plus_messages(self, count: i64) -> Self {
        let turn = Self::MAX.0 as i64;
        let index = (self.0 as i64 - 1 + count % turn).rem_euclid(turn);
        Self(index as u32 + 1)
    }

    /// The number of the next message.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 >= Self::MAX.0 {
            Self::FIRST
        } else {
            Self(self.0 + 1)
        }
    }
}

impl fmt::Debug for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Microseconds since the sender's socket started, in 32 bits: it wraps every 71 minutes
/// and 35 seconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Timestamp(u32);

impl Timestamp {
    /// Bits of a timestamp.
    pub const BITS: u32 = 32;

    /// The timestamp with this wire value.
    #[must_use]
    pub const fn new(micros: u32) -> Self {
        Self(micros)
    }

    /// The timestamp of a moment `elapsed` after the socket's start.
    #[must_use]
    pub const fn from_elapsed(elapsed: Duration) -> Self {
        Self(elapsed.as_micros() as u32)
    }

    /// The wire value in microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u32 {
        self.0
    }

    /// Microseconds since the socket's start, on the turn of the counter nearest to
    /// `reference_micros`.
    #[must_use]
    pub const fn unwrap_near(self, reference_micros: u64) -> u64 {
        unwrap_near(reference_micros, self.0 as u64, Self::BITS)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}us", self.0)
    }
}

/// The name of one side of a connection, chosen by that side.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SocketId(u32);

impl SocketId {
    /// The destination of a handshake that has no connection yet.
    pub const LISTENER: Self = Self(0);
    /// Bits our sockets' names use: bit 31 makes one negative to libsrt, bit 30 marks a
    /// bonding group. Peers may do otherwise; only zero names no socket.
    pub const MASK: u32 = 0x3FFF_FFFF;

    /// The ID with this wire value.
    #[must_use]
    pub const fn new(word: u32) -> Self {
        Self(word)
    }

    /// The wire value.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{:08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_number_returns_to_zero_after_its_maximum() {
        assert_eq!(SequenceNumber::MAX.next(), SequenceNumber::new(0));
        assert_eq!(SequenceNumber::MAX.distance_to(SequenceNumber::new(4)), 5);
        assert_eq!(SequenceNumber::new(4).distance_to(SequenceNumber::MAX), -5);
    }

    #[test]
    fn a_message_number_returns_to_one_because_zero_is_the_filters() {
        assert_eq!(MessageNumber::MAX.next(), MessageNumber::FIRST);
        assert_eq!(MessageNumber::from_index(0), MessageNumber::FIRST);
        assert_eq!(MessageNumber::from_index(0x03FF_FFFF), MessageNumber::FIRST);
        assert_eq!(MessageNumber::from_index(0x03FF_FFFE), MessageNumber::MAX);
    }

    #[test]
    fn a_timestamp_is_unwrapped_onto_the_nearest_turn() {
        let before_wrap = u64::from(u32::MAX) - 10;
        assert_eq!(Timestamp::new(5).unwrap_near(before_wrap), (1 << 32) + 5);
    }
}
