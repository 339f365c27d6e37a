use std::cmp::Ordering as CmpOrdering;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_srt::ConnectionId;
use tidegate_units::Instant;

use super::door::Door;
use crate::command::PortId;
use crate::role::Wake;

/// Wakes the shard for one fountain; further calls until it is looked at cost nothing.
pub(super) struct FountainWaker {
    pub(super) door: Arc<Door>,
    pub(super) port: PortId,
    pub(super) id: ConnectionId,
    pub(super) pending: AtomicBool,
}

impl Wake for FountainWaker {
    fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            self.door.note_woken(self.port, self.id);
        }
    }
}

/// A fountain's appointment; the earliest is the greatest, as a heap wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appointment {
    pub(super) at: Instant,
    pub(super) id: ConnectionId,
}

impl Ord for Appointment {
    fn cmp(&self, other: &Self) -> CmpOrdering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Appointment {
    fn partial_cmp(&self, other: &Self) -> Option<CmpOrdering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Appointment {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Appointment {}
