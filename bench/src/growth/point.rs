//! What one number of connections costs.

use crate::load::Spread;
use serde::{Deserialize, Serialize};

/// Stream rate of the connections that are not idle.
pub(crate) const RATE_BPS: u64 = 1_000_000;

/// What the connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    IdlePublishers,
    IdleReaders,
    Publishers,
    Readers,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [
        Self::IdlePublishers,
        Self::IdleReaders,
        Self::Publishers,
        Self::Readers,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::IdlePublishers => "publishers, connected and silent",
            Self::IdleReaders => "readers of one silent source",
            Self::Publishers => "publishers at 1 Mbit/s each",
            Self::Readers => "readers of one source at 1 Mbit/s",
        }
    }

    /// Publishers and readers when there are so many connections of this kind.
    pub(crate) const fn clients(self, connections: usize) -> (usize, usize) {
        match self {
            Self::IdlePublishers | Self::Publishers => (connections, 0),
            Self::IdleReaders | Self::Readers => (1, connections),
        }
    }

    pub(crate) const fn rate_bps(self) -> u64 {
        match self {
            Self::IdlePublishers | Self::IdleReaders => 0,
            Self::Publishers | Self::Readers => RATE_BPS,
        }
    }
}

/// What so many connections of a kind cost a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) server: String,
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    /// CPU time of the server, of one core.
    pub(crate) cpu_percent: f64,
    pub(crate) resident_bytes: u64,
    pub(crate) threads: u64,
    /// How late the generator sent: it shares the machine with the server.
    #[serde(default)]
    pub(crate) lateness_ms: Spread,
    /// Why this measurement does not count.
    pub(crate) refused: Option<String>,
}

impl Point {
    /// CPU time that each connection takes in a second.
    pub(crate) fn cpu_micros_per_connection(&self) -> f64 {
        self.cpu_percent / 100.0 * 1e6 / self.connections as f64
    }

    /// CPU time of a gigabit, where something is carried.
    pub(crate) fn cpu_seconds_per_gbit(&self) -> Option<f64> {
        let bps = self.kind.rate_bps() * self.connections as u64;
        (bps > 0).then(|| self.cpu_percent / 100.0 * 1e9 / bps as f64)
    }

    pub(crate) fn counts(&self) -> bool {
        self.refused.is_none()
    }
}

/// For each server, kind and number the measurement with the median CPU time; one that was
/// refused only when every one was.
pub(crate) fn medians(points: &[Point]) -> Vec<Point> {
    let key = |point: &Point| (point.server.clone(), point.kind, point.connections);
    let mut keys = Vec::new();
    for point in points {
        if !keys.contains(&key(point)) {
            keys.push(key(point));
        }
    }
    let median = |wanted: &(String, Kind, usize)| {
        let all = points.iter().filter(|point| key(point) == *wanted);
        let mut counting: Vec<&Point> = all.clone().filter(|point| point.counts()).collect();
        counting.sort_by(|a, b| a.cpu_percent.total_cmp(&b.cpu_percent));
        let middle = counting.get(counting.len() / 2).copied();
        middle.or_else(|| all.clone().next()).cloned()
    };
    keys.iter().filter_map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(kind: Kind, connections: usize, cpu_percent: f64, refused: Option<&str>) -> Point {
        Point {
            server: "tidegate".to_owned(),
            kind,
            connections,
            cpu_percent,
            resident_bytes: 0,
            threads: 1,
            lateness_ms: Spread::default(),
            refused: refused.map(str::to_owned),
        }
    }

    #[test]
    fn cost_is_told_for_a_connection_and_for_a_gigabit() {
        let carrying = point(Kind::Readers, 100, 5.0, None);
        assert!((carrying.cpu_micros_per_connection() - 500.0).abs() < 1e-9);
        assert!((carrying.cpu_seconds_per_gbit().unwrap() - 0.5).abs() < 1e-9);
        let idle = point(Kind::IdleReaders, 100, 5.0, None);
        assert_eq!(idle.cpu_seconds_per_gbit(), None);
    }

    #[test]
    fn the_median_counts_and_a_refused_measurement_only_when_there_is_no_other() {
        let points = [
            point(Kind::Readers, 1, 3.0, None),
            point(Kind::Readers, 1, 0.1, Some("lost")),
            point(Kind::Readers, 1, 1.0, None),
            point(Kind::Readers, 1, 2.0, None),
            point(Kind::Readers, 10, 9.0, Some("late")),
        ];
        let medians = medians(&points);
        assert_eq!(medians.len(), 2);
        assert_eq!((medians[0].cpu_percent, medians[0].counts()), (2.0, true));
        assert_eq!(medians[1].refused.as_deref(), Some("late"));
    }
}
