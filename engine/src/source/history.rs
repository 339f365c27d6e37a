use crate::limits;
use serde::Serialize;
use std::collections::VecDeque;
use std::time::SystemTime;

/// One second of a source's past.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HistoryPoint {
    /// When, in civil time.
    #[serde(with = "crate::time::rfc3339")]
    pub t: SystemTime,
    /// Received over that second.
    pub bitrate_bps: u64,
    /// Round-trip time.
    pub rtt_ms: Option<f64>,
    /// Packets missing at first.
    pub loss_percent: Option<f64>,
    /// Media waiting in the receive buffer.
    pub buffer_ms: Option<f64>,
}

/// The last ten minutes.
#[derive(Debug, Default)]
pub(crate) struct History {
    points: VecDeque<HistoryPoint>,
}

impl History {
    pub(crate) fn push(&mut self, point: HistoryPoint) {
        if self.points.len() == limits::HISTORY_POINTS {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }

    pub(crate) fn points(&self) -> Vec<HistoryPoint> {
        self.points.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn ten_minutes_are_kept_and_no_more() {
        let mut history = History::default();
        for second in 0..700 {
            let t = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            let bitrate_bps = second;
            let none = None;
            history.push(HistoryPoint {
                t,
                bitrate_bps,
                rtt_ms: none,
                loss_percent: none,
                buffer_ms: none,
            });
        }
        let points = history.points();
        assert_eq!(points.len(), 600);
        assert_eq!((points[0].bitrate_bps, points[599].bitrate_bps), (100, 699));
    }
}
