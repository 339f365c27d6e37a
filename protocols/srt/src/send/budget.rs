/// Credit is counted in hundredths of a packet.
const PACKET: u64 = 100;

/// Bounds what retransmissions add to the wire, whatever a peer asks for.
#[derive(Debug)]
pub(crate) struct ResendBudget {
    percent: u64,
    credit: u64,
    max_credit: u64,
}

impl ResendBudget {
    /// On average `percent` retransmissions for a hundred new packets; `reserve_packets`
    /// may be owed to a good past. Zero percent is no budget at all.
    pub(crate) fn new(percent: u32, reserve_packets: u64) -> Self {
        let reserve = if percent == 0 { 0 } else { reserve_packets };
        Self {
            percent: u64::from(percent),
            credit: reserve * PACKET,
            max_credit: reserve * PACKET,
        }
    }

    pub(crate) fn on_new(&mut self) {
        self.credit = (self.credit + self.percent).min(self.max_credit);
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
        let mut budget = ResendBudget::new(50, 8192);
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

    #[test]
    fn zero_percent_allows_nothing() {
        let mut budget = ResendBudget::new(0, 8192);
        budget.on_new();
        assert!(!budget.allows());
    }
}
