/// Credit is counted in hundredths of a packet.
const PACKET: u64 = 100;
/// Retransmissions that may be owed to a good past: all of a full send buffer at once.
const MAX_CREDIT: u64 = 8192 * PACKET;

/// Bounds what retransmissions add to the wire, whatever a peer asks for.
#[derive(Debug)]
pub(crate) struct ResendBudget {
    percent: u64,
    credit: u64,
}

impl ResendBudget {
    /// On average `percent` retransmissions for a hundred new packets.
    pub(crate) fn new(percent: u32) -> Self {
        Self {
            percent: u64::from(percent),
            credit: MAX_CREDIT,
        }
    }

    pub(crate) fn on_new(&mut self) {
        self.credit = (self.credit + self.percent).min(MAX_CREDIT);
    }

    /// A round trip passed in which nothing could be sent: one packet may always try.
    pub(crate) fn on_blind_round(&mut self) {
        self.credit = self.credit.max(PACKET);
    }

    pub(crate) const fn on_resent(&mut self) {
        self.credit = self.credit.saturating_sub(PACKET);
    }

    pub(crate) const fn allows(&self) -> bool {
        self.credit >= PACKET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_reserve_only_what_new_packets_earn_is_left() {
        let mut budget = ResendBudget::new(50);
        let mut resent = 0;
        while budget.allows() {
            budget.on_resent();
            resent += 1;
        }
        assert_eq!(resent, 8192);
        for _ in 0..100 {
            budget.on_new();
        }
        let earned = (0..).take_while(|_| {
            let allowed = budget.allows();
            budget.on_resent();
            allowed
        });
        assert_eq!(earned.count(), 50);
    }
}
