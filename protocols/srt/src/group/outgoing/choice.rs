use super::activity::Activity;

/// A leg that is up, as the choice sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    /// Its place among the legs of the group.
    pub(crate) place: usize,
    pub(crate) weight: u16,
    pub(crate) activity: Activity,
}

impl Candidate {
    /// Nobody: fills a list.
    pub(crate) const NONE: Self = Self {
        place: usize::MAX,
        weight: 0,
        activity: Activity::Standby { rests: true },
    };
}

/// The standby leg that has to be activated: of the greatest weight, if no other leg carries
/// the stream well or none of its weight does so at all.
pub(crate) fn to_activate(legs: &[Candidate]) -> Option<usize> {
    let waits = |leg: &&Candidate| !leg.activity.carries();
    // Of equals the first: the order of the settings.
    let best = legs
        .iter()
        .filter(waits)
        .rev()
        .max_by_key(|leg| leg.weight)?;
    let works = |leg: &Candidate| {
        let good = matches!(leg.activity, Activity::Stable | Activity::Fresh { .. });
        leg.activity.carries() && good
    };
    let carries = legs.iter().filter(|leg| leg.activity.carries());
    let heaviest = carries.map(|leg| leg.weight).max();
    let is_needed =
        !legs.iter().any(works) || heaviest.is_none_or(|heaviest| heaviest < best.weight);
    is_needed.then_some(best.place)
}

/// The stable leg that the others make room for, if there is one: of the greatest weight.
pub(crate) fn keeper(legs: &[Candidate]) -> Option<Candidate> {
    let stable = |leg: &&Candidate| leg.activity == Activity::Stable;
    let stable = legs.iter().filter(stable).rev();
    stable.max_by_key(|leg| leg.weight).copied()
}

/// Whether a leg has to be silenced because the keeper carries the stream.
///
/// One of a greater weight that is not stable stays: it may become so.
pub(crate) fn is_redundant(leg: &Candidate, keeper: &Candidate) -> bool {
    leg.place != keeper.place && leg.activity.carries() && leg.weight <= keeper.weight
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_units::Instant;

    const STANDBY: Activity = Activity::Standby { rests: true };
    const FRESH: Activity = Activity::Fresh {
        since: Instant::ZERO,
    };
    const UNSTABLE: Activity = Activity::Unstable {
        since: Instant::ZERO,
    };

    fn legs(legs: &[(u16, Activity)]) -> Vec<Candidate> {
        let candidate = |(place, (weight, activity)): (usize, &(u16, Activity))| Candidate {
            place,
            weight: *weight,
            activity: *activity,
        };
        legs.iter().enumerate().map(candidate).collect()
    }

    fn redundant(candidates: &[(u16, Activity)]) -> Vec<usize> {
        let legs = legs(candidates);
        let Some(keeper) = keeper(&legs) else {
            return Vec::new();
        };
        let redundant = legs.iter().filter(|leg| is_redundant(leg, &keeper));
        redundant.map(|leg| leg.place).collect()
    }

    #[test]
    fn the_heaviest_waiting_leg_is_activated_when_none_works() {
        let first = legs(&[(1, STANDBY), (5, STANDBY), (5, STANDBY)]);
        assert_eq!(to_activate(&first), Some(1));
        let broken = legs(&[(9, UNSTABLE), (1, STANDBY), (2, STANDBY)]);
        assert_eq!(to_activate(&broken), Some(2));
        assert_eq!(to_activate(&legs(&[(9, UNSTABLE)])), None);
    }

    #[test]
    fn a_heavier_leg_than_the_working_one_is_activated_and_a_lighter_one_is_not() {
        let back = legs(&[(9, STANDBY), (1, Activity::Stable)]);
        assert_eq!(to_activate(&back), Some(0));
        assert_eq!(to_activate(&legs(&[(9, FRESH), (1, STANDBY)])), None);
        assert_eq!(to_activate(&legs(&[(9, FRESH), (9, STANDBY)])), None);
    }

    #[test]
    fn beside_a_stable_leg_none_of_its_weight_or_less_carries_anything() {
        let stable = Activity::Stable;
        assert_eq!(redundant(&[(9, stable), (1, stable)]), [1]);
        assert_eq!(redundant(&[(9, FRESH), (1, stable)]), [0_usize; 0]);
        assert_eq!(redundant(&[(9, UNSTABLE), (1, stable)]), [0_usize; 0]);
        assert_eq!(redundant(&[(5, UNSTABLE), (5, stable)]), [0]);
        assert_eq!(redundant(&[(5, stable), (5, stable)]), [1]);
        assert_eq!(redundant(&[(9, stable), (1, STANDBY)]), [0_usize; 0]);
        assert_eq!(redundant(&[(1, FRESH), (9, UNSTABLE)]), [0_usize; 0]);
    }
}
