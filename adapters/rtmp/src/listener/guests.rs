use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_engine::{CancellationToken, Ticket};

/// Who is connected to a listener, so that they can be sent away.
#[derive(Default)]
pub(super) struct Guests {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    next: u64,
    guests: BTreeMap<u64, (SocketAddr, CancellationToken)>,
}

/// One connection's entry and its place; both end with it.
pub(super) struct Guest {
    guests: Arc<Guests>,
    number: u64,
    /// Cancelled when it must go.
    pub(super) sent_away: CancellationToken,
    _ticket: Ticket,
}

impl Guests {
    pub(super) fn enter(self: &Arc<Self>, peer: SocketAddr, ticket: Ticket) -> Guest {
        let sent_away = CancellationToken::new();
        let mut inside = self.inside();
        let number = inside.next;
        inside.next += 1;
        inside.guests.insert(number, (peer, sent_away.clone()));
        Guest {
            guests: Arc::clone(self),
            number,
            sent_away,
            _ticket: ticket,
        }
    }

    /// Sends away everybody of whom `who` is true.
    pub(super) fn send_away(&self, who: impl Fn(SocketAddr) -> bool) {
        for (peer, sent_away) in self.inside().guests.values() {
            if who(*peer) {
                sent_away.cancel();
            }
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.inside().guests.remove(&self.number);
    }
}
