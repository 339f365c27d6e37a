use super::cadence::{Asked, Cadence};
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// How long the rest of a run may still be on its way behind its first repetition.
const RUN_SPACING: Duration = Duration::from_millis(2);

/// With more runs than this they are not all walked for every packet, only so often.
const MANY_RUNS: usize = 512;
const MANY_RUNS_INTERVAL: Duration = Duration::from_millis(5);

/// The runs of packets that are missing between the next packet due in order and the
/// newest one, oldest first.
///
/// Runs rather than packets: a burst of a thousand losses is one entry, an arrival finds
/// its run by binary search.
#[derive(Debug)]
pub(crate) struct Holes {
    runs: VecDeque<Hole>,
    next_report: Instant,
    /// Not before this are all runs walked again.
    not_before: Instant,
}

/// One run of missing packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hole {
    first: u64,
    last: u64,
    /// When it was noticed.
    found: Instant,
    /// When it is to be reported (again); `None`: never.
    report_at: Option<Instant>,
    /// A packet filter may still rebuild it.
    held: bool,
    /// What was asked for already.
    asked: Option<Asked>,
}

impl Hole {
    const fn packets(&self) -> u64 {
        self.last - self.first + 1
    }
}

impl Default for Holes {
    fn default() -> Self {
        Self {
            runs: VecDeque::new(),
            next_report: Instant::FAR_FUTURE,
            not_before: Instant::ZERO,
        }
    }
}

impl Holes {
    /// A run was found missing behind all others.
    pub(crate) fn push(&mut self, now: Instant, first: u64, last: u64, report_at: Option<Instant>) {
        self.runs.push_back(Hole {
            first,
            last,
            found: now,
            report_at,
            held: false,
            asked: None,
        });
        self.expect_report(report_at.unwrap_or(Instant::FAR_FUTURE));
    }

    /// A run was found missing behind all others that a packet filter may still rebuild: it is
    /// to be reported when that gives it up ([`Self::release`]), or else at `last_moment`.
    pub(crate) fn hold(&mut self, now: Instant, first: u64, last: u64, last_moment: Instant) {
        self.push(now, first, last, Some(last_moment));
        if let Some(hole) = self.runs.back_mut() {
            hole.held = true;
        }
    }

    /// The first index behind the oldest run and those that touch it.
    pub(crate) fn end_of_first_gap(&self) -> Option<u64> {
        let mut runs = self.runs.iter();
        let mut end = runs.next()?.last + 1;
        while let Some(hole) = runs.next().filter(|hole| hole.first == end) {
            end = hole.last + 1;
        }
        Some(end)
    }

