use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;

use tidegate_units::{Duration, Instant};

use super::identity::BundleKey;
use super::link::{Link, LinkState, LinkStatus};
use super::ticket::Id;

/// Links one sender may have at a time.
pub const LINKS_MAX: usize = 8;
/// Lost links remembered for the statistics, and for how long.
const LOST_MAX: usize = 8;
const LOST_KEPT: Duration = Duration::from_secs(300);

/// The links of one sender.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) key: BundleKey,
    pub(super) id: Id,
    /// The address its name was offered to: it answers for the bundle.
    pub(super) origin: IpAddr,
    pub(super) links: Vec<Link>,
    /// SRT connections it carries that were accepted.
    pub(super) connections: u32,
    /// Since when it carries none.
    pub(super) unproven_since: Instant,
    /// SRT requests that were refused since then.
    pub(super) refusals: u32,
    /// The link the last SRT packet came over.
    last_active: Option<SocketAddr>,
    lost: VecDeque<LinkStatus>,
}

impl Bundle {
    pub(super) fn new(now: Instant, key: BundleKey, id: Id, origin: IpAddr) -> Self {
        Self {
            key,
            id,
            origin,
            links: Vec::new(),
            connections: 0,
            unproven_since: now,
            refusals: 0,
            last_active: None,
            lost: VecDeque::new(),
        }
    }

    pub(super) const fn is_proven(&self) -> bool {
        self.connections > 0
    }

    pub(super) fn link(&mut self, address: SocketAddr) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.address == address)
    }

    /// Takes a link in; in the statistics it replaces the one that was lost first, or else the
    /// one that is silent for longest.
    pub(super) fn join(&mut self, now: Instant, link: Link) {
        let returned = self
            .lost
            .iter()
            .position(|lost| lost.address == link.address);
        let lost = returned.or_else(|| (!self.lost.is_empty()).then_some(0));
        let replaced = lost.and_then(|at| self.lost.remove(at));
        let silent = |link: &&mut Link| !link.replaced && link.state(now) != LinkState::Active;
        let candidates = self.links.iter_mut().filter(silent);
        if replaced.is_none()
            && let Some(silent) = candidates.min_by_key(|link| link.last_heard)
        {
            silent.replaced = true;
        }
        self.links.push(link);
    }

    /// Takes out the link that is silent for longest, if any is.
    pub(super) fn evict_silent(&mut self, now: Instant) -> Option<SocketAddr> {
        let silent = self
            .links
            .iter()
            .filter(|link| link.state(now) != LinkState::Active)
            .min_by_key(|link| link.last_heard)?
            .address;
        self.lose(now, silent);
        Some(silent)
    }

    /// Takes a link out and remembers that it was there.
    pub(super) fn lose(&mut self, now: Instant, address: SocketAddr) {
        let Some(at) = self.links.iter().position(|link| link.address == address) else {
            return;
        };
        let link = self.links.remove(at);
        if link.replaced {
            return;
        }
        let mut status = link.status(now);
        status.state = LinkState::Lost;
        if self.lost.len() >= LOST_MAX {
            self.lost.pop_front();
        }
        self.lost.push_back(status);
    }

    /// The link that is lost by now, if one is.
    pub(super) fn next_lost(&self, now: Instant) -> Option<SocketAddr> {
        let lost = |link: &&Link| link.state(now) == LinkState::Lost;
        self.links.iter().find(lost).map(|link| link.address)
    }

    pub(super) fn forget_long_lost(&mut self, now: Instant) {
        self.lost
            .retain(|lost| now.saturating_since(lost.last_heard) < LOST_KEPT);
    }

    pub(super) fn carried_over(&mut self, address: SocketAddr) {
        self.last_active = Some(address);
    }

    /// The link for everything that is not broadcast: the one that carried last, or else the
    /// one that was heard last.
    pub(super) fn active(&self) -> Option<&Link> {
        let carried = |link: &&Link| Some(link.address) == self.last_active;
        self.links
            .iter()
            .find(carried)
            .or_else(|| self.links.iter().max_by_key(|link| link.last_heard))
    }

    pub(super) fn status(&self, now: Instant) -> Vec<LinkStatus> {
        let there = self.links.iter().filter(|link| !link.replaced);
        let there = there.map(|link| link.status(now));
        there.chain(self.lost.iter().cloned()).collect()
    }
}
