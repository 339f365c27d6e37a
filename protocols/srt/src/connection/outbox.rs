use std::collections::VecDeque;

/// Control packets waiting at the most; further ones are not worth sending.
const MAX_WAITING: usize = 64;

/// A control packet that waits for the next transmission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// The answer to a repeated conclusion.
    HandshakeResponse,
    DropRequest {
        first: u64,
        last: u64,
    },
    KeyResponse(Vec<u8>),
    KeepAlive,
    Shutdown,
}

/// Control packets in the order they are to leave.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Outgoing>,
}

impl Outbox {
    /// Adds a packet unless it waits already.
    pub(crate) fn push(&mut self, packet: Outgoing) {
        if self.waiting.len() < MAX_WAITING && !self.waiting.contains(&packet) {
            self.waiting.push_back(packet);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn front(&self) -> Option<&Outgoing> {
        self.waiting.front()
    }

    pub(crate) fn pop(&mut self) {
        self.waiting.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_packet_waits_once_and_the_queue_is_bounded() {
        let mut outbox = Outbox::default();
        for first in 0..1000 {
            for _ in 0..2 {
                outbox.push(Outgoing::DropRequest { first, last: first });
            }
        }
        assert_eq!(outbox.waiting.len(), MAX_WAITING);
    }
}
