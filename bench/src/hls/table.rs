//! What viewers cost and got, and how figures are printed.

use super::account::Used;
use super::crowd::Watched;
use serde::Serialize;

/// What some viewers cost and got.
#[derive(Debug, Serialize)]
pub(super) struct Viewed {
    viewers: usize,
    delivered_bps: f64,
    cpu_seconds_per_gbit: f64,
    /// Of one core, what the server used.
    server_busy: f64,
    /// Of one core, what the viewers used.
    viewers_busy: f64,
    memory_grew_bytes: u64,
    largest_segment_bytes: u64,
    requests_per_second: f64,
    request_p50_ms: f64,
    request_p99_ms: f64,
    request_max_ms: f64,
    segments: u64,
    missed: u64,
    late: u64,
    refused: Option<String>,
}

impl Viewed {
    pub(super) fn new(
        viewers: usize,
        used: Used,
        memory_grew_bytes: u64,
        watched: Watched,
        refused: Option<String>,
    ) -> Self {
        let (seconds, cpu) = (watched.time.as_secs_f64(), used.cpu.as_secs_f64());
        let mut figures = watched.figures;
        figures.request_us.sort_unstable();
        let request_us = figures.request_us;
        let percentile_ms = |percent: usize| {
            let index = (request_us.len() * percent / 100).min(request_us.len().saturating_sub(1));
            f64::from(request_us.get(index).copied().unwrap_or(0)) / 1000.0
        };
        let bits = figures.body_bytes as f64 * 8.0;
        Self {
            viewers,
            delivered_bps: bits / seconds,
            cpu_seconds_per_gbit: cpu / (bits / 1e9),
            server_busy: cpu / seconds,
            viewers_busy: watched.busy,
            memory_grew_bytes,
            largest_segment_bytes: figures.sizes.into_values().max().unwrap_or(0),
            requests_per_second: request_us.len() as f64 / seconds,
            request_p50_ms: percentile_ms(50),
            request_p99_ms: percentile_ms(99),
            request_max_ms: percentile_ms(100),
            segments: figures.segments,
            missed: figures.missed,
            late: figures.late,
            refused,
        }
    }
}

/// A row for each number of viewers.
pub(super) fn of_viewers(bits_per_second: u64, viewed: &[Viewed]) -> String {
    let megabits = bits_per_second as f64 / 1e6;
    let mut lines = vec![
        format!(
            "| viewers of {megabits} Mbit/s | delivered | server CPU-s per Gbit | server, cores | \
             memory more | per viewer | requests/s | p50 | p99 | longest | viewers, cores |"
        ),
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    for row in viewed {
        if let Some(reason) = &row.refused {
            lines.push(format!("| {} | refused: {reason} |", row.viewers));
            continue;
        }
        let each = row.memory_grew_bytes / row.viewers.max(1) as u64 / 1024;
        lines.push(format!(
            "| {} | {:.1} Mbit/s | {:.3} | {:.3} | {} | {each} KB | {:.0} | {:.2} ms | {:.2} ms | {:.1} ms | {:.2} |",
            row.viewers,
            row.delivered_bps / 1e6,
            row.cpu_seconds_per_gbit,
            row.server_busy,
            megabytes(row.memory_grew_bytes),
            row.requests_per_second,
            row.request_p50_ms,
            row.request_p99_ms,
            row.request_max_ms,
            row.viewers_busy,
        ));
    }
    let largest = viewed.iter().map(|row| row.largest_segment_bytes).max();
    lines.push(format!(
        "\nThe largest segment had {} KB.",
        largest.unwrap_or(0) / 1024
    ));
    lines.join("\n")
}

pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
