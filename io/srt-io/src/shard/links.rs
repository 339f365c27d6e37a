use std::collections::HashMap;
use std::net::SocketAddr;

use arc_swap::ArcSwap;
use tidegate_srt::srtla;

/// Which shard the links of SRTLA senders on one listener belong to.
///
/// What comes over a link names no shard until there is a connection, and the kernel's hash
/// sends each link elsewhere. Looked at only for such datagrams; replaced as a whole when a
/// link comes or goes, which limits make rare.
#[derive(Debug, Default)]
pub(crate) struct LinkMap(ArcSwap<HashMap<SocketAddr, u8>>);

impl LinkMap {
    /// The shard that a datagram without a socket ID belongs to, if it comes over a link or
    /// wants to become one.
    pub(super) fn owner_of(&self, from: SocketAddr, bytes: &[u8]) -> Option<usize> {
        // First the shard that has the address: what belongs to one bundle must not be taken
        // away by naming another.
        let known = self.0.load().get(&from).copied();
        known.or_else(|| srtla::owner_of(bytes)).map(usize::from)
    }

    /// Notes what became of links of `shard`.
    pub(super) fn note(&self, shard: u8, changes: &[(SocketAddr, bool)]) {
        if changes.is_empty() {
            return;
        }
        self.0.rcu(|links| {
            let mut links = HashMap::clone(links);
            for (address, is_here) in changes {
                if *is_here {
                    links.insert(*address, shard);
                } else if links.get(address) == Some(&shard) {
                    links.remove(address);
                }
            }
            links
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    #[test]
    fn a_shard_forgets_only_links_that_are_still_its_own() {
        let links = LinkMap::default();
        links.note(1, &[(address(1), true), (address(2), true)]);
        links.note(2, &[(address(1), true)]);
        links.note(1, &[(address(1), false), (address(2), false)]);
        assert_eq!(links.owner_of(address(1), &[0x90, 0]), Some(2));
        assert_eq!(links.owner_of(address(2), &[0x90, 0]), None);
    }
}
