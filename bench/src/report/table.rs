//! The table on standard output.

use super::Figure;
use super::figure::Cost;
use super::floor::below;
use super::slope::slopes;

const HEAD: &str = "\
| scenario | server | CPU-s per Gbit | × tidegate | × floor | memory | threads | switches/s | calls per packet | added delay p50 / p99 / max | burst p99 / max | sent again |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// Prints every figure, the memory slopes, and who counted.
pub(crate) fn print(figures: &[Figure]) {
    println!("{HEAD}");
    for figure in figures.iter().filter(|figure| figure.is_shown) {
        println!("{}", row(figure, figures));
    }
    let slopes = slopes(figures);
    if !slopes.is_empty() {
        println!("\n| memory for | server | slope |\n|---|---|---:|");
    }
    for slope in slopes {
        println!("{slope}");
    }
    let counted = |of: fn(&Cost) -> Option<&'static str>| {
        let mut names: Vec<&str> = figures
            .iter()
            .filter_map(|figure| of(figure.cost.as_ref()?))
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return "nothing".to_owned();
        }
        names.join(", ")
    };
    println!(
        "\nCPU time counted by: {}. System calls counted by: {}.",
        counted(|cost| Some(cost.cpu_counted_by)),
        counted(|cost| cost.system_calls_counted_by),
    );
}

fn row(figure: &Figure, figures: &[Figure]) -> String {
    let (title, server) = (figure.scenario.title, &figure.server);
    let Some(cost) = &figure.cost else {
        let why = figure.refused.as_deref().unwrap_or("not measured");
        return format!("| {title} | {server} | no figure: {why} | | | | | | | | | |");
    };
    let ours = figures
        .iter()
        .find(|other| other.scenario == figure.scenario && other.server == "tidegate")
        .and_then(Figure::cpu_seconds_per_gbit);
    let times = |other: Option<f64>| {
        other.map_or(String::new(), |other| {
            format!("{:.2}", cost.cpu_seconds_per_gbit / other)
        })
    };
    let (of_ours, of_floor) = (
        times(ours),
        times(below(figure, figures).and_then(Figure::cpu_seconds_per_gbit)),
    );
    let calls = cost
        .system_calls_per_packet
        .map_or("–".to_owned(), |calls| format!("{calls:.3}"));
    let seen = figure.seen.clone().unwrap_or_default();
    let (delay, burst) = if figure.scenario.readers == 0 {
        (String::new(), String::new())
    } else {
        let delay = cost.added_delay_ms;
        let burst = seen.burst_packets;
        (
            format!("{:.2} / {:.2} / {:.1} ms", delay.p50, delay.p99, delay.max),
            format!("{:.0} / {:.0}", burst.p99, burst.max),
        )
    };
    let switches = cost.voluntary_switches_per_second + cost.involuntary_switches_per_second;
    format!(
        "| {title} | {server} | {:.2}{} | {of_ours} | {of_floor} | {:.1} MB | {} | {switches:.0} | {calls} | {delay} | {burst} | {} |",
        cost.cpu_seconds_per_gbit,
        range(cost),
        cost.resident_bytes as f64 / 1e6,
        cost.threads,
        seen.sent_again_packets + seen.received_again_packets,
    )
}

/// The least and the most of several repetitions.
fn range(cost: &Cost) -> String {
    let [least, most] = cost.cpu_seconds_per_gbit_range;
    if cost.repetitions > 1 {
        format!(" ({least:.2}–{most:.2})")
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::figure::tests::figure;
    use super::*;

    #[test]
    fn a_figure_that_does_not_count_shows_why_and_nothing_else() {
        let refused = figure("peer", 0, None);
        let row = row(&refused, std::slice::from_ref(&refused));
        assert!(row.contains("no figure: packets were lost"), "{row}");
        assert!(!row.contains("MB"), "{row}");
    }

    #[test]
    fn a_peer_is_shown_as_a_multiple_of_ours() {
        let (ours, peer) = (
            figure("tidegate", 0, Some(0.5)),
            figure("peer", 0, Some(2.0)),
        );
        let row = row(&peer, &[ours, peer.clone()]);
        assert!(row.contains("| 2.00 | 4.00 |  | 1.0 MB |"), "{row}");
    }
}
