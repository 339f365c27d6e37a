//! How far datagrams are from when the stream's own clock says they are due.

use super::receive::Came;
use serde::Serialize;
use tidegate_mpegts::Pcr;

/// Distances from the schedule, and what is in a datagram.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Deviation {
    pub(super) datagrams: usize,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
    /// Transport packets in the largest datagram.
    pub(super) packets_max: usize,
    /// Datagrams closer to the one before than a quarter of the usual distance.
    pub(super) close: usize,
}

impl Deviation {
    pub(super) fn of(came: &[Came]) -> Self {
        let mut all = deviations(came);
        all.sort_unstable();
        let middle = all.get(all.len() / 2).copied().unwrap_or(0);
        let mut off: Vec<u64> = all.iter().map(|at| at.abs_diff(middle)).collect();
        off.sort_unstable();
        let gaps = came.windows(2);
        let mut gaps: Vec<i64> = gaps
            .map(|two| two[1].at_micros - two[0].at_micros)
            .collect();
        gaps.sort_unstable();
        let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
        Self {
            datagrams: came.len(),
            p50_us: percentile(&off, 50),
            p99_us: percentile(&off, 99),
            max_us: percentile(&off, 100),
            packets_max: came.iter().map(|one| one.packets.len()).max().unwrap_or(0),
            close: gaps.partition_point(|gap| *gap < usual / 4),
        }
    }
}

/// Of values in order.
pub(super) fn percentile(values: &[u64], percent: usize) -> u64 {
    let index = values.len().saturating_sub(1) * percent / 100;
    values.get(index).copied().unwrap_or(0)
}

/// Of each datagram: when it came, less when its first packet was due by the clock references
/// before and behind it.
fn deviations(came: &[Came]) -> Vec<i64> {
    let (mut all, mut waiting, mut number) = (Vec::new(), Vec::new(), 0_u64);
    let mut last: Option<(u64, Pcr)> = None;
    let mut media = 0_i64;
    for datagram in came {
        waiting.push((number, datagram.at_micros));
        for pcr in &datagram.packets {
            if let Some(pcr) = *pcr {
                if let Some((begin, before)) = last {
                    let lasted = i64::try_from(pcr.since(before) / 27).unwrap_or(0);
                    let packets = i64::try_from(number - begin).unwrap_or(1);
                    for (which, at) in waiting.drain(..) {
                        if which >= begin {
                            let after = i64::try_from(which - begin).unwrap_or(0);
                            all.push(at - media - lasted * after / packets);
                        }
                    }
                    media += lasted;
                }
                waiting.retain(|(which, _)| *which >= number);
                last = Some((number, pcr));
            }
            number += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A datagram every millisecond of two packets, the first with a clock reference; one is
    /// 300 µs late.
    #[test]
    fn what_leaves_late_is_off_by_so_much_and_nothing_else_is() {
        let datagram = |number: i64| Came {
            at_micros: 5_000_000 + number * 1000 + if number == 50 { 300 } else { 0 },
            packets: vec![Some(Pcr(number.cast_unsigned() * 27_000)), None],
        };
        let came: Vec<Came> = (0..101).map(datagram).collect();
        let found = Deviation::of(&came);
        assert_eq!((found.p50_us, found.max_us), (0, 300));
        assert_eq!((found.datagrams, found.packets_max), (101, 2));
        assert_eq!(found.close, 0);
    }

    #[test]
    fn between_clock_references_packets_are_due_evenly() {
        let packets = |pcr: Option<u64>| vec![pcr.map(Pcr), None];
        let came = [
            (0, Some(0)),
            (1000, None),
            (2000, None),
            (3500, None),
            (4000, Some(4 * 27_000)),
        ];
        let came = came.map(|(at_micros, pcr)| Came {
            at_micros,
            packets: packets(pcr),
        });
        assert_eq!(deviations(&came), [0, 0, 0, 500, 0]);
    }
}
