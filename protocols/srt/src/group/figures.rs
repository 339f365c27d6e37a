use super::{LegState, LegStatus};
use crate::statistics::{Counters, Gauges, Statistics};
use tidegate_units::{Bitrate, Duration, Instant};

/// What the legs that are there did together, on top of what those did that have `gone`.
pub(super) fn summed(gone: Counters, legs: &[LegStatus]) -> Counters {
    present(legs).fold(gone, |sum, leg| sum.plus(&leg.statistics.total))
}

/// What is true at the moment of the leg that stands for the stream.
pub(super) fn instant(legs: &[LegStatus]) -> Gauges {
    best(legs)
        .map(|leg| leg.statistics.instant)
        .unwrap_or_default()
}

/// The figures of a group's stream since `created`, from what it counted and its legs.
pub(super) fn of_stream(
    now: Instant,
    created: Instant,
    total: Counters,
    (interval, interval_time): (Counters, Duration),
    instant: Gauges,
    legs: &[LegStatus],
) -> Statistics {
    let best = best(legs).map(|leg| &leg.statistics);
    let silent = present(legs).map(|leg| leg.statistics.silent_for).min();
    Statistics {
        at: now,
        uptime: now.saturating_since(created),
        silent_for: silent.unwrap_or_default(),
        receive_keys: best.map(|leg| leg.receive_keys).unwrap_or_default(),
        send_keys: best.map(|leg| leg.send_keys).unwrap_or_default(),
        total,
        interval,
        interval_time,
        send_rate: Bitrate::of(interval.bytes_sent, interval_time),
        receive_rate: Bitrate::of(interval.bytes_received, interval_time),
        instant,
        rtt_known: best.is_some_and(|leg| leg.rtt_known),
    }
}

/// The leg whose figures stand for the stream: the one in the best state, measured, and near.
fn best(legs: &[LegStatus]) -> Option<&LegStatus> {
    present(legs)
        .min_by_key(|leg| {
            let figures = &leg.statistics;
            (leg.state as u8, !figures.rtt_known, figures.instant.rtt)
        })
        .or(legs.last())
}

fn present(legs: &[LegStatus]) -> impl Iterator<Item = &LegStatus> {
    legs.iter().filter(|leg| leg.state != LegState::Down)
}
