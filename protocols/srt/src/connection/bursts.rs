use tidegate_units::{Duration, Instant};

/// How long a burst is remembered, at least; at most twice as long.
const REMEMBERED: Duration = Duration::from_secs(10);

/// The longest run of packets found missing at once, lately.
#[derive(Debug)]
pub(super) struct Bursts {
    since: Instant,
    longest: u64,
    longest_before: u64,
}

impl Bursts {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            longest: 0,
            longest_before: 0,
        }
    }

    pub(super) fn note(&mut self, now: Instant, packets: u64) {
        self.forget(now);
        self.longest = self.longest.max(packets);
    }

    /// The longest of the last ten to twenty seconds.
    pub(super) fn longest(&mut self, now: Instant) -> u64 {
        self.forget(now);
        self.longest.max(self.longest_before)
    }

    fn forget(&mut self, now: Instant) {
        let age = now.saturating_since(self.since);
        if age >= REMEMBERED {
            let recent = age < REMEMBERED * 2;
            self.longest_before = if recent { self.longest } else { 0 };
            self.longest = 0;
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_remembered_for_ten_to_twenty_seconds() {
        let at = |seconds: u64| Instant::from_millis(seconds * 1000);
        let mut bursts = Bursts::new(at(0));
        bursts.note(at(1), 7);
        bursts.note(at(9), 3);
        assert_eq!(bursts.longest(at(9)), 7);
        bursts.note(at(11), 2);
        assert_eq!(bursts.longest(at(20)), 7);
        assert_eq!(bursts.longest(at(22)), 2);
        assert_eq!(bursts.longest(at(60)), 0);
    }
}
