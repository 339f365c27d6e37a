use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// Reports remembered: those of the last second and more.
const MAX_REMEMBERED: usize = 256;

/// When the peer was heard, whatever it reported.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    at: VecDeque<Instant>,
}

impl Heard {
    pub(crate) fn note(&mut self, now: Instant) {
        if self.at.len() >= MAX_REMEMBERED {
            self.at.pop_front();
        }
        self.at.push_back(now);
    }

    /// Whether anything was heard not longer than `within` before or after `moment`.
    pub(crate) fn around(&self, moment: Instant, within: Duration) -> bool {
        let from = self.at.partition_point(|at| *at + within < moment);
        self.at.get(from).is_some_and(|at| *at <= moment + within)
    }

    /// Whether anything was heard since.
    pub(crate) fn since(&self, moment: Instant) -> bool {
        self.at.back().is_some_and(|at| *at >= moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_when_the_peer_was_silent() {
        let mut heard = Heard::default();
        for millis in [100, 110, 200] {
            heard.note(Instant::from_millis(millis));
        }
        let around = |millis| heard.around(Instant::from_millis(millis), Duration::from_millis(10));
        assert!(around(95) && around(120) && around(190) && around(210));
        assert!(!around(89) && !around(150) && !around(211));
        assert!(heard.since(Instant::from_millis(200)));
        assert!(!heard.since(Instant::from_millis(201)));
    }

    #[test]
    fn only_so_many_reports_are_remembered() {
        let mut heard = Heard::default();
        for millis in 0..5000 {
            heard.note(Instant::from_millis(millis));
        }
        assert_eq!(heard.at.len(), MAX_REMEMBERED);
    }
}
