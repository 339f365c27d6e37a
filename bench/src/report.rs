//! Figures, their medians, and the table.

use crate::load::Outcome;
use crate::scenario::Scenario;
use crate::usage::Usage;
use serde::Serialize;

/// What one server cost in one scenario.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) server: String,
    pub(crate) scenario: String,
    publishers: usize,
    readers: usize,
    pub(crate) cpu_seconds_per_gbit: f64,
    resident_bytes: u64,
    threads: u64,
    added_latency_mean_ms: f64,
    retransmitted_packets: u64,
    /// Why this measurement does not count.
    pub(crate) refused: Option<String>,
}

impl Figure {
    pub(crate) fn new(
        server: &str,
        scenario: Scenario,
        cpu_seconds_per_gbit: f64,
        usage: Usage,
        said: &Outcome,
        refused: Option<String>,
    ) -> Self {
        Self {
            server: server.to_owned(),
            scenario: scenario.name.to_owned(),
            publishers: scenario.publishers,
            readers: scenario.readers,
            cpu_seconds_per_gbit,
            resident_bytes: usage.resident_bytes,
            threads: usage.threads,
            added_latency_mean_ms: said.delay_ms.mean,
            retransmitted_packets: said.sent_again_packets,
            refused,
        }
    }
}

/// One figure for each server and scenario: the one with the median cost. A figure that
/// was refused counts only when every repetition was.
pub(crate) fn medians(figures: &[Figure]) -> Vec<Figure> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for figure in figures {
        if !names.contains(&(&figure.scenario, &figure.server)) {
            names.push((&figure.scenario, &figure.server));
        }
    }
    names
        .into_iter()
        .filter_map(|(scenario, server)| median(figures, scenario, server))
        .collect()
}

fn median(figures: &[Figure], scenario: &str, server: &str) -> Option<Figure> {
    let all = || {
        figures
            .iter()
            .filter(|figure| figure.scenario == scenario && figure.server == server)
    };
    let mut counted: Vec<&Figure> = all().filter(|figure| figure.refused.is_none()).collect();
    counted.sort_by(|a, b| a.cpu_seconds_per_gbit.total_cmp(&b.cpu_seconds_per_gbit));
    counted
        .get(counted.len() / 2)
        .copied()
        .or_else(|| all().next())
        .cloned()
}

pub(crate) fn print(figures: &[Figure]) {
    println!(
        "| scenario (6 Mbit/s each) | server | CPU-s per Gbit | × peer | memory | threads | latency | sent again |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for figure in figures {
        if let Some(why) = &figure.refused {
            println!(
                "| {} | {} | no figure: {why} | | | | | |",
                figure.scenario, figure.server
            );
            continue;
        }
        let peer = figures.iter().find(|other| {
            other.scenario == figure.scenario
                && other.server != figure.server
                && other.refused.is_none()
        });
        let ratio = peer.map_or(String::new(), |peer| {
            format!(
                "{:.2}",
                figure.cpu_seconds_per_gbit / peer.cpu_seconds_per_gbit
            )
        });
        let latency = if figure.readers == 0 {
            String::new()
        } else {
            format!("{:.1} ms", figure.added_latency_mean_ms)
        };
        println!(
            "| {} | {} | {:.2} | {ratio} | {:.1} MB | {} | {latency} | {} |",
            figure.scenario,
            figure.server,
            figure.cpu_seconds_per_gbit,
            figure.resident_bytes as f64 / 1e6,
            figure.threads,
            figure.retransmitted_packets,
        );
    }
    slope(figures, "a reader", ("1 → 10", 10.0), ("1 → 100", 100.0));
    slope(figures, "a publisher", ("1 → 0", 1.0), ("50 → 0", 50.0));
}

fn slope(figures: &[Figure], what: &str, few: (&str, f64), many: (&str, f64)) {
    for server in ["tidegate", "srt-live-transmit"] {
        let memory = |scenario: &str| {
            figures.iter().find(|figure| {
                figure.scenario == scenario && figure.server == server && figure.refused.is_none()
            })
        };
        if let (Some(low), Some(high)) = (memory(few.0), memory(many.0)) {
            let bytes = high.resident_bytes as f64 - low.resident_bytes as f64;
            println!(
                "\nMemory for {what}, {server}: {:.0} KB",
                bytes / (many.1 - few.1) / 1e3
            );
        }
    }
}
