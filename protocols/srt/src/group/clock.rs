use crate::event::ConnectionId;

/// The one time base of all legs.
///
/// It begins as the founding leg's. Later only the *changes* that the leading leg measures
/// are followed, so that a leg with a longer or shorter way can take over the lead without a
/// jump in the play-out time.
#[derive(Debug)]
pub(crate) struct GroupClock {
    offset_micros: i64,
    leader: ConnectionId,
    /// What the leader measured last; `None`: nothing that it can be compared with.
    leader_offset_micros: Option<i64>,
}

impl GroupClock {
    pub(crate) const fn new(leader: ConnectionId, offset_micros: i64) -> Self {
        Self {
            offset_micros,
            leader,
            leader_offset_micros: Some(offset_micros),
        }
    }

    pub(crate) const fn offset_micros(&self) -> i64 {
        self.offset_micros
    }

    pub(crate) const fn leader(&self) -> ConnectionId {
        self.leader
    }

    /// A leg sees the peer's clock there now, if it has measured that; true if that moves the
    /// group's.
    pub(crate) fn on_measured(&mut self, leg: ConnectionId, offset_micros: Option<i64>) -> bool {
        let Some(offset) = offset_micros.filter(|_| leg == self.leader) else {
            return false;
        };
        // With the leader's first measure begins what it is followed by.
        let before = self.leader_offset_micros.replace(offset).unwrap_or(offset);
        self.offset_micros += offset - before;
        offset != before
    }

    /// Another leg leads from now on.
    pub(crate) const fn lead(&mut self, leg: ConnectionId, offset_micros: Option<i64>) {
        self.leader = leg;
        self.leader_offset_micros = offset_micros;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn leg(slot: u32) -> ConnectionId {
        ConnectionId {
            slot,
            generation: 0,
        }
    }

    #[test]
    fn only_what_the_leader_sees_change_moves_the_clock() {
        let mut clock = GroupClock::new(leg(1), 1000);
        assert!(!clock.on_measured(leg(2), Some(9000)));
        assert!(clock.on_measured(leg(1), Some(1300)));
        assert_eq!(clock.offset_micros(), 1300);
        clock.lead(leg(2), Some(9000));
        assert_eq!(clock.offset_micros(), 1300);
        assert!(clock.on_measured(leg(2), Some(9100)));
        assert_eq!(clock.offset_micros(), 1400);
    }

    #[test]
    fn the_first_measure_of_a_new_leader_moves_nothing() {
        let mut clock = GroupClock::new(leg(1), 1000);
        clock.lead(leg(2), None);
        assert!(!clock.on_measured(leg(2), None));
        assert!(!clock.on_measured(leg(2), Some(300_000)));
        assert_eq!(clock.offset_micros(), 1000);
        assert!(clock.on_measured(leg(2), Some(300_050)));
        assert_eq!(clock.offset_micros(), 1050);
    }
}
