//! Who becomes whose twin, and who is let go again.

use super::leg::Leg;
use super::{COMPARE_AGAIN, COMPARE_AGAIN_CEILING, Merge, SAMPLED, recognise};
use tidegate_units::Instant;

impl<P: Clone> Merge<P> {
    /// Two that change places have the same twins: whoever is one of only one of them is let go,
    /// until it is recognised again.
    pub(super) fn part_from_others(&mut self, a: usize, b: usize) {
        for other in 0..self.lanes.len() {
            let is_third = other != a && other != b;
            if !is_third || self.lanes[a].has(other) == self.lanes[b].has(other) {
                continue;
            }
            for one in [a, b] {
                let at = self.pair(one, other);
                self.pairs[at].twins = false;
                self.lanes[one].remove(other, &self.inputs);
                self.lanes[other].remove(one, &self.inputs);
            }
        }
    }

    /// Looks for twins of an input by a packet of it; whether one was found.
    #[inline]
    pub(super) fn recognise(&mut self, now: Instant, input: usize, index: u64, hash: u64) -> bool {
        hash.is_multiple_of(SAMPLED) && self.look_for_twins(now, input, index, hash)
    }

    #[inline(never)]
    fn look_for_twins(&mut self, now: Instant, input: usize, index: u64, hash: u64) -> bool {
        let mut is_found = false;
        for other in 0..self.inputs.len() {
            let at = self.pair(input, other);
            let pair = &mut self.pairs[at];
            if other == input || pair.twins || now < pair.again_at {
                continue;
            }
            let (ours, theirs) = (&self.inputs[input], &self.inputs[other]);
            let Some(same) = theirs.find_only(hash).filter(|_| !ours.is_repeated(index)) else {
                continue;
            };
            pair.twins = recognise::are_near(ours, index, theirs, same)
                && recognise::are_twins(ours, index, theirs, same);
            if pair.twins {
                is_found = true;
                pair.pause = COMPARE_AGAIN;
                self.lanes[input].add(other, same, index, &self.inputs);
                self.lanes[other].add(input, index, same, &self.inputs);
            } else {
                pair.again_at = now + pair.pause;
                pair.pause = (pair.pause * 2).min(COMPARE_AGAIN_CEILING);
            }
        }
        is_found
    }

    /// Lets go what is no twin any more: of an input that went its own way in its own lane, all.
    pub(super) fn part_strangers(&mut self, now: Instant, input: usize) {
        for lane in 0..self.lanes.len() {
            if !self.lanes[lane].is_estranged(now, input) {
                continue;
            }
            let has_other_clock = self.lanes[lane]
                .leg(input)
                .is_some_and(Leg::has_other_clock);
            if self.on_air == Some(input) && !has_other_clock && self.stand_in(now, input).is_some()
            {
                self.leaving = true;
                return;
            }
            for other in 0..self.inputs.len() {
                if lane == input || lane == other {
                    self.part(now, input, other);
                }
            }
        }
    }

    pub(super) fn part(&mut self, now: Instant, a: usize, b: usize) {
        let at = self.pair(a, b);
        let Some(pair) = self.pairs.get_mut(at).filter(|pair| pair.twins) else {
            return;
        };
        pair.twins = false;
        pair.again_at = now + COMPARE_AGAIN;
        self.lanes[a].remove(b, &self.inputs);
        self.lanes[b].remove(a, &self.inputs);
    }
}
