//! The legs of a bonding group: their places on the listener, and how the API and health see them.

use serde_json::{Value, json};
use tidegate_engine::Paths;
use tidegate_srt::{GroupKind, LegState, LegStatus};
use tidegate_srt_io::{ConnectionStatus, LegHandle};

use crate::details::{counters, gauges, millis};
use crate::turnstile::Ticket;

/// A leg's place among the listener's connections, for as long as the leg is there.
pub(crate) struct LegPlace {
    pub(crate) leg: LegHandle,
    pub(crate) _ticket: Option<Ticket>,
}

/// The legs as the API shows them; nothing for a plain connection.
pub(crate) fn describe(status: &ConnectionStatus) -> Option<Value> {
    if status.legs.is_empty() {
        return None;
    }
    Some(status.legs.iter().map(|leg| leg_of(leg, status)).collect())
}

fn leg_of(leg: &LegStatus, status: &ConnectionStatus) -> Value {
    let (figures, total) = (&leg.statistics, &leg.statistics.total);
    json!({
        "peer": leg.peer.to_string(),
        "state": leg.state.name(),
        "weight": leg.weight,
        "since_ms": millis(status.at.saturating_since(leg.since)),
        "silent_ms": millis(figures.silent_for),
        "rtt_ms": millis(figures.instant.rtt),
        "jitter_ms": millis(figures.instant.jitter),
        "receive_rate_bps": figures.receive_rate.as_bps(),
        "packets_received": total.packets_received,
        "packets_lost": total.packets_lost,
        "packets_retransmitted": total.packets_received_retransmitted,
        "packets_undecrypted": total.packets_undecrypted,
        "total": counters(total),
        "interval": counters(&figures.interval),
        "instant": gauges(&figures.instant),
    })
}

/// How many legs could carry the feed, for health; nothing for a plain connection.
///
/// In a backup group all but one leg idle, which is their work. In a broadcast group a leg
/// without media beside one with media is of no use, whether its socket is open or not.
pub(crate) fn paths(status: &ConnectionStatus, kind: GroupKind) -> Option<Paths> {
    if status.legs.is_empty() {
        return None;
    }
    let has_media = status.legs.iter().any(|leg| leg.state == LegState::Active);
    let idling_is_fine = kind == GroupKind::Backup || !has_media;
    let works = |leg: &&LegStatus| match leg.state {
        LegState::Active | LegState::Unstable => true,
        LegState::Idle => idling_is_fine,
        LegState::Silent | LegState::Down => false,
    };
    let working = status.legs.iter().filter(works).count();
    Some(Paths {
        working,
        missing: status.legs.len() - working,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::tests::status;
    use tidegate_units::Instant;

    fn with(states: &[LegState]) -> ConnectionStatus {
        let plain = status();
        let statistics = plain.statistics.clone();
        let leg = |state: &LegState| LegStatus {
            peer: ([192, 0, 2, 1], 5000).into(),
            state: *state,
            weight: 7,
            since: Instant::ZERO,
            ended: None,
            statistics: statistics.clone().expect("there are some"),
        };
        ConnectionStatus {
            legs: states.iter().map(leg).collect(),
            ..plain
        }
    }

    #[test]
    fn a_plain_connection_has_no_legs() {
        assert_eq!(describe(&status()), None);
        assert_eq!(paths(&status(), GroupKind::Broadcast), None);
    }

    #[test]
    fn an_open_socket_alone_is_no_working_leg() {
        use LegState::{Active, Down, Idle, Silent};
        let missing = |states: &[LegState], kind| paths(&with(states), kind).map(|it| it.missing);
        assert_eq!(missing(&[Active, Active], GroupKind::Broadcast), Some(0));
        assert_eq!(missing(&[Active, Idle], GroupKind::Broadcast), Some(1));
        assert_eq!(missing(&[Active, Idle], GroupKind::Backup), Some(0));
        assert_eq!(missing(&[Active, Silent, Down], GroupKind::Backup), Some(2));
        // Nothing is sent at all: that is another reason's to say.
        assert_eq!(missing(&[Idle, Idle], GroupKind::Broadcast), Some(0));
    }

    #[test]
    fn every_leg_shows_its_state_and_its_own_figures() {
        let shown = describe(&with(&[LegState::Active, LegState::Down])).expect("legs");
        assert_eq!(shown[0]["state"], "active");
        assert_eq!(shown[1]["state"], "down");
        assert_eq!(shown[1]["weight"], 7);
        assert!(shown[0]["total"]["packets_received"].is_u64());
    }
}
