//! What making segments costs: the same sources with HLS outputs and without, taking turns.

use super::stage::Stage;
use super::table::megabytes;
use super::{Options, WARM_UP};
use crate::runner::eprint_progress;
use crate::stream::Stream;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Pairs of measurements; the one with the median difference counts.
const PAIRS: usize = 3;
/// How many are begun to get so many that count.
const PAIRS_BEGUN_MAX: usize = 5;
/// Differences further apart than this share of their median are noise.
const DISAGREEMENT_MAX: f64 = 0.5;

/// What it costs to make segments.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    sources: usize,
    source_bps: u64,
    /// By what the segments of each cost.
    pairs: Vec<Pair>,
    /// Why the middle one is no figure.
    refused: Option<String>,
}

/// What the same sources cost without any output, and with an HLS output each.
#[derive(Clone, Copy, Debug, Serialize)]
struct Pair {
    without_hls: Cost,
    with_hls: Cost,
}

/// CPU time for a gigabit that came in, and memory.
#[derive(Clone, Copy, Debug, Serialize)]
struct Cost {
    cpu_seconds_per_gbit: f64,
    /// Of the threads that make segments.
    segmenting_cpu_seconds_per_gbit: f64,
    memory_bytes: u64,
}

/// Measures pairs until enough of them count.
pub(super) fn measure(options: &Options, stream: &Arc<Stream>) -> anyhow::Result<Made> {
    let (mut pairs, mut refused) = (Vec::new(), None);
    for begun in 1..=PAIRS_BEGUN_MAX {
        if pairs.len() == PAIRS {
            break;
        }
        eprint_progress(&format!("HLS: making segments ({begun})"));
        let without = cost(options, stream, false)?;
        let with = cost(options, stream, true)?;
        match (without, with) {
            (Ok(without_hls), Ok(with_hls)) => pairs.push(Pair {
                without_hls,
                with_hls,
            }),
            (Err(reason), _) | (_, Err(reason)) => refused = Some(reason),
        }
    }
    let refused = refused.filter(|_| pairs.len() < PAIRS);
    Ok(Made::new(
        options.sources,
        options.source_bps,
        pairs,
        refused,
    ))
}

/// The server with its sources and without viewers; or why the measurement does not count.
fn cost(
    options: &Options,
    stream: &Arc<Stream>,
    hls: bool,
) -> anyhow::Result<Result<Cost, String>> {
    let stage = Stage::set(&options.tidegate, options.sources, stream, hls)?;
    std::thread::sleep(WARM_UP);
    let before = stage.used()?;
    let time = Duration::from_secs(options.seconds);
    std::thread::sleep(time);
    let used = stage.used()?.since(before);
    if let Some(reason) = stage.strike()? {
        return Ok(Err(reason));
    }
    let bits_per_second = options.sources as f64 * options.source_bps as f64;
    let gigabits = bits_per_second * time.as_secs_f64() / 1e9;
    Ok(Ok(Cost {
        cpu_seconds_per_gbit: used.cpu.as_secs_f64() / gigabits,
        segmenting_cpu_seconds_per_gbit: used.segmenting_cpu.as_secs_f64() / gigabits,
        memory_bytes: used.memory_bytes,
    }))
}

impl Pair {
    /// What segments cost: CPU-seconds for a gigabit, of the threads that make them.
    fn difference(&self) -> f64 {
        self.with_hls.segmenting_cpu_seconds_per_gbit
            - self.without_hls.segmenting_cpu_seconds_per_gbit
    }
}

impl Made {
    fn new(sources: usize, source_bps: u64, mut pairs: Vec<Pair>, refused: Option<String>) -> Self {
        pairs.sort_by(|a, b| a.difference().total_cmp(&b.difference()));
        let refused = refused.or_else(|| disagreement(&pairs));
        Self {
            sources,
            source_bps,
            pairs,
            refused,
        }
    }

    /// The least, the median and the most that segments cost.
    fn differences(&self) -> Option<[f64; 3]> {
        differences(&self.pairs)
    }
}

/// Of pairs in order.
fn differences(pairs: &[Pair]) -> Option<[f64; 3]> {
    let middle = pairs.get(pairs.len() / 2)?;
    let (least, most) = (pairs.first()?, pairs.last()?);
    Some([least, middle, most].map(Pair::difference))
}

/// Why pairs in order say nothing about what segments cost.
fn disagreement(pairs: &[Pair]) -> Option<String> {
    let [least, median, most] = differences(pairs)?;
    let is_noise = least <= 0.0 || most - least > median * DISAGREEMENT_MAX;
    is_noise.then(|| format!("pairs of measurements differ by {least:.3} to {most:.3}"))
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sources, megabits) = (self.sources, self.source_bps as f64 / 1e6);
        writeln!(
            f,
            "| {sources} × {megabits} Mbit/s of H.264 and AAC in | CPU-s per Gbit | of it, segmenting threads | memory |"
        )?;
        writeln!(f, "|---|---:|---:|---:|")?;
        if let Some(reason) = &self.refused {
            return writeln!(f, "| the frame lane and HLS | no figure: {reason} | | |");
        }
        let (Some(pair), Some([least, median, most])) =
            (self.pairs.get(self.pairs.len() / 2), self.differences())
        else {
            return Ok(());
        };
        let (without, with) = (pair.without_hls, pair.with_hls);
        for (name, cost) in [("no output", without), ("each made into HLS", with)] {
            writeln!(
                f,
                "| {name} | {:.3} | {:.3} | {} |",
                cost.cpu_seconds_per_gbit,
                cost.segmenting_cpu_seconds_per_gbit,
                megabytes(cost.memory_bytes)
            )?;
        }
        let memory = with.memory_bytes.saturating_sub(without.memory_bytes);
        let each = megabytes(memory / sources as u64);
        writeln!(
            f,
            "| the frame lane and HLS | | {median:.3} ({least:.3}–{most:.3}) | {each} a stream |"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(differences: &[f64]) -> Made {
        let cost = |segmenting: f64| Cost {
            cpu_seconds_per_gbit: 0.5,
            segmenting_cpu_seconds_per_gbit: segmenting,
            memory_bytes: 0,
        };
        let pair = |difference: &f64| Pair {
            without_hls: cost(0.05),
            with_hls: cost(0.05 + difference),
        };
        Made::new(1, 1_000_000, differences.iter().map(pair).collect(), None)
    }

    #[test]
    fn the_median_of_pairs_that_agree_is_the_figure() {
        let table = made(&[0.26, 0.21, 0.23]).to_string();
        assert!(table.contains("| 0.230 (0.210–0.260) |"), "{table}");
    }

    #[test]
    fn pairs_that_disagree_or_say_that_segments_cost_nothing_are_no_figure() {
        for differences in [[0.2, 0.2, 0.31], [-0.01, 0.2, 0.21], [-0.3, -0.29, -0.28]] {
            let table = made(&differences).to_string();
            assert!(table.contains("no figure: pairs"), "{table}");
            assert!(!table.contains("MB"), "{table}");
        }
    }

    #[test]
    fn where_too_few_pairs_count_the_reason_stands() {
        let made = Made::new(1, 1, Vec::new(), Some("a publisher was late".to_owned()));
        assert!(made.to_string().contains("no figure: a publisher was late"));
    }
}
