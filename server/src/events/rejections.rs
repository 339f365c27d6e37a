//! Who was turned away: repeats of one caller are one record that counts.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidegate_engine::Rejection;

use crate::store::{REJECTIONS_MAX, RejectionRow};
use crate::time::rfc3339_of_millis;

/// A repeat within this time of the last one is the same record.
pub const MERGE_WINDOW: Duration = Duration::from_secs(60);
/// How far back repeats are looked for; a flood from many addresses must not cost more.
const LOOK_BACK: usize = 200;

/// A caller that was turned away, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RejectionRecord {
    /// Its number.
    pub id: u64,
    /// The latest time.
    pub at: String,
    /// The first time.
    pub first_at: String,
    /// The caller's address, the latest one.
    pub peer: String,
    /// What it asked for, as it was written.
    pub stream_id: String,
    /// The listener it came to.
    pub listener: String,
    /// `wrong_passphrase`, `unknown_stream`, `encryption_required`, `already_publishing` …
    pub reason: String,
    /// How often.
    pub count: u64,
    /// What it sent, where that matters.
    pub received: Option<String>,
    /// What would have been right; never a secret.
    pub expected: Option<String>,
    /// The configured stream most like what was asked for.
    pub nearest: Option<String>,
    /// What to do about it.
    pub advice: String,
    #[serde(skip)]
    at_millis: u64,
}

/// The rejection records, bounded.
#[derive(Debug, Default)]
pub struct Rejections {
    records: VecDeque<RejectionRecord>,
    last_id: u64,
}

impl Rejections {
    /// The records as stored.
    #[must_use]
    pub fn from_rows(rows: Vec<RejectionRow>) -> Self {
        let last_id = rows.last().map_or(0, |row| row.id);
        let records = rows.iter().filter_map(|row| {
            let record = serde_json::from_str(&row.data).ok()?;
            Some(RejectionRecord {
                at_millis: row.at_millis,
                ..record
            })
        });
        Self {
            records: records.collect(),
            last_id,
        }
    }

    /// Counts one; returns the row to store, and how many it stands for now.
    pub fn count(
        &mut self,
        listener: &str,
        rejection: Rejection,
        at_millis: u64,
    ) -> (RejectionRow, u64) {
        let window = u64::try_from(MERGE_WINDOW.as_millis()).unwrap_or(u64::MAX);
        let recent = self.records.iter_mut().rev().take(LOOK_BACK);
        let known = recent
            .filter(|known| at_millis.saturating_sub(known.at_millis) <= window)
            .find(|known| known.is_same(listener, &rejection));
        if let Some(known) = known {
            known.repeat(rejection, at_millis);
            return (known.row(), known.count);
        }
        if self.records.len() >= REJECTIONS_MAX {
            self.records.pop_front();
        }
        self.last_id += 1;
        let record = RejectionRecord::new(self.last_id, listener, rejection, at_millis);
        let row = record.row();
        self.records.push_back(record);
        (row, 1)
    }

    /// All records, the latest first.
    #[must_use]
    pub fn newest_first(&self) -> Vec<RejectionRecord> {
        let mut records: Vec<_> = self.records.iter().cloned().collect();
        records.sort_by_key(|record| std::cmp::Reverse((record.at_millis, record.id)));
        records
    }
}

impl RejectionRecord {
    fn new(id: u64, listener: &str, rejection: Rejection, at_millis: u64) -> Self {
        let at = rfc3339_of_millis(at_millis);
        let Rejection {
            peer,
            stream_id,
            reason,
            received,
            expected,
            nearest,
            advice,
        } = rejection;
        let (first_at, listener) = (at.clone(), listener.to_owned());
        Self {
            id,
            at,
            first_at,
            peer,
            stream_id,
            listener,
            reason,
            count: 1,
            received,
            expected,
            nearest,
            advice,
            at_millis,
        }
    }

