use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use tidegate_units::Instant;

/// A sender that was silent for so long is gone, and another may take its place.
pub(super) const SILENT: Duration = Duration::from_secs(2);

/// Whose packets count on one leg: the first sender's of media, until it falls silent.
#[derive(Debug, Default)]
pub(super) struct Senders {
    /// The one configured.
    only: Option<IpAddr>,
    owner: Option<(SocketAddr, Instant)>,
    /// Datagrams of others.
    pub(super) ignored: u64,
    /// The other one heard last.
    pub(super) ignored_last: Option<SocketAddr>,
}

/// What a datagram's sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The one whose packets count.
    Owner,
    /// Nobody's packets count yet.
    Newcomer,
    /// Somebody else.
    Other,
}

impl Senders {
    pub(super) fn new(only: Option<IpAddr>) -> Self {
        Self {
            only,
            ..Self::default()
        }
    }

    /// A datagram came from there.
    pub(super) fn heard(&mut self, now: Instant, from: SocketAddr) -> Who {
        let is_allowed = self.only.is_none_or(|only| only == from.ip());
        match &mut self.owner {
            Some((owner, last)) if *owner == from => {
                *last = now;
                Who::Owner
            }
            None if is_allowed => Who::Newcomer,
            _ => {
                self.ignored += 1;
                self.ignored_last = Some(from);
                Who::Other
            }
        }
    }

    /// Sums come from the owner's address, but seldom from its port.
    pub(super) fn is_owners_machine(&self, from: SocketAddr) -> bool {
        self.owner.is_some_and(|(owner, _)| owner.ip() == from.ip())
    }

    pub(super) fn take_on(&mut self, now: Instant, from: SocketAddr) {
        self.owner = Some((from, now));
    }

    pub(super) fn owner(&self) -> Option<SocketAddr> {
        self.owner.map(|(owner, _)| owner)
    }

    /// Gives the place free if its owner is silent.
    pub(super) fn expire(&mut self, now: Instant) {
        if self
            .owner
            .is_some_and(|(_, last)| now.saturating_since(last) > SILENT)
        {
            self.owner = None;
        }
    }

    pub(super) fn dismiss(&mut self) {
        self.owner = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_sender_counts_once_the_first_is_silent() {
        let (one, two) = (([10, 0, 0, 1], 5).into(), ([10, 0, 0, 2], 5).into());
        let at = Instant::from_millis;
        let mut senders = Senders::new(None);
        assert_eq!(senders.heard(at(0), one), Who::Newcomer);
        senders.take_on(at(0), one);
        assert_eq!(senders.heard(at(1), two), Who::Other);
        assert_eq!(senders.heard(at(1500), one), Who::Owner);
        senders.expire(at(3000));
        assert_eq!(senders.heard(at(3000), two), Who::Other);
        senders.expire(at(3501));
        assert_eq!(senders.heard(at(3501), two), Who::Newcomer);
        assert_eq!((senders.ignored, senders.ignored_last), (2, Some(two)));
    }

    #[test]
    fn only_the_sender_that_was_named_is_heard() {
        let mut senders = Senders::new(Some([10, 0, 0, 1].into()));
        let at = Instant::from_millis(1);
        assert_eq!(senders.heard(at, ([10, 0, 0, 2], 5).into()), Who::Other);
        assert_eq!(senders.heard(at, ([10, 0, 0, 1], 9).into()), Who::Newcomer);
    }
}
