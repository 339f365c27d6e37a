use crate::packet::Packet;

/// Follows the continuity counter of one PID.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Continuity {
    last: Option<u8>,
    repeated: bool,
}

/// What the counter says about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The packet continues the one before, or is the first.
    Continues,
    /// The packet is the permitted repetition of the one before.
    Repeats,
    /// Packets are missing in front of this one.
    Gap,
}

impl Continuity {
    /// Takes a packet with payload if its counter is the next, which needs no judgement.
    pub(crate) fn goes_on(&mut self, packet: Packet<'_>) -> bool {
        let counter = packet.continuity();
        let is_next = self.last.is_some_and(|last| counter == (last + 1) & 0x0F);
        if is_next {
            self.last = Some(counter);
            self.repeated = false;
        }
        is_next
    }

    /// Judges the next packet of the PID.
    pub(crate) fn check(&mut self, packet: Packet<'_>) -> Verdict {
        if !packet.has_payload() {
            return Verdict::Continues; // the counter stands still
        }
        let counter = packet.continuity();
        let last = self.last.replace(counter);
        let expected = match last {
            None => counter,
            Some(last) => (last + 1) & 0x0F,
        };
        if counter == expected {
            self.repeated = false;
            return Verdict::Continues;
        }
        if packet
            .adaptation()
            .is_some_and(|adaptation| adaptation.discontinuity)
        {
            self.repeated = false;
            return Verdict::Continues;
        }
        if last == Some(counter) && !self.repeated {
            self.repeated = true;
            return Verdict::Repeats;
        }
        self.repeated = false;
        Verdict::Gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::PACKET_BYTES;

    fn judge(counters: &[u8], discontinuity_at: Option<usize>) -> Vec<Verdict> {
        let mut continuity = Continuity::default();
        let verdict = |(index, &counter): (usize, &u8)| {
            let mut bytes = [0; PACKET_BYTES];
            let flags = if discontinuity_at == Some(index) {
                0x80
            } else {
                0
            };
            bytes[..6].copy_from_slice(&[0x47, 0, 1, 0x30 | counter, 1, flags]);
            continuity.check(Packet::new(&bytes).expect("a packet"))
        };
        counters.iter().enumerate().map(verdict).collect()
    }

    #[test]
    fn the_counter_wraps_and_one_repetition_is_permitted() {
        use Verdict::{Continues, Gap, Repeats};
        assert_eq!(judge(&[14, 15, 0, 1], None), [Continues; 4]);
        assert_eq!(judge(&[3, 3, 4], None), [Continues, Repeats, Continues]);
        assert_eq!(judge(&[3, 3, 3], None), [Continues, Repeats, Gap]);
        assert_eq!(judge(&[3, 5, 6], None), [Continues, Gap, Continues]);
    }

    #[test]
    fn an_announced_discontinuity_is_no_gap() {
        assert_eq!(judge(&[3, 9, 10], Some(1)), [Verdict::Continues; 3]);
    }
}