    /// Whether the sender has given up all of the oldest run and those that touch it.
    pub(crate) fn first_gap_is_given_up(&self) -> bool {
        let end = self.end_of_first_gap().unwrap_or(0);
        let mut runs = self.runs.iter().take_while(|hole| hole.last < end);
        runs.all(|hole| hole.report_at.is_none())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// `index` arrived: how long it was missing, if it was.
    ///
    /// Repetitions of one run come back to back, so what follows in the run gets a moment
    /// more before it is reported again.
    pub(crate) fn fill(&mut self, now: Instant, index: u64) -> Option<Duration> {
        let at = self.position(index);
        let hole = self.runs.get_mut(at).filter(|hole| hole.first <= index)?;
        let missing = now.saturating_since(hole.found);
        let before = Hole {
            last: index.wrapping_sub(1),
            ..*hole
        };
        let report_at = hole.report_at.map(|planned| planned.max(now + RUN_SPACING));
        let behind = Hole {
            first: index + 1,
            report_at,
            ..*hole
        };
        match (before.first < index, behind.first <= behind.last) {
            (false, false) => drop(self.runs.remove(at)),
            (false, true) => *hole = behind,
            (true, false) => *hole = before,
            (true, true) => {
                *hole = before;
                self.runs.insert(at + 1, behind);
            }
        }
        Some(missing)
    }

    /// The sender will not send `first..=last` again: no more reports of them.
    pub(crate) fn give_up(&mut self, first: u64, last: u64) {
        self.split_at(first);
        self.split_at(last + 1);
        for hole in self.runs.range_mut(self.position(first)..) {
            if hole.first > last {
                break;
            }
            hole.report_at = None;
        }
    }

    /// What is still missing of `first..=last` and was held back is to be reported at `at`.
    pub(crate) fn release(&mut self, first: u64, last: u64, at: Instant) {
        self.split_at(first);
        self.split_at(last + 1);
        let from = self.position(first);
        let touched = self.runs.range_mut(from..);
        let held = touched
            .take_while(|hole| hole.first <= last)
            .filter(|hole| hole.held);
        let mut released = Instant::FAR_FUTURE;
        for hole in held {
            hole.held = false;
            hole.report_at = hole.report_at.map(|planned| planned.min(at));
            released = at;
        }
        self.expect_report(released);
    }

    fn split_at(&mut self, index: u64) {
        let at = self.position(index);
        let Some(hole) = self.runs.get_mut(at) else {
            return;
        };
        if hole.first < index && index <= hole.last {
            let behind = Hole {
                first: index,
                ..*hole
            };
            hole.last = index - 1;
            self.runs.insert(at + 1, behind);
        }
    }

    /// Everything before `index` is no longer waited for; how many packets that were.
    pub(crate) fn forget_before(&mut self, index: u64) -> u64 {
        let mut packets = 0;
        while let Some(hole) = self.runs.front_mut() {
            if hole.first >= index {
                break;
            }
            if hole.last >= index {
                packets += index - hole.first;
                hole.first = index;
                break;
            }
            packets += hole.packets();
            self.runs.pop_front();
        }
        packets
    }

    /// Reports what is still missing of `first..=last` at `now` instead of later.
    pub(crate) fn report_soon(&mut self, first: u64, last: u64, now: Instant) {
        let from = self.position(first);
        let touched = self
            .runs
            .range_mut(from..)
            .take_while(|hole| hole.first <= last);
        for hole in touched {
            hole.report_at = hole.report_at.map(|planned| planned.min(now));
        }
        self.expect_report(now);
    }

    /// When the next run has to be reported.
    pub(crate) const fn next_report(&self) -> Instant {
        self.next_report
    }

    /// Hands every run that is due by `now` to `write`, until that says no, and plans its
    /// next report. `skipped_at` says when a run will be skipped, asked with its last
    /// packet; a run that cannot be repaired by then is not reported again.
    pub(crate) fn report(
        &mut self,
        now: Instant,
        cadence: Cadence,
        skipped_at: impl Fn(u64) -> Option<Instant>,
        mut write: impl FnMut(u64, u64) -> bool,
    ) {
        let mut room = true;
        let mut earliest = Instant::FAR_FUTURE;
        for hole in &mut self.runs {
            let Some(planned) = hole.report_at else {
                continue;
            };
            if planned <= now && room {
                let end = skipped_at(hole.last);
                if hole.asked.is_some() && !cadence.is_worthwhile(now, end) {
                    hole.report_at = None;
                    continue;
                }
                room = write(hole.first, hole.last);
                if room {
                    let asked = cadence.ask(hole.asked, now);
                    hole.held = false;
                    hole.asked = Some(asked);
                    hole.report_at = Some(cadence.next(asked, now, end));
                }
            }
            earliest = earliest.min(hole.report_at.unwrap_or(Instant::FAR_FUTURE));
        }
        if self.runs.len() > MANY_RUNS {
            self.not_before = now + MANY_RUNS_INTERVAL;
        }
        self.next_report = earliest.max(self.not_before);
    }

    fn expect_report(&mut self, at: Instant) {
        self.next_report = self.next_report.min(at.max(self.not_before));
    }

    /// The first run that does not end before `index`.
    fn position(&self, index: u64) -> usize {
        self.runs.partition_point(|hole| hole.last < index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recv::Rtt;

    fn runs(holes: &Holes) -> Vec<(u64, u64)> {
        holes
            .runs
            .iter()
            .map(|hole| (hole.first, hole.last))
            .collect()
    }

    fn with(ranges: &[(u64, u64)]) -> Holes {
        let mut holes = Holes::default();
        for &(first, last) in ranges {
            holes.push(Instant::ZERO, first, last, Some(Instant::ZERO));
        }
        holes
    }

    /// Loss reports 50 ms apart.
    fn cadence() -> Cadence {
        Cadence::new(&Rtt::default(), Duration::from_millis(200))
    }

    fn reported(holes: &mut Holes, millis: u64) -> Vec<(u64, u64)> {
        let mut seen = Vec::new();
        holes.report(
            Instant::from_millis(millis),
            cadence(),
            |_| None,
            |first, last| {
                seen.push((first, last));
                true
            },
        );
        seen
    }

    #[test]
    fn an_arrival_shrinks_or_splits_its_run() {
        let mut holes = with(&[(10, 14), (20, 20)]);
        assert!(holes.fill(Instant::ZERO, 12).is_some());
        assert!(holes.fill(Instant::ZERO, 10).is_some());
        assert!(holes.fill(Instant::ZERO, 20).is_some());
        assert!(holes.fill(Instant::ZERO, 20).is_none());
        assert_eq!(runs(&holes), [(11, 11), (13, 14)]);
    }

    #[test]
    fn a_run_is_reported_again_after_the_interval_and_not_before() {
        let mut holes = with(&[(10, 11)]);
        assert_eq!(reported(&mut holes, 0), [(10, 11)]);
        assert_eq!(reported(&mut holes, 49), []);
        assert_eq!(holes.next_report(), Instant::from_millis(50));
        holes.push(Instant::ZERO, 30, 30, Some(Instant::from_millis(45)));
        assert_eq!(reported(&mut holes, 49), [(30, 30)]);
        assert_eq!(reported(&mut holes, 50), [(10, 11)]);
    }

    #[test]
    fn what_does_not_fit_into_a_report_stays_due() {
        let mut holes = with(&[(10, 10), (12, 12)]);
        let mut room = 1;
        holes.report(
            Instant::ZERO,
            cadence(),
            |_| None,
            |_, _| {
                room -= 1;
                room >= 0
            },
        );
        assert_eq!(holes.next_report(), Instant::ZERO);
        assert_eq!(reported(&mut holes, 0), [(12, 12)]);
    }

    #[test]
    fn a_run_is_reported_once_and_again_only_while_it_can_be_repaired() {
        let mut rtt = Rtt::default();
        rtt.measure(Duration::from_millis(40));
        let cadence = Cadence::new(&rtt, Duration::from_millis(200));
        let mut holes = with(&[(10, 11), (13, 14)]);
        let mut seen = Vec::new();
        let skipped_at = |last| Some(Instant::from_millis(if last > 11 { 500 } else { 20 }));
        for millis in [0, 100, 200] {
            let now = Instant::from_millis(millis);
            holes.report(now, cadence, skipped_at, |first, _| {
                seen.push(first);
                true
            });
        }
        assert_eq!(seen, [10, 13, 13, 13]);
    }

    #[test]
    fn packets_given_up_by_the_sender_are_not_reported_any_more() {
        let mut holes = with(&[(10, 19)]);
        holes.give_up(12, 15);
        assert_eq!(reported(&mut holes, 0), [(10, 11), (16, 19)]);
        assert_eq!(runs(&holes), [(10, 11), (12, 15), (16, 19)]);
    }

    #[test]
    fn what_is_held_back_is_reported_once_it_is_released_and_nothing_else() {
        let mut holes = Holes::default();
        holes.hold(Instant::ZERO, 10, 19, Instant::FAR_FUTURE);
        holes.hold(Instant::ZERO, 30, 30, Instant::from_millis(900));
        assert_eq!(reported(&mut holes, 500), []);
        holes.release(12, 13, Instant::from_millis(600));
        holes.release(20, 29, Instant::from_millis(600));
        assert_eq!(reported(&mut holes, 599), []);
        assert_eq!(reported(&mut holes, 600), [(12, 13)]);
        holes.release(0, 13, Instant::from_millis(601));
        assert_eq!(reported(&mut holes, 602), [(10, 11)]);
        assert_eq!(reported(&mut holes, 899), [(10, 11), (12, 13)]);
        assert_eq!(reported(&mut holes, 900), [(30, 30)], "the last moment");
        assert!(!holes.first_gap_is_given_up());
    }

    #[test]
    fn forgetting_counts_what_was_missing() {
        let mut holes = with(&[(10, 14), (20, 25)]);
        assert_eq!(holes.forget_before(22), 7);
        assert_eq!(runs(&holes), [(22, 25)]);
        assert_eq!(holes.forget_before(u64::MAX), 4);
        assert!(holes.is_empty());
    }
}
