use core::time::Duration;
use std::collections::HashMap;
use std::time::Instant;

/// Viewers told apart; more than these are one.
const VIEWERS_MAX: usize = 20_000;

/// Who has asked lately.
#[derive(Debug)]
pub(crate) struct Viewers {
    last_seen: HashMap<String, Instant>,
    patience: Duration,
}

impl Viewers {
    /// A viewer who has not asked for `patience` is gone.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            last_seen: HashMap::new(),
            patience,
        }
    }

    pub(crate) fn saw(&mut self, client: &str, now: Instant) {
        if let Some(seen) = self.last_seen.get_mut(client) {
            *seen = now;
        } else if self.last_seen.len() < VIEWERS_MAX {
            self.last_seen.insert(client.to_owned(), now);
        }
    }

    /// How many are there; forgets those who are not.
    pub(crate) fn count(&mut self, now: Instant) -> u64 {
        let patience = self.patience;
        self.last_seen
            .retain(|_, seen| now.saturating_duration_since(*seen) < patience);
        self.last_seen.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_counts_until_he_has_not_asked_for_a_while() {
        let mut viewers = Viewers::new(Duration::from_secs(10));
        let start = Instant::now();
        viewers.saw("alice", start);
        viewers.saw("bob", start + Duration::from_secs(8));
        viewers.saw("bob", start + Duration::from_secs(9));
        assert_eq!(viewers.count(start + Duration::from_secs(9)), 2);
        assert_eq!(viewers.count(start + Duration::from_secs(11)), 1);
        assert_eq!(viewers.count(start + Duration::from_secs(20)), 0);
    }

    #[test]
    fn a_crowd_of_made_up_names_takes_no_more_than_its_memory() {
        let mut viewers = Viewers::new(Duration::from_secs(10));
        let now = Instant::now();
        for number in 0..VIEWERS_MAX + 10 {
            viewers.saw(&number.to_string(), now);
        }
        assert_eq!(viewers.count(now), VIEWERS_MAX as u64);
    }
}
