//! What is remembered of one packet.

use super::clock::Clock;
use tidegate_mpegts::{NULL_PID, PACKET_BYTES, Packet};

/// Where a packet has its clock reference.
const CLOCK_AT: core::ops::Range<usize> = 6..12;

/// Makes fingerprints that nobody outside can foresee, so that nobody can make two packets
/// look alike.
#[derive(Clone, Copy, Debug)]
pub struct PrintKey([u64; 4]);

impl PrintKey {
    /// A key from random numbers.
    #[must_use]
    pub const fn new(random: [u64; 4]) -> Self {
        Self(random)
    }

    /// 64 bits that stand for all 188 bytes. Each step multiplies 16 bytes by each other, mixed
    /// with the key and what came before, as wyhash does.
    fn of(&self, bytes: &[u8; PACKET_BYTES]) -> u64 {
        let [seed_a, seed_b, secret_a, secret_b] = self.0;
        let (mut a, mut b) = (seed_a, seed_b);
        let mut take = |part: &[u8; 32]| {
            a = fold(word(part, 0) ^ a, word(part, 8) ^ secret_a);
            b = fold(word(part, 16) ^ b, word(part, 24) ^ secret_b);
        };
        let (parts, _) = bytes.as_chunks::<32>();
        parts.iter().for_each(&mut take);
        // The last part overlaps the one before it.
        if let Some(last) = bytes.last_chunk::<32>() {
            take(last);
        }
        fold(a ^ secret_b, b ^ secret_a)
    }
}

const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

fn word(part: &[u8; 32], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&part[at..at + 8]);
    u64::from_le_bytes(word)
}

/// A packet's fingerprint and what its place among its neighbours is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) hash: u64,
    pub(super) pid: u16,
    pub(super) counter: u8,
    /// Only packets with payload count.
    pub(super) counts: bool,
    /// The counter may jump here.
    pub(super) may_jump: bool,
    /// The clock reference in it.
    pub(super) clock: Option<Clock>,
}

impl Print {
    /// `None` for what only fills, and for what is no packet.
    ///
    /// What passes a packet on may set its clock reference anew (ISO/IEC 13818-1, 2.4.3.3: even
    /// duplicates differ in it), so that does not count where there is a payload besides it.
    pub(super) fn of(key: &PrintKey, bytes: &[u8; PACKET_BYTES]) -> Option<Self> {
        let packet = Packet::new(bytes).filter(|packet| packet.pid() != NULL_PID)?;
        let counts = packet.has_payload();
        if !packet.has_adaptation() {
            return Some(Self {
                hash: key.of(bytes),
                pid: packet.pid(),
                counter: packet.continuity(),
                counts,
                may_jump: false,
                clock: None,
            });
        }
        let field = packet.adaptation();
        let clock = field.and_then(|field| field.pcr).map(Clock::of);
        let hash = if counts && clock.is_some() {
            let mut without = *bytes;
            without[CLOCK_AT].fill(0);
            key.of(&without)
        } else {
            key.of(bytes)
        };
        Some(Self {
            hash,
            pid: packet.pid(),
            counter: packet.continuity(),
            counts,
            may_jump: field.is_some_and(|field| field.discontinuity),
            clock,
        })
    }

    /// Whether two inputs mean the same by it. What has nothing but a clock reference is the same
    /// as another whose clock says nearly that.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.hash == other.hash || self.lag_of_clock(other).is_some_and(Clock::is_near)
    }

    /// How many microseconds its clock is behind another's, where both have nothing else.
    pub(super) fn lag_of_clock(&self, other: &Self) -> Option<i64> {
        let (ours, theirs) = (self.clock?, other.clock?);
        let are_alone = !self.counts && !other.counts && self.pid == other.pid;
        are_alone.then(|| theirs.micros_from(ours))
    }

    /// How many steps its counter is behind `last` of its PID: 1 where it is the next, 0 for
    /// what has no payload and stands where it should.
    pub(super) const fn steps_from(&self, last: u8) -> u8 {
        let steps = self.counter.wrapping_sub(last) & 0x0F;
        match (self.counts, steps) {
            (true, 0) => 16,
            _ => steps,
        }
    }

    /// Whether it may follow `last` of its PID.
    pub(super) const fn continues(&self, last: u8) -> bool {
        self.steps_from(last) == self.counts as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: PrintKey = PrintKey::new([
        0x9E37_79B9_7F4A_7C15,
        0xC2B2_AE3D_27D4_EB4F,
        0x1656_67B1_9E37_79F9,
        0x27D4_EB2F_1656_67C5,
    ]);

    #[test]
    fn every_single_byte_counts() {
        let mut bytes = [0; PACKET_BYTES];
        bytes[0] = 0x47;
        let mut seen = std::collections::HashSet::from([KEY.of(&bytes)]);
        for at in 1..PACKET_BYTES {
            for value in [1, 0x80] {
                let mut other = bytes;
                other[at] = value;
                assert!(seen.insert(KEY.of(&other)), "byte {at}");
            }
        }
    }

    /// A packet with a clock reference, and a payload behind it where that is wanted.
    fn with_clock(has_payload: bool, ticks: u64) -> [u8; PACKET_BYTES] {
        let mut bytes = [0xAA; PACKET_BYTES];
        let control = if has_payload { 0x30 } else { 0x20 };
        let length = if has_payload { 7 } else { 183 };
        bytes[..6].copy_from_slice(&[0x47, 1, 0, control, length, 0x10]);
        let clock = (ticks / 300) << 15 | 0x7E00 | (ticks % 300);
        bytes[CLOCK_AT].copy_from_slice(&clock.to_be_bytes()[2..]);
        bytes
    }

    fn print(bytes: &[u8; PACKET_BYTES]) -> Print {
        Print::of(&KEY, bytes).expect("a packet")
    }

    #[test]
    fn a_clock_that_was_set_anew_makes_no_other_packet() {
        for has_payload in [true, false] {
            let [first, anew, far] = [5_000_000, 5_030_000, 6_080_000];
            let first = print(&with_clock(has_payload, first));
            assert!(first.is_same(&print(&with_clock(has_payload, anew))));
            let far = print(&with_clock(has_payload, far));
            assert_eq!(first.is_same(&far), has_payload);
        }
        let mut other = with_clock(true, 5_000_000);
        other[187] ^= 1;
        assert!(!print(&other).is_same(&print(&with_clock(true, 5_000_000))));
    }

    #[test]
    fn what_only_fills_has_no_fingerprint() {
        let mut bytes = [0xFF; PACKET_BYTES];
        bytes[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
        assert_eq!(Print::of(&KEY, &bytes), None);
        bytes[0] = 0;
        assert_eq!(Print::of(&KEY, &bytes), None);
    }
}
