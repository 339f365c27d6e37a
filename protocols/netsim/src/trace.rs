use tidegate_units::Instant;

/// A running hash of what happened: two runs that differ anywhere end with different traces.
///
/// FNV-1a, folded over the time, the kind, the length and the bytes of each event. It tells runs apart;
/// it does not resist anybody who wants a collision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trace(u64);

const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01B3;

impl Trace {
    /// Adds one event.
    pub fn note(&mut self, kind: &[u8], now: Instant, bytes: &[u8]) {
        self.fold(kind);
        self.fold(&now.as_micros().to_le_bytes());
        self.fold(&(bytes.len() as u64).to_le_bytes());
        self.fold(bytes);
    }

    /// The hash so far.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Eight bytes a step: a simulated second carries a megabyte.
    fn fold(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.mix(u64::from(*byte));
        }
    }

    fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(PRIME).rotate_left(29);
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self(OFFSET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(events: &[(&[u8], u64, &[u8])]) -> u64 {
        let mut trace = Trace::default();
        for (kind, micros, bytes) in events {
            trace.note(kind, Instant::from_micros(*micros), bytes);
        }
        trace.value()
    }

    #[test]
    fn order_time_kind_and_bytes_all_count() {
        let a: (&[u8], u64, &[u8]) = (b"sent", 1, b"one datagram");
        let b: (&[u8], u64, &[u8]) = (b"came", 2, b"another");
        assert_eq!(trace(&[a, b]), trace(&[a, b]));
        assert_ne!(trace(&[a, b]), trace(&[b, a]));
        assert_ne!(trace(&[a]), trace(&[(b"sent", 2, b"one datagram")]));
        assert_ne!(trace(&[a]), trace(&[(b"sent", 1, b"one datagrax")]));
    }
}
