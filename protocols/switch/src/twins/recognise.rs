//! Whether two inputs carry the same packets.

use super::SKEW_WITHOUT_LATENCY;
use super::clock::Clock;
use super::history::History;
use tidegate_units::{Duration, Instant};

/// So many of the newest packets of both are compared.
const COMPARED: u64 = 192;
/// Fewer show nothing.
const FEWEST: u64 = 24;
/// Packets of a PID from which on some of them must be the same.
const FEWEST_OF_PID: u32 = 3;
/// How far back the last clock reference is looked for.
const CLOCK_WITHIN: u64 = 4096;
/// How many PIDs are looked at.
const PIDS: usize = 32;

/// Whether two inputs, of which packets `a_at` and `b_at` look the same, carry one stream: most
/// of what one has the other has too, on every PID. Tables and sound that are the same do not
/// make twins of two encodings of one picture.
pub(super) fn are_twins<P>(a: &History<P>, a_at: u64, b: &History<P>, b_at: u64) -> bool {
    holds(a, a_at, b, b_at) && holds(b, b_at, a, a_at) && have_one_clock(a, a_at, b, b_at)
}

/// Whether the clocks of both say nearly the same where both have the same packet.
fn have_one_clock<P>(a: &History<P>, a_at: u64, b: &History<P>, b_at: u64) -> bool {
    match (last_clock(a, a_at), last_clock(b, b_at)) {
        (Some((a_pid, a)), Some((b_pid, b))) => a_pid == b_pid && a.is_near_to(b),
        (None, None) => true,
        _ => false,
    }
}

/// The last clock reference up to packet `at`, and its PID.
fn last_clock<P>(history: &History<P>, at: u64) -> Option<(u16, Clock)> {
    let begin = history.first().max((at + 1).saturating_sub(CLOCK_WITHIN));
    (begin..=at).rev().find_map(|index| {
        let print = history.get(index)?.print;
        Some((print.pid, print.clock?))
    })
}

/// Whether what one lacks the other brings in time: it comes while the first still waits to be
/// played out.
pub(super) fn are_near<P>(a: &History<P>, a_at: u64, b: &History<P>, b_at: u64) -> bool {
    let (Some(a), Some(b)) = (a.get(a_at), b.get(b_at)) else {
        return false;
    };
    let latency = |arrived, due: Instant| due.saturating_since(arrived);
    let reach = latency(a.arrived, a.due).min(latency(b.arrived, b.due));
    let skew = a.arrived.micros_from(b.arrived).unsigned_abs();
    Duration::from_micros(skew) <= reach.max(SKEW_WITHOUT_LATENCY)
}

/// Whether `a` holds most of what `b` brought up to `b_at`.
fn holds<P>(a: &History<P>, a_at: u64, b: &History<P>, b_at: u64) -> bool {
    let mut pids = [(0_u16, 0_u32, 0_u32); PIDS];
    let mut used = 0;
    let (mut same, mut all) = (0_u64, 0_u64);
    let begin = b.first().max((b_at + 1).saturating_sub(COMPARED));
    let begin = begin.max(since(b, b_at, reach(a, a_at)));
    for index in begin..=b_at {
        let Some(entry) = b.get(index).filter(|_| !b.is_repeated(index)) else {
            continue;
        };
        if !entry.print.counts && entry.print.clock.is_some() {
            // Nothing but a clock, which may have been set anew.
            continue;
        }
        let found = a.find_only(entry.print.hash);
        let found = found.is_some_and(|found| found <= a_at);
        all += 1;
        same += u64::from(found);
        let place = pids[..used].iter().position(|it| it.0 == entry.print.pid);
        let place = place.unwrap_or(used);
        if place == used {
            if used == PIDS {
                return false;
            }
            pids[used] = (entry.print.pid, 0, 0);
            used += 1;
        }
        pids[place].1 += 1;
        pids[place].2 += u32::from(found);
    }
    let fits = |&(_, all, same): &(u16, u32, u32)| all < FEWEST_OF_PID || same * 4 >= all;
    all >= FEWEST && same * 2 >= all && pids[..used].iter().all(fits)
}

/// How far back, in time before its packet `at`, a history reaches without a break.
fn reach<P>(history: &History<P>, at: u64) -> u64 {
    let begin = history.first().max((at + 1).saturating_sub(4 * COMPARED));
    let when = |index| history.get(index).map_or(Instant::ZERO, |it| it.arrived);
    when(at).saturating_since(when(begin)).as_micros() as u64
}

/// The first packet not more than `micros` older than packet `at`.
fn since<P>(history: &History<P>, at: u64, micros: u64) -> u64 {
    let Some(end) = history.get(at) else {
        return at;
    };
    let mut index = at;
    while index > history.first() && at - index < COMPARED {
        let Some(entry) = history.get(index - 1) else {
            break;
        };
        if end.arrived.saturating_since(entry.arrived).as_micros() as u64 > micros {
            break;
        }
        index -= 1;
    }
    index
}
