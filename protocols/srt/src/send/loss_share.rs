/// One whole: every packet is lost.
const WHOLE: u32 = 1 << 20;
/// So many packets is what the share is a mean of.
const MEMORY_PACKETS: u32 = 1024;
/// Two tries in a row that fail are worth a third where more than one packet in so many is
/// lost.
const THIRD_TRY_SHARE: u32 = 7;

/// Which share of the packets is reported lost after they were sent for the first time.
#[derive(Debug, Default)]
pub(crate) struct LossShare {
    share: u32,
}

impl LossShare {
    /// A packet was sent for the first time.
    pub(crate) fn on_new(&mut self) {
        self.share -= self.share / MEMORY_PACKETS;
    }

    /// A packet that was sent once is lost.
    pub(crate) fn on_lost(&mut self) {
        self.share = (self.share + WHOLE / MEMORY_PACKETS).min(WHOLE);
    }

    /// Whether so much is lost that a third try of the same packet is worth its place: two
    /// fail together in one case of fifty and more.
    pub(crate) const fn is_heavy(&self) -> bool {
        self.share >= WHOLE / THIRD_TRY_SHARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(packets: u32, one_lost_in: u32) -> LossShare {
        let mut share = LossShare::default();
        for number in 0..packets {
            share.on_new();
            if number.is_multiple_of(one_lost_in) {
                share.on_lost();
            }
        }
        share
    }

    #[test]
    fn one_packet_in_five_is_heavy_loss_and_one_in_ten_is_not() {
        assert!(after(10_000, 5).is_heavy());
        assert!(!after(10_000, 10).is_heavy());
    }

    #[test]
    fn a_short_burst_is_no_heavy_loss_and_a_long_one_is_forgotten() {
        assert!(!after(50, 1).is_heavy());
        let mut share = after(1000, 1);
        assert!(share.is_heavy());
        for _ in 0..3000 {
            share.on_new();
        }
        assert!(!share.is_heavy());
    }
}
