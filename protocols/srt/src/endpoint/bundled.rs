//! Where SRTLA meets the endpoint: below everything that is about connections.

use super::Endpoint;
use crate::connection::{Connection, Progress};
use crate::event::ConnectionId;
use crate::srtla::{BundleKey, Bundles, LinkChange, LinkStatus, is_identity};
use crate::transmit::TransmitBatch;
use core::net::{IpAddr, SocketAddr};
use rand_core::RngCore;
use tidegate_units::Instant;

/// What one connection may write before it is spread over its links.
const SCRATCH_BYTES: usize = 4096;

/// The way to the links of bundles.
#[derive(Debug)]
pub(super) struct Detour {
    scratch: TransmitBatch,
}

impl Default for Detour {
    fn default() -> Self {
        let scratch = TransmitBatch::new(SCRATCH_BYTES);
        Self { scratch }
    }
}

impl Detour {
    /// Writes what a connection has to send to the links of its bundle.
    pub(super) fn transmit(
        &mut self,
        now: Instant,
        (connection, key): (&mut Connection, BundleKey),
        bundles: &mut Bundles,
        batch: &mut TransmitBatch,
        random: &mut impl RngCore,
    ) -> Progress {
        loop {
            // Eight links at most get a copy each of what fits in here; a batch that is
            // smaller than that loses some, as the network might.
            if !batch.is_empty() && !batch.has_room(8 * SCRATCH_BYTES) {
                return Progress::BatchFull;
            }
            self.scratch.clear();
            let progress = connection.poll_transmit(now, &mut self.scratch, random);
            for packet in self.scratch.runs().flat_map(|run| run.datagrams()) {
                bundles.send(key, packet, batch);
            }
            if progress == Progress::Done || self.scratch.is_empty() {
                return Progress::Done;
            }
        }
    }
}

impl Endpoint {
    /// Takes one of SRTLA's own packets, from an address that is not banned.
    pub(super) fn handle_srtla(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: Option<IpAddr>,
        bytes: &[u8],
    ) {
        let listens = self.listen.as_ref().is_some_and(|listen| listen.srtla);
        if !listens || is_identity(from) {
            self.counters.malformed += 1;
            return;
        }
        let policy = &mut self.policy;
        let admit = || policy.admit_registration(now, from.ip());
        self.bundles.handle(now, (from, to), bytes, admit);
    }

    /// Who a handshake comes from for the SRT core: a bundle, if `from` is one of its links.
    /// `None` for an address that no packet really comes from.
    pub(super) fn identify(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: usize,
    ) -> Option<SocketAddr> {
        if is_identity(from) {
            return None;
        }
        let bundle = self.bundles.on_handshake(now, from, bytes);
        Some(bundle.map_or(from, BundleKey::identity))
    }

    /// Where a peer really is, and the local address it uses where that is known.
    pub(super) fn locate(
        &self,
        peer: SocketAddr,
        local: Option<IpAddr>,
    ) -> (SocketAddr, Option<IpAddr>) {
        let bundle = BundleKey::of(peer);
        bundle
            .and_then(|key| self.bundles.address_of(key))
            .unwrap_or((peer, local))
    }

    /// The address that answers for what a peer does.
    pub(super) fn account_of(&self, peer: SocketAddr) -> IpAddr {
        let bundle = BundleKey::of(peer);
        bundle
            .and_then(|key| self.bundles.origin_of(key))
            .unwrap_or(peer.ip())
    }

    /// The links of a connection that came over SRTLA, lost ones included; none for any other.
    #[must_use]
    pub fn links(&self, now: Instant, id: ConnectionId) -> Vec<LinkStatus> {
        let bundle = self.table.get(id).and_then(|entry| entry.bundle);
        bundle.map_or_else(Vec::new, |key| self.bundles.status(now, key))
    }

    /// A link that came or went: its address, and whether its datagrams belong here. To be
    /// asked after every datagram and timeout by whoever spreads datagrams over endpoints.
    pub fn poll_link_change(&mut self) -> Option<(SocketAddr, bool)> {
        let LinkChange { address, is_here } = self.bundles.poll_change()?;
        Some((address, is_here))
    }
}
