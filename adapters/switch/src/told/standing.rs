//! How things stand, of which only the latest matters.

use crate::remember::Remembered;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_engine::Severity;

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    pub(super) carried: Carried,
    /// By their codes, of which there are a handful.
    pub(super) alarms: BTreeMap<&'static str, Words>,
    /// `None`: what was remembered before the start.
    pub(super) remembered: Option<Remembered>,
}

/// What is in the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Carried {
    /// Nothing was said yet.
    #[default]
    Unsaid,
    Something,
    /// And why.
    Nothing(Arc<str>),
}

/// What an alarm says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) severity: Severity,
    pub(crate) text: String,
    pub(crate) advice: &'static str,
}

/// Something stands differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum News<'a> {
    /// The program carries something again.
    Carries,
    /// It carries nothing.
    Dark(&'a str),
    /// It carried nothing before, for another reason.
    StillDark(&'a str),
    /// Something needs the operator.
    Raised(&'static str, &'a Words),
    /// Or no longer.
    Cleared(&'static str),
    /// What is to be known after a restart.
    Remember(&'a Remembered),
}

/// What is to be said, where `said` was said last.
pub(super) fn news<'a>(said: &Standing, now: &'a Standing) -> Vec<News<'a>> {
    let mut news = Vec::new();
    if let Some(what) = &now.remembered
        && now.remembered != said.remembered
    {
        news.push(News::Remember(what));
    }
    if now.carried != said.carried {
        match &now.carried {
            Carried::Unsaid => {}
            Carried::Something => news.push(News::Carries),
            Carried::Nothing(reason) if matches!(said.carried, Carried::Nothing(_)) => {
                news.push(News::StillDark(reason));
            }
            Carried::Nothing(reason) => news.push(News::Dark(reason)),
        }
    }
    let gone = said.alarms.keys();
    let gone = gone.filter(|code| !now.alarms.contains_key(*code));
    news.extend(gone.map(|code| News::Cleared(code)));
    let raised = now.alarms.iter();
    let raised = raised.filter(|(code, words)| said.alarms.get(*code) != Some(words));
    news.extend(raised.map(|(code, words)| News::Raised(code, words)));
    news
}
