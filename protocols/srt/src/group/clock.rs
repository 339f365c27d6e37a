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
    leader_offset_micros: i64,
}

impl GroupClock {
    pub(crate) const fn new(leader: ConnectionId, offset_micros: i64) -> Self {
        Self {
            offset_micros,
            leader,
            leader_offset_micros: offset_micros,
        }
    }

    pub(crate) const fn offset_micros(&self) -> i64 {
        self.offset_micros
    }

    /// A leg sees the peer's clock there now; true if that moves the group's.
    pub(crate) fn on_measured(&mut self, leg: ConnectionId, offset_micros: i64) -> bool {
        if leg != self.leader || offset_micros == self.leader_offset_micros {
            return false;
        }
        self.offset_micros += offset_micros - self.leader_offset_micros;
        self.leader_offset_micros = offset_micros;
        true
    }

    /// Another leg leads from now on.
    pub(crate) const fn lead(&mut self, leg: ConnectionId, offset_micros: i64) {
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
        assert!(!clock.on_measured(leg(2), 9000));
        assert!(clock.on_measured(leg(1), 1300));
        assert_eq!(clock.offset_micros(), 1300);
        clock.lead(leg(2), 9000);
        assert_eq!(clock.offset_micros(), 1300);
        assert!(clock.on_measured(leg(2), 9100));
        assert_eq!(clock.offset_micros(), 1400);
    }
}
