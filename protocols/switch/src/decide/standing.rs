//! How each input stands, and since when.

use std::sync::Arc;

use tidegate_units::{Duration, Instant};

use super::record::{Evidence, ReasonText};
use super::rules::Rules;
use super::view::{Fault, Fired, InputView};

/// How good an input is to show, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Ready for long enough.
    Candidate,
    /// Ready, but not for long.
    Fresh,
    /// It delivers, and has a reason to be left.
    Damaged,
    /// There is nothing to show, or nothing that fits the program.
    Nothing,
}

/// One input's past, as far as the rules ask for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    pub(super) view: InputView,
    /// It delivers something that can be shown, without a break since then.
    media_since: Option<Instant>,
    /// Nothing asks to leave it, without a break since then.
    ready_since: Option<Instant>,
    /// Nothing at all is wrong, without a break since then.
    clean_since: Option<Instant>,
}

impl Standing {
    pub(super) fn update(&mut self, now: Instant, view: InputView) {
        let worst = view.worst().map(|fired| fired.fault);
        let is_dark = worst.is_some_and(|fault| fault >= Fault::Silent);
        let media = view.delivers && view.has_key_frame && view.unfit.is_none() && !is_dark;
        let ready = media && view.asks_nothing();
        keep(&mut self.media_since, now, media);
        keep(&mut self.ready_since, now, ready);
        keep(&mut self.clean_since, now, ready && view.fired.is_empty());
        self.view = view;
    }

    pub(super) fn rank(&self, now: Instant, rules: &Rules) -> Rank {
        match (self.ready_since, self.media_since) {
            (Some(since), _) if now.saturating_since(since) >= rules.ready_after => Rank::Candidate,
            (Some(_), _) => Rank::Fresh,
            (None, Some(_)) => Rank::Damaged,
            (None, None) => Rank::Nothing,
        }
    }

    /// For how long it has had something to show.
    pub(super) fn media_for(&self, now: Instant) -> Option<Duration> {
        self.media_since.map(|since| now.saturating_since(since))
    }

    /// For how long nothing at all was wrong.
    pub(super) fn clean_for(&self, now: Instant) -> Option<Duration> {
        self.clean_since.map(|since| now.saturating_since(since))
    }

    /// Why it is kept off although it delivers: its format.
    pub(super) fn unfit(&self) -> Option<Arc<str>> {
        self.view.unfit.clone().filter(|_| self.view.delivers)
    }

    pub(super) fn worst(&self) -> Option<&Fired> {
        self.view.worst()
    }

    /// Why it is no candidate, in words an operator can act on; empty when it is one.
    pub(super) fn reasons(&self, now: Instant, rules: &Rules) -> Vec<ReasonText> {
        let fired = self.view.fired.iter().map(|fired| ReasonText {
            code: fired.code.clone(),
            text: fired.text.clone(),
            severity: Some(fired.severity),
            since: Some(fired.since),
        });
        let mut reasons: Vec<ReasonText> = fired.collect();
        let mut add = |code: &str, text: Arc<str>| {
            reasons.push(ReasonText {
                code: code.into(),
                text,
                severity: None,
                since: None,
            });
        };
        if let Some(unfit) = &self.view.unfit {
            add("format", unfit.clone());
        }
        if !self.view.connected {
            add("not_connected", "nobody sends".into());
        } else if !self.view.delivers {
            add("no_media", "it delivers nothing".into());
        } else if !self.view.has_key_frame {
            add("no_key_frame", "no key frame yet to begin with".into());
        } else if self.rank(now, rules) == Rank::Fresh {
            let since = self.ready_since.unwrap_or(now);
            let ready_ms = now.saturating_since(since).as_millis();
            let wanted_ms = rules.ready_after.as_millis();
            let text = format!("well for {ready_ms} ms, {wanted_ms} ms are asked for");
            add("settling", text.into());
        }
        reasons
    }

    pub(super) fn evidence(&self, now: Instant, rules: &Rules, name: Arc<str>) -> Evidence {
        Evidence {
            input: name,
            rank: self.rank(now, rules),
            connected: self.view.connected,
            delivers: self.view.delivers,
            clean_for: self.clean_for(now),
            reasons: self.reasons(now, rules),
        }
    }
}

fn keep(since: &mut Option<Instant>, now: Instant, holds: bool) {
    *since = match (*since, holds) {
        (_, false) => None,
        (None, true) => Some(now),
        (kept, true) => kept,
    };
}
