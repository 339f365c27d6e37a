//! Questions to webhooks that wait for an answer: how many there may be, of whom, to whom.
//!
//! ```text
//! caller ─▶ the webhook's own turnstile ─▶ the one of all webhooks ─▶ asked
//!              │ full                          │ full
//!              └──────────── silence ◀─────────┘   the caller repeats itself
//! ```
//!
//! A webhook that never answers holds the places of its own, and never those of another.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_engine::{Places, Ticket, Turnstile};

/// Callers that one webhook, which is one URL, may be asked about at a time.
pub const ASKING_PER_WEBHOOK_MAX: usize = 64;
/// Callers that may be asked about at a time, all webhooks together.
pub const ASKING_MAX: usize = 512;
/// Those of one address, of one webhook and of all.
const PER_ADDRESS_MAX: usize = 16;
const PER_ADDRESS_MAX_OVERALL: usize = 128;

const OF_ONE: Places = Places {
    total: ASKING_PER_WEBHOOK_MAX,
    per_address: PER_ADDRESS_MAX,
};
const OVERALL: Places = Places {
    total: ASKING_MAX,
    per_address: PER_ADDRESS_MAX_OVERALL,
};

/// The questions under way.
#[derive(Default)]
pub(crate) struct Questions {
    overall: Arc<Turnstile>,
    /// By URL. One that nobody is asked at is forgotten, so that there are never more than
    /// questions.
    by_webhook: Mutex<BTreeMap<String, Arc<Turnstile>>>,
    postponed: AtomicU64,
}

/// A place for one question, until it is dropped.
pub(crate) struct Turn {
    _of_one: Ticket,
    _overall: Ticket,
}

impl Questions {
    /// Gives a question about a caller from `address` to the webhook at `url` a place; without
    /// one the caller is to ask again.
    pub(crate) fn enter(&self, url: &str, address: IpAddr) -> Option<Turn> {
        let turn = self.try_enter(url, address);
        let postponed = u64::from(turn.is_none());
        self.postponed.fetch_add(postponed, Ordering::Relaxed);
        turn
    }

    fn try_enter(&self, url: &str, address: IpAddr) -> Option<Turn> {
        let mut by_webhook = self
            .by_webhook
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        by_webhook.retain(|_, turnstile| turnstile.count() > 0);
        let own = by_webhook.entry(url.to_owned()).or_default();
        Some(Turn {
            _of_one: own.enter(address, OF_ONE).ok()?,
            _overall: self.overall.enter(address, OVERALL).ok()?,
        })
    }

    /// Questions that wait for an answer.
    pub(crate) fn count(&self) -> usize {
        self.overall.count()
    }

    /// Questions that found no place.
    pub(crate) fn postponed(&self) -> u64 {
        self.postponed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another address each.
    fn address(number: usize) -> IpAddr {
        let number = u32::try_from(number).unwrap();
        std::net::Ipv4Addr::from(0x0a00_0000 + number).into()
    }

    fn fill(questions: &Questions, url: &str, callers: std::ops::Range<usize>) -> Vec<Turn> {
        callers
            .filter_map(|caller| questions.enter(url, address(caller)))
            .collect()
    }

    #[test]
    fn a_webhook_that_never_answers_holds_only_its_own_places() {
        let questions = Questions::default();
        let slow = fill(&questions, "http://slow/", 0..1000);
        assert_eq!(slow.len(), ASKING_PER_WEBHOOK_MAX);
        assert_eq!(questions.postponed(), 1000 - 64);
        let fast = fill(&questions, "http://fast/", 0..10);
        assert_eq!(fast.len(), 10);
        assert_eq!(questions.count(), 74);
    }

    #[test]
    fn all_webhooks_together_are_bounded_and_who_is_answered_makes_room() {
        let questions = Questions::default();
        let each = |number| fill(&questions, &format!("http://{number}/"), 0..100);
        let mut slow: Vec<Vec<Turn>> = (0..10).map(each).collect();
        assert_eq!(questions.count(), ASKING_MAX);
        assert!(questions.enter("http://new/", address(500)).is_none());
        slow.pop();
        slow.pop();
        slow.pop();
        assert!(questions.enter("http://new/", address(500)).is_some());
    }

    #[test]
    fn one_address_takes_neither_all_of_a_webhook_nor_all_there_is() {
        let questions = Questions::default();
        let one = |number| {
            let url = format!("http://{number}/");
            let turns = (0..100).filter_map(|_| questions.enter(&url, address(1)));
            turns.collect::<Vec<_>>()
        };
        let turns: Vec<_> = (0..20).map(one).collect();
        assert_eq!(turns[0].len(), PER_ADDRESS_MAX);
        assert_eq!(questions.count(), PER_ADDRESS_MAX_OVERALL);
        assert!(questions.enter("http://0/", address(2)).is_some());
    }

    #[test]
    fn webhooks_that_nobody_waits_for_are_forgotten() {
        let questions = Questions::default();
        for number in 0..1000 {
            drop(questions.enter(&format!("http://{number}/"), address(1)));
        }
        assert_eq!(questions.by_webhook.lock().unwrap().len(), 1);
        assert_eq!(questions.count(), 0);
    }
}
