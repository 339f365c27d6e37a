use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_srt::Received;
use tidegate_units::Instant;

use crate::connection::EndReason;

/// What a connection is for.
pub enum Role {
    /// The peer sends: what it sends goes into the sink.
    Publisher(Box<dyn Sink>),
    /// The peer receives: what it gets comes from the fountain.
    Reader(Box<dyn Fountain>),
}

/// Takes what one peer sends. Lives on the shard that owns the connection: it must not block.
pub trait Sink: Send {
    /// The next packet in order, as soon as it is in order.
    fn receive(&mut self, packet: Received);

    /// No more packets this turn: the moment to seal a batch.
    fn end_of_turn(&mut self, now: Instant);

    /// The connection is over; nothing follows.
    fn closed(&mut self, reason: &EndReason);
}

/// Gives what one peer receives. Lives on the shard that owns the connection: it must not
/// block.
pub trait Fountain: Send {
    /// The next packet whose time has come, with the moment it originated; `None` when there
    /// is nothing yet.
    fn next(&mut self, now: Instant) -> Option<(Bytes, Instant)>;

    /// When to ask again although nobody wakes.
    fn next_due(&self) -> Option<Instant>;

    /// Its packets must not wait for others to leave together with: a busy shard does not
    /// moderate its turns while it has such a fountain.
    fn is_urgent(&self) -> bool {
        false
    }

    /// Whom to wake when there is something new; called once, before anything else.
    fn attach(&mut self, waker: Arc<dyn Wake>);

    /// The connection is over; nothing follows.
    fn closed(&mut self, reason: &EndReason);
}

/// Tells a shard that a fountain has something new; cheap, and coalesced.
pub trait Wake: Send + Sync {
    /// There is something new.
    fn wake(&self);
}

impl Role {
    pub(crate) fn closed(&mut self, reason: &EndReason) {
        match self {
            Self::Publisher(sink) => sink.closed(reason),
            Self::Reader(fountain) => fountain.closed(reason),
        }
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publisher(_) => "Publisher",
            Self::Reader(_) => "Reader",
        })
    }
}
