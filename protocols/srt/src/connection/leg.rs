use super::{Connection, State};
use crate::group::{GroupKind, News};
use crate::recv::ReceiveBuffer;
use tidegate_units::Instant;

/// A connection as a leg of a bonding group.
impl Connection {
    /// Founds a group: its own clock is the group's, for now. Where that has its zero.
    pub(crate) const fn found_group(&mut self, kind: GroupKind) -> i64 {
        let next = self.receiver.next();
        self.receiver.join_group(next, kind);
        let offset = self.receiver.tsbpd.offset_micros();
        self.receiver.tsbpd.share(offset);
        offset
    }

    /// Joins a group that needs the packet with index `next`.
    pub(crate) const fn join_group(&mut self, next: u64, offset_micros: i64, kind: GroupKind) {
        self.receiver.join_group(next, kind);
        self.receiver.tsbpd.adopt(offset_micros);
    }

    /// Where this leg by itself sees the zero of the peer's clock, if it has measured that.
    pub(crate) fn clock_offset_micros(&self) -> Option<i64> {
        self.receiver.tsbpd.measured_micros()
    }

    /// Takes what the group's legs agreed on.
    pub(crate) const fn share_clock(&mut self, offset_micros: i64) {
        self.receiver.tsbpd.share(offset_micros);
    }

    /// Compares with what the group has; true if there is something to acknowledge.
    pub(crate) fn follow_group(
        &mut self,
        now: Instant,
        group: &ReceiveBuffer,
        news: &News,
    ) -> bool {
        matches!(self.state, State::Open) && self.receiver.follow(now, group, news)
    }

    /// The index of the first packet expected.
    pub(crate) const fn next_index(&self) -> u64 {
        self.receiver.next()
    }
}
