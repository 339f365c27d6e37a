use tidegate_udp::{Interest, Outbox, Poller, Run, Socket};

use crate::command::PortId;

/// A socket of a port, and what waits for room in it. A port has one; a bonding group that is
/// called has one for each leg.
pub(super) struct Way {
    /// What the poller calls it.
    pub(super) token: PortId,
    pub(super) socket: Socket,
    pub(super) outbox: Outbox,
    /// It is also watched for room to write.
    waits_for_room: bool,
}

impl Way {
    pub(super) fn new(token: PortId, socket: Socket) -> Self {
        Self {
            token,
            socket,
            outbox: Outbox::default(),
            waits_for_room: false,
        }
    }

    pub(super) fn send(&mut self, runs: &[Run<'_>]) {
        self.outbox.send(&self.socket, runs);
    }

    /// Sends what waits; true when nothing waits any more.
    pub(super) fn flush(&mut self) -> bool {
        self.outbox.flush(&self.socket)
    }

    /// Whether the kernel has no room for more.
    pub(super) fn is_blocked(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Asks to be called when the kernel has room again, for as long as something waits.
    pub(super) fn watch_for_room(&mut self, poller: &Poller) {
        let waits = self.is_blocked();
        if waits == self.waits_for_room {
            return;
        }
        let interest = if waits {
            Interest::ReadWrite
        } else {
            Interest::Read
        };
        match poller.modify(&self.socket, self.token.0, interest) {
            Ok(()) => self.waits_for_room = waits,
            Err(error) => tracing::error!(%error, "a media thread cannot watch its socket"),
        }
    }
}
