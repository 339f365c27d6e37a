//! The links of an SRTLA sender, as the API and health see them.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_engine::Paths;
use tidegate_srt::srtla::{LinkState, LinkStatus};
use tidegate_srt_io::ConnectionStatus;
use tidegate_units::Instant;

/// The time over which a link's share is shown.
const SHARE_WINDOW: Duration = Duration::from_secs(10);
/// Samples in that time, at four a second, and some to spare.
const SAMPLES_MAX: usize = 64;

/// What the links carried lately.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    samples: VecDeque<(Instant, BTreeMap<SocketAddr, u64>)>,
}

impl Shares {
    /// Takes a snapshot in; the links as the API shows them, none for a plain connection.
    pub(crate) fn note(&mut self, status: &ConnectionStatus) -> Option<Value> {
        if status.links.is_empty() {
            return None;
        }
        let carried = status
            .links
            .iter()
            .map(|link| (link.address, link.packets))
            .collect();
        let old = |(at, _): &(Instant, _)| status.at.saturating_since(*at) > SHARE_WINDOW;
        while self.samples.len() >= SAMPLES_MAX || self.samples.front().is_some_and(old) {
            self.samples.pop_front();
        }
        self.samples.push_back((status.at, carried));
        let recent = |link: &LinkStatus| {
            let before = self.samples.front();
            let before = before.and_then(|(_, carried)| carried.get(&link.address));
            link.packets.saturating_sub(before.copied().unwrap_or(0))
        };
        let all: u64 = status.links.iter().map(recent).sum();
        let shown = status
            .links
            .iter()
            .map(|link| describe(link, status.at, share_percent(recent(link), all)));
        Some(shown.collect())
    }
}

fn describe(link: &LinkStatus, now: Instant, share_percent: f64) -> Value {
    let millis = |since: Instant| now.saturating_since(since).as_millis() as u64;
    json!({
        "address": link.address.to_string(),
        "state": state(link.state),
        "packets": link.packets,
        "bytes": link.bytes,
        "share_percent": share_percent,
        "last_heard_ms": millis(link.last_heard),
        "joined_ms": millis(link.joined),
    })
}

fn state(state: LinkState) -> &'static str {
    match state {
        LinkState::Active => "active",
        LinkState::Silent => "silent",
        _ => "lost",
    }
}

/// To a tenth.
#[allow(clippy::cast_precision_loss, reason = "for a share")]
fn share_percent(part: u64, all: u64) -> f64 {
    (part as f64 * 1000.0 / all.max(1) as f64).round() / 10.0
}

/// How many links work, for health; nothing for a plain connection.
pub(crate) fn paths(status: &ConnectionStatus) -> Option<Paths> {
    if status.links.is_empty() {
        return None;
    }
    let active = |link: &&LinkStatus| link.state == LinkState::Active;
    let working = status.links.iter().filter(active).count();
    Some(Paths {
        working,
        missing: status.links.len() - working,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_srt_io::ConnectionState;

    fn link(host: u8, state: LinkState, packets: u64) -> LinkStatus {
        LinkStatus {
            address: ([192, 0, 2, host], 5000).into(),
            state,
            packets,
            bytes: packets * 1332,
            joined: Instant::ZERO,
            last_heard: Instant::ZERO,
        }
    }

    fn status(seconds: u64, links: Vec<LinkStatus>) -> ConnectionStatus {
        ConnectionStatus {
            state: ConnectionState::Connected,
            peer: ([192, 0, 2, 1], 5000).into(),
            negotiated: None,
            statistics: None,
            host_drops: 0,
            links: links.into(),
            legs: std::sync::Arc::default(),
            connected_at: None,
            at: Instant::from_millis(seconds * 1000),
        }
    }

    #[test]
    fn shares_are_those_of_the_last_ten_seconds() {
        let mut shares = Shares::default();
        for second in 0..=20 {
            let links = vec![
                link(1, LinkState::Active, 300 * second),
                link(2, LinkState::Lost, 700 * second.min(5)),
            ];
            let shown = shares.note(&status(second, links));
            let of = |at: usize| {
                shown
                    .as_ref()
                    .map(|links| links[at]["share_percent"].clone())
            };
            let (first, second_link) = match second {
                1..=5 => (30.0, 70.0),
                16.. => (100.0, 0.0),
                _ => continue,
            };
            assert_eq!(of(0), Some(first.into()), "after {second} s");
            assert_eq!(of(1), Some(second_link.into()), "after {second} s");
        }
    }

    #[test]
    fn a_plain_connection_has_no_links() {
        let plain = status(1, Vec::new());
        assert_eq!(Shares::default().note(&plain), None);
        assert_eq!(paths(&plain), None);
    }

    #[test]
    fn a_link_that_is_silent_or_lost_is_missing() {
        let links = vec![
            link(1, LinkState::Active, 1),
            link(2, LinkState::Silent, 1),
            link(3, LinkState::Lost, 1),
        ];
        let expected = Paths {
            working: 1,
            missing: 2,
        };
        assert_eq!(paths(&status(1, links)), Some(expected));
    }
}
