use std::sync::Arc;

use tidegate_udp::Clock;
use tidegate_units::Instant;

use crate::connection::{ConnectionShared, EndReason};
use crate::role::Role;

/// A role and a handle on their way to a connection. Wherever they are lost on that way – a
/// queue that is shut, a port that is gone – both learn that nothing comes of it.
pub(crate) struct Guest {
    inside: Option<(Role, Arc<ConnectionShared>)>,
    /// What they learn then.
    if_lost: EndReason,
}

impl Guest {
    pub(crate) fn new(role: Role, shared: Arc<ConnectionShared>, if_lost: EndReason) -> Self {
        Self {
            inside: Some((role, shared)),
            if_lost,
        }
    }

    /// The connection is there: from now on its end is told by whoever has it.
    pub(crate) fn arrive(mut self) -> Option<(Role, Arc<ConnectionShared>)> {
        self.inside.take()
    }

    pub(crate) fn turn_away(mut self, now: Instant, reason: &EndReason) {
        if let Some((mut role, shared)) = self.inside.take() {
            role.closed(reason);
            shared.set_ended(now, reason.clone());
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some((mut role, shared)) = self.inside.take() {
            role.closed(&self.if_lost);
            shared.set_ended(Clock.now(), self.if_lost.clone());
        }
    }
}
