//! The legs of a bonding group: their places on the listener, and how the API and health see them.

use std::net::IpAddr;

use serde_json::{Value, json};
use tidegate_engine::{Paths, Ticket};
use tidegate_srt::{
    CloseReason, GROUP_LEGS_MAX, GroupKind, LegEnd, LegState, LegStatus, RejectReason,
};
use tidegate_srt_io::{ConnectionStatus, LegHandle};

use crate::details::{Direction, counters, gauges, millis, rtt};
use crate::listening::Refusal;
use crate::settings::CallUri;

/// A leg's place among the listener's connections, for as long as the leg is there.
pub(crate) struct LegPlace {
    pub(crate) leg: LegHandle,
    pub(crate) _ticket: Option<Ticket>,
}

/// What a leg hears whose group has as many as it may have.
pub(crate) fn one_too_many() -> Refusal {
    let advice = "Take legs away from the group at the caller";
    Refusal::new(RejectReason::Overloaded, advice)
        .received("one more leg of a bonding group")
        .expected(format!("at most {GROUP_LEGS_MAX} legs"))
}

/// The legs of a group that called us, as the API shows them; nothing for a plain connection.
pub(crate) fn describe(status: &ConnectionStatus) -> Option<Value> {
    if status.legs.is_empty() {
        return None;
    }
    let legs = status.legs.iter();
    Some(legs.map(|leg| leg_of(leg, status, Direction::In)).collect())
}

/// The legs of a group that we call as, in the order they are written in.
pub(crate) fn describe_called(status: &ConnectionStatus, calls: &[(CallUri, u16)]) -> Value {
    let shown = |(leg, (call, _)): (&LegStatus, &(CallUri, u16))| {
        let mut shown = leg_of(leg, status, Direction::Out);
        shown["call"] = call.to_string().into();
        shown
    };
    status.legs.iter().zip(calls).map(shown).collect()
}

fn leg_of(leg: &LegStatus, status: &ConnectionStatus, way: Direction) -> Value {
    let (figures, total) = (&leg.statistics, &leg.statistics.total);
    let mut shown = json!({
        "peer": leg.peer.to_string(),
        "state": leg.state.name(),
        "weight": leg.weight,
        "since_ms": millis(status.at.saturating_since(leg.since)),
        "silent_ms": millis(figures.silent_for),
        "rtt_ms": rtt(figures),
        "jitter_ms": millis(figures.instant.jitter),
        "total": counters(total),
        "interval": counters(&figures.interval),
        "instant": gauges(&figures.instant),
    });
    let carried = match way {
        Direction::In => json!({
            "receive_rate_bps": figures.receive_rate.as_bps(),
            "packets_received": total.packets_received,
            "packets_lost": total.packets_lost,
            "packets_retransmitted": total.packets_received_retransmitted,
            "packets_undecrypted": total.packets_undecrypted,
        }),
        Direction::Out => json!({
            "send_rate_bps": figures.send_rate.as_bps(),
            "packets_sent": total.packets_sent,
            "packets_lost": total.packets_send_lost,
            "packets_retransmitted": total.packets_retransmitted,
            "packets_dropped": total.packets_send_dropped,
        }),
    };
    if let (Some(shown), Value::Object(carried)) = (shown.as_object_mut(), carried) {
        shown.extend(carried);
        if let Some(reason) = leg.ended.and_then(reason) {
            shown.insert("reason".into(), reason.into());
        }
    }
    shown
}

/// Why a leg is down. That it was closed here is no news.
fn reason(ended: LegEnd) -> Option<String> {
    match ended {
        LegEnd::Closed(CloseReason::Local) => None,
        LegEnd::Closed(reason) => Some(reason.to_string()),
        LegEnd::Refused(RejectReason::Timeout) => Some(
            "the far side does not answer; or this leg's own address or interface is not there, \
             which the log says then"
                .into(),
        ),
        LegEnd::Refused(reason) => Some(format!("the far side refused the call: {reason}")),
    }
}

/// Where a group comes from: a leg that is gone comes from nowhere, though it is named still.
pub(crate) fn addresses(status: &ConnectionStatus) -> Vec<IpAddr> {
    let there = status.legs.iter();
    let there = there.filter(|leg| leg.state != LegState::Down);
    there.map(|leg| leg.peer.ip()).collect()
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
    fn a_group_comes_from_where_its_legs_are_that_are_not_gone() {
        use LegState::{Active, Down, Idle, Silent};
        let mut status = with(&[Active, Down, Silent, Idle]);
        let mut legs = status.legs.to_vec();
        for (last, leg) in (1..).zip(&mut legs) {
            leg.peer = ([192, 0, 2, last], 5000).into();
        }
        status.legs = legs.into();
        let there = [1, 3, 4].map(|last| IpAddr::from([192, 0, 2, last]));
        assert_eq!(addresses(&status), there);
    }

    #[test]
    fn every_leg_shows_its_state_and_its_own_figures() {
        let shown = describe(&with(&[LegState::Active, LegState::Down])).expect("legs");
        assert_eq!(shown[0]["state"], "active");
        assert_eq!(shown[1]["state"], "down");
        assert_eq!(shown[1]["weight"], 7);
        assert!(shown[0]["total"]["packets_received"].is_u64());
        assert!(shown[0]["packets_received"].is_u64());
    }

    #[test]
    fn a_leg_that_never_measured_shows_no_round_trip_time() {
        let mut status = with(&[LegState::Active, LegState::Idle]);
        let mut legs = status.legs.to_vec();
        legs[1].statistics.rtt_known = false;
        status.legs = legs.into();
        let shown = describe(&status).expect("legs");
        assert!(shown[0]["rtt_ms"].is_number());
        assert!(shown[1]["rtt_ms"].is_null());
    }

    #[test]
    fn a_leg_that_is_sent_over_shows_what_was_sent_and_why_it_is_down() {
        let mut status = with(&[LegState::Down]);
        let mut legs = status.legs.to_vec();
        legs[0].ended = Some(LegEnd::Refused(RejectReason::Timeout));
        status.legs = legs.into();
        let call = "srt://192.0.2.1:5000?adapter=10.0.0.1";
        let shown = describe_called(&status, &[(call.parse().expect("an address"), 7)]);
        assert_eq!(shown[0]["call"], call);
        assert!(shown[0]["packets_sent"].is_u64());
        assert_eq!(shown[0]["packets_received"], Value::Null);
        let reason = shown[0]["reason"].as_str().expect("a reason");
        assert!(reason.contains("does not answer"), "{reason}");
    }
}
