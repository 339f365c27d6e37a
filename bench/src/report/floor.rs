//! The lowest floor of each scenario: what servers are compared with.

use super::Figure;

/// Of each scenario's floors shows the cheapest that is fair, and no other.
pub(crate) fn show_lowest_floors(figures: &mut [Figure]) {
    let lowest: Vec<bool> = (0..figures.len())
        .map(|one| is_lowest(figures, one))
        .collect();
    for (figure, is_lowest) in figures.iter_mut().zip(lowest) {
        figure.is_shown = figure.floor.is_none() || is_lowest;
    }
}

/// The floor that is shown beside this figure.
pub(super) fn below<'a>(figure: &Figure, figures: &'a [Figure]) -> Option<&'a Figure> {
    figures
        .iter()
        .find(|other| other.floor.is_some() && other.is_shown && other.scenario == figure.scenario)
}

fn is_lowest(figures: &[Figure], one: usize) -> bool {
    let candidates = figures.iter().enumerate().filter(|(_, figure)| {
        figure.scenario == figures[one].scenario
            && figure
                .floor
                .is_some_and(|setup| setup.is_fair_in(&figure.scenario))
    });
    let costs = candidates.filter_map(|(place, f)| Some((f.cpu_seconds_per_gbit()?, place)));
    let lowest = costs.min_by(|(a, _), (b, _)| a.total_cmp(b));
    lowest.is_some_and(|(_, place)| place == one)
}

#[cfg(test)]
mod tests {
    use super::super::figure::tests::figure;
    use super::*;
    use crate::floor::{Kind, Setup};

    fn floor(gather_us: u64, answers: bool, cpu: Option<f64>) -> Figure {
        let setup = Setup {
            kind: Kind::Offload,
            gather_us,
            answers,
        };
        Figure {
            floor: Some(setup),
            ..figure(&setup.name(), 0, cpu)
        }
    }

    #[test]
    fn only_the_cheapest_floor_that_is_fair_and_counts_is_shown() {
        let mut figures = [
            figure("tidegate", 0, Some(0.3)),
            floor(0, true, Some(0.2)),
            floor(500, true, Some(0.1)),
            floor(500, false, Some(0.05)),
            floor(10_000, true, Some(0.02)),
            floor(5000, true, None),
        ];
        show_lowest_floors(&mut figures);
        let shown: Vec<bool> = figures.iter().map(|figure| figure.is_shown).collect();
        assert_eq!(shown, [true, false, true, false, false, false]);
        let below = below(&figures[0], &figures).unwrap();
        assert_eq!(below.cpu_seconds_per_gbit(), Some(0.1));
    }
}
