//! What one server cost in one scenario.

use crate::floor::Setup;
use crate::load::{Outcome, Spread};
use crate::measure::Observed;
use crate::scenario::Scenario;
use serde::Serialize;

/// One measurement, or the median of several, or why there is none.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) server: String,
    pub(crate) scenario: Scenario,
    /// Which floor this is, if it is no server.
    pub(crate) floor: Option<Setup>,
    /// Not for a floor that another one is below.
    pub(crate) is_shown: bool,
    /// Of the server, if this measurement counts.
    pub(crate) cost: Option<Cost>,
    /// Why it does not count.
    pub(crate) refused: Option<String>,
    /// What the generator saw, also when it does not count.
    pub(crate) seen: Option<Outcome>,
}

/// What a server used.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) cpu_seconds_per_gbit: f64,
    /// The least and the most of all repetitions that count, and how many those are.
    pub(crate) cpu_seconds_per_gbit_range: [f64; 2],
    pub(crate) repetitions: usize,
    pub(crate) cpu_counted_by: &'static str,
    pub(crate) resident_bytes: u64,
    pub(crate) proportional_bytes: u64,
    pub(crate) threads: u64,
    pub(crate) voluntary_switches_per_second: f64,
    pub(crate) involuntary_switches_per_second: f64,
    pub(crate) system_calls_per_packet: Option<f64>,
    pub(crate) system_calls_counted_by: Option<&'static str>,
    /// The delay less what it is meant to be: the latency, or nothing in low-delay mode.
    pub(crate) added_delay_ms: Spread,
}

impl Figure {
    /// From a measurement that was made.
    pub(crate) fn of(server: &str, scenario: &Scenario, observed: Observed) -> Self {
        let cost = observed
            .refused
            .is_none()
            .then(|| Cost::of(scenario, &observed));
        Self {
            server: server.to_owned(),
            scenario: *scenario,
            floor: None,
            is_shown: true,
            cost,
            refused: observed.refused,
            seen: Some(observed.said),
        }
    }

    /// Of a floor, which passes packets on at once and has no latency to wait for.
    pub(crate) fn of_floor(self, setup: Setup) -> Self {
        let mut cost = self.cost;
        if let (Some(cost), Some(seen)) = (&mut cost, &self.seen) {
            cost.added_delay_ms = seen.delay_ms;
        }
        Self {
            floor: Some(setup),
            cost,
            ..self
        }
    }

    /// There is none.
    pub(crate) fn none(server: &str, scenario: &Scenario, why: String) -> Self {
        Self {
            server: server.to_owned(),
            scenario: *scenario,
            floor: None,
            is_shown: true,
            cost: None,
            refused: Some(why),
            seen: None,
        }
    }

    pub(crate) fn cpu_seconds_per_gbit(&self) -> Option<f64> {
        self.cost.as_ref().map(|cost| cost.cpu_seconds_per_gbit)
    }

    fn is_of(&self, other: &Self) -> bool {
        self.server == other.server && self.scenario == other.scenario
    }
}

impl Cost {
    fn of(scenario: &Scenario, observed: &Observed) -> Self {
        let seconds = observed.time.as_secs_f64();
        let (before, after) = (observed.before, observed.after);
        let cpu = observed.cpu.as_secs_f64() / scenario.gigabits(seconds);
        let per_second = |before: u64, after: u64| after.saturating_sub(before) as f64 / seconds;
        let calls = observed.calls;
        Self {
            cpu_seconds_per_gbit: cpu,
            cpu_seconds_per_gbit_range: [cpu, cpu],
            repetitions: 1,
            cpu_counted_by: observed.cpu_counted_by,
            resident_bytes: after.resident_bytes,
            proportional_bytes: after.proportional_bytes,
            threads: after.threads,
            voluntary_switches_per_second: per_second(
                before.voluntary_switches,
                after.voluntary_switches,
            ),
            involuntary_switches_per_second: per_second(
                before.involuntary_switches,
                after.involuntary_switches,
            ),
            system_calls_per_packet: calls
                .map(|calls| calls.per_second / scenario.packets_per_second()),
            system_calls_counted_by: calls.map(|calls| calls.counted_by),
            added_delay_ms: observed.said.delay_ms.less(scenario.intended_delay_ms()),
        }
    }
}

/// One figure for each server and scenario, in the order they came: the one with the median
/// cost of those that count. One that was refused stands only where every repetition was.
pub(crate) fn medians(figures: &[Figure]) -> Vec<Figure> {
    let mut medians: Vec<Figure> = Vec::new();
    for figure in figures {
        if !medians.iter().any(|known| known.is_of(figure)) {
            medians.push(median(figure, figures));
        }
    }
    medians
}

fn median(first: &Figure, figures: &[Figure]) -> Figure {
    let mut counted: Vec<(f64, &Figure)> = figures
        .iter()
        .filter(|figure| figure.is_of(first))
        .filter_map(|figure| Some((figure.cpu_seconds_per_gbit()?, figure)))
        .collect();
    counted.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (Some((least, _)), Some((most, _))) = (counted.first(), counted.last()) else {
        return first.clone();
    };
    let mut median = counted[counted.len() / 2].1.clone();
    if let Some(cost) = &mut median.cost {
        cost.cpu_seconds_per_gbit_range = [*least, *most];
        cost.repetitions = counted.len();
    }
    median
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::scenario::ALL;

    pub(in crate::report) fn figure(server: &str, scenario: usize, cpu: Option<f64>) -> Figure {
        let cost = cpu.map(|cpu| Cost {
            cpu_seconds_per_gbit: cpu,
            cpu_seconds_per_gbit_range: [cpu, cpu],
            repetitions: 1,
            cpu_counted_by: "a test",
            resident_bytes: 1_000_000,
            proportional_bytes: 900_000,
            threads: 3,
            voluntary_switches_per_second: 10.0,
            involuntary_switches_per_second: 1.0,
            system_calls_per_packet: Some(0.5),
            system_calls_counted_by: Some("a test"),
            added_delay_ms: Spread::default(),
        });
        Figure {
            server: server.to_owned(),
            scenario: ALL[scenario],
            floor: None,
            is_shown: true,
            refused: cost.is_none().then(|| "packets were lost".to_owned()),
            cost,
            seen: None,
        }
    }

    #[test]
    fn the_median_stands_and_the_range_is_told() {
        let figures = [2.0, 9.0, 1.0].map(|cpu| figure("a", 0, Some(cpu)));
        let found = medians(&figures);
        assert_eq!(found.len(), 1);
        let cost = found[0].cost.as_ref().unwrap();
        assert_eq!(cost.cpu_seconds_per_gbit, 2.0);
        assert_eq!(cost.cpu_seconds_per_gbit_range, [1.0, 9.0]);
        assert_eq!(cost.repetitions, 3);
    }

    #[test]
    fn what_was_refused_does_not_count_beside_what_was_not() {
        let figures = [None, Some(3.0), None].map(|cpu| figure("a", 0, cpu));
        let found = medians(&figures);
        assert_eq!(found[0].cpu_seconds_per_gbit(), Some(3.0));
        assert_eq!(found[0].cost.as_ref().unwrap().repetitions, 1);
    }

    #[test]
    fn where_everything_was_refused_the_reason_stands() {
        let figures = [
            figure("a", 0, None),
            figure("a", 0, None),
            figure("b", 0, Some(1.0)),
        ];
        let found = medians(&figures);
        assert_eq!(found.len(), 2);
        assert!(found[0].cost.is_none() && found[0].refused.is_some());
    }
}