    /// Once more, with what is true of it now: the cause may be another, like a webhook that
    /// was down and is slow.
    fn repeat(&mut self, again: Rejection, at_millis: u64) {
        self.count += 1;
        self.at_millis = at_millis;
        self.at = rfc3339_of_millis(at_millis);
        self.peer = again.peer;
        self.received = again.received;
        self.expected = again.expected;
        self.nearest = again.nearest;
        self.advice = again.advice;
    }

    /// Ports are not compared: every try of a caller has another.
    fn is_same(&self, listener: &str, rejection: &Rejection) -> bool {
        self.listener == listener
            && self.reason == rejection.reason
            && self.stream_id == rejection.stream_id
            && address_of(&self.peer) == address_of(&rejection.peer)
    }

    fn row(&self) -> RejectionRow {
        // Plain data with text keys, which JSON always can hold.
        let data = serde_json::to_string(self).expect("a rejection is always JSON");
        RejectionRow {
            id: self.id,
            at_millis: self.at_millis,
            data,
        }
    }
}

fn address_of(peer: &str) -> Option<IpAddr> {
    peer.parse::<SocketAddr>().ok().map(|peer| peer.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(peer: &str, reason: &str) -> Rejection {
        Rejection {
            peer: peer.into(),
            stream_id: "cam1".into(),
            reason: reason.into(),
            received: None,
            expected: None,
            nearest: None,
            advice: "Ask for the passphrase.".into(),
        }
    }

    #[test]
    fn repeats_within_a_minute_are_one_record_that_counts() {
        let mut rejections = Rejections::default();
        rejections.count(
            "ingest",
            rejection("192.0.2.1:1000", "wrong_passphrase"),
            1_000,
        );
        rejections.count(
            "ingest",
            rejection("192.0.2.1:1001", "wrong_passphrase"),
            50_000,
        );
        rejections.count(
            "ingest",
            rejection("192.0.2.1:1002", "unknown_stream"),
            51_000,
        );
        rejections.count(
            "ingest",
            rejection("192.0.2.2:1000", "wrong_passphrase"),
            52_000,
        );
        let records = rejections.newest_first();
        let counts: Vec<u64> = records.iter().map(|record| record.count).collect();
        assert_eq!(counts, [1, 1, 2]);
        assert_eq!(records[2].peer, "192.0.2.1:1001");
        assert_eq!(records[2].first_at, "1970-01-01T00:00:01.000Z");
        assert_eq!(records[2].at, "1970-01-01T00:00:50.000Z");
    }

    #[test]
    fn a_repeat_has_the_words_of_the_last_time() {
        let mut rejections = Rejections::default();
        let refused = rejection("192.0.2.1:1000", "webhook_failed");
        rejections.count("ingest", refused.clone(), 1_000);
        let slow = Rejection {
            received: Some("no answer within 2 s".into()),
            advice: "Make it answer sooner.".into(),
            ..refused
        };
        rejections.count("ingest", slow, 2_000);
        let [record] = &rejections.newest_first()[..] else {
            panic!("not one record");
        };
        assert_eq!(record.received.as_deref(), Some("no answer within 2 s"));
        assert_eq!(record.advice, "Make it answer sooner.");
    }

    #[test]
    fn after_a_quiet_minute_a_new_record_begins() {
        let mut rejections = Rejections::default();
        rejections.count(
            "ingest",
            rejection("192.0.2.1:1000", "wrong_passphrase"),
            1_000,
        );
        rejections.count(
            "ingest",
            rejection("192.0.2.1:1000", "wrong_passphrase"),
            62_000,
        );
        assert_eq!(rejections.newest_first().len(), 2);
    }

    #[test]
    fn records_survive_storing() {
        let mut rejections = Rejections::default();
        let (row, _) = rejections.count("ingest", rejection("192.0.2.1:1000", "x"), 1_000);
        let restored = Rejections::from_rows(vec![row]);
        assert_eq!(restored.newest_first(), rejections.newest_first());
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut rejections = Rejections::default();
        for port in 0..2 * REJECTIONS_MAX {
            let reason = format!("reason {port}");
            rejections.count("ingest", rejection("192.0.2.1:1000", &reason), 1_000);
        }
        assert_eq!(rejections.newest_first().len(), REJECTIONS_MAX);
    }
}
