use super::table::PeerKey;
use crate::event::RequestId;
use crate::handshake::ConclusionRequest;
use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_units::Instant;

use crate::wire::Timestamp;

/// A caller that proved its address and waits for a decision.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) key: PeerKey,
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    pub(crate) conclusion: ConclusionRequest,
    /// When the first conclusion came, and its timestamp: the base of the peer's time.
    pub(crate) arrived: (Instant, Timestamp),
    pub(crate) expires: Instant,
    /// What it was refused with, repeated until the caller understands.
    pub(crate) refusal: Option<Vec<u8>>,
}

/// Whom a repeated conclusion belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Request(RequestId),
    Slot(u32),
}

/// Requests in the order they came, and everybody a conclusion may be repeated by.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    next: u64,
    pending: BTreeMap<RequestId, Pending>,
    known: BTreeMap<PeerKey, Known>,
    /// Those of `pending` that are refused and kept only to repeat the answer.
    refused: BTreeSet<RequestId>,
}

impl Admission {
    pub(crate) fn known(&self, key: PeerKey) -> Option<Known> {
        self.known.get(&key).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn add(&mut self, pending: Pending) -> RequestId {
        let id = RequestId(self.next);
        self.next += 1;
        self.known.insert(pending.key, Known::Request(id));
        self.pending.insert(id, pending);
        id
    }

    /// The request, if it still waits for a decision.
    pub(crate) fn undecided(&mut self, id: RequestId) -> Option<&mut Pending> {
        self.pending
            .get_mut(&id)
            .filter(|pending| pending.refusal.is_none())
    }

    /// Remembers what `id` is refused with, for as long as the caller may repeat itself.
    pub(crate) fn refuse(&mut self, id: RequestId, answer: Vec<u8>) {
        if let Some(pending) = self.undecided(id) {
            pending.refusal = Some(answer);
            self.refused.insert(id);
        }
    }

    /// Makes room: whoever was refused first is forgotten. False if all wait for a decision.
    pub(crate) fn forget_refused(&mut self) -> bool {
        let oldest = self.refused.first().copied();
        oldest.is_some_and(|id| self.remove(id).is_some())
    }

    /// What `id` was refused with.
    pub(crate) fn refusal(&self, id: RequestId) -> Option<&Pending> {
        self.pending
            .get(&id)
            .filter(|pending| pending.refusal.is_some())
    }

    pub(crate) fn remove(&mut self, id: RequestId) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        self.known.remove(&pending.key);
        self.refused.remove(&id);
        Some(pending)
    }

    /// Repeated conclusions of `key` concern the connection in `slot` from now on.
    pub(crate) fn set_connected(&mut self, key: PeerKey, slot: u32) {
        self.known.insert(key, Known::Slot(slot));
    }

    pub(crate) fn forget(&mut self, key: PeerKey) {
        self.known.remove(&key);
    }

    /// All requests have the same lifetime, so the oldest expires first.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.pending
            .first_key_value()
            .map(|(_, pending)| pending.expires)
    }

    /// Takes a request out whose time is over.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<(RequestId, Pending)> {
        let (id, pending) = self.pending.first_key_value()?;
        if pending.expires > now {
            return None;
        }
        let id = *id;
        self.remove(id).map(|pending| (id, pending))
    }
}
