//! The last steps before a door, for which a caller may have to wait.
//!
//! ```text
//! keys open ─▶ webhook? ──no──────────────────▶ room? ─▶ door
//!                 │yes                    ▲       │ no
//!                 ▼          allow        │       ▼
//!              asking ────────────────────┘    refused
//!                 │ deny, or no answer            ▲
//!                 └───────────────────────────────┘
//! ```
//!
//! Meanwhile the caller hears nothing and repeats itself. No thread waits with it.

use tidegate_srt::RejectReason;

use super::{Candidate, Entry, Refusal};
use tidegate_engine::{Full, Places};

use crate::doorman::{Answer, NoAnswer, OnFailure, Question, Webhook};

impl Candidate {
    /// Goes through what is left to ask; `None` when the candidate stays outside.
    pub(super) async fn clear(mut self, entry: &Entry) -> Option<Self> {
        let webhook = entry.rules().webhook.or_else(|| self.webhook.clone());
        if let Some(webhook) = webhook {
            match self.ask(&webhook, entry).await? {
                Ok(vouched_for) => self.has_proved |= vouched_for,
                Err(refusal) => {
                    self.refuse(refusal);
                    return None;
                }
            }
        }
        // It may have been banned meanwhile.
        if self.is_banned() {
            return None;
        }
        match self.turnstile.enter(self.peer.ip(), self.limits_for(entry)) {
            Ok(ticket) => {
                self.ticket = Some(ticket);
                Some(self)
            }
            Err(full) => {
                self.refuse(crowded(full));
                None
            }
        }
    }

    /// Asks the webhook. `None` is silence: too many are being asked about.
    async fn ask(&self, webhook: &Webhook, entry: &Entry) -> Option<Result<bool, Refusal>> {
        let _turn = self.house.asking.enter(&webhook.url, self.peer.ip())?;
        let question = self.question(entry);
        let answer = match self.house.doorman.get() {
            Some(doorman) => doorman.ask(webhook, &question).await,
            None => Err(NoAnswer {
                message: "this program cannot ask webhooks".to_owned(),
                advice: "Take the webhook away".to_owned(),
            }),
        };
        Some(verdict(answer, webhook, entry))
    }

    fn question(&self, entry: &Entry) -> Question {
        let stream_id = &self.caller.stream_id;
        let access = stream_id.access();
        let key = |name: &str| access.and_then(|access| access.get(name).map(str::to_owned));
        Question {
            listener: self.listener.to_string(),
            mode: match entry {
                Entry::Source(_) => "publish",
                Entry::Output(_) => "request",
            },
            name: entry.name().to_owned(),
            stream_id: stream_id.to_string(),
            resource: key("r").unwrap_or_else(|| stream_id.to_string()),
            user: key("u"),
            host: key("h"),
            session: key("s"),
            kind: key("t"),
            keys: self.caller.custom_keys(),
            peer: self.peer.to_string(),
            encrypted: self.caller.encrypted,
            srt_version: self.caller.version.to_string(),
        }
    }

    /// A tenth of the places is kept for publishers: readers come in crowds.
    fn limits_for(&self, entry: &Entry) -> Places {
        let total = match entry {
            Entry::Source(_) => self.limits.total,
            Entry::Output(_) => self.limits.total - self.limits.total / 10,
        };
        Places {
            total,
            ..self.limits
        }
    }
}

/// Whether the webhook vouched for the caller, which may come in.
fn verdict(
    answer: Result<Answer, NoAnswer>,
    webhook: &Webhook,
    entry: &Entry,
) -> Result<bool, Refusal> {
    match answer {
        Ok(Answer { allow: true, .. }) => Ok(true),
        Ok(Answer { reason, .. }) => {
            let advice = "The webhook refused it: its own log says more";
            let reason = reason.unwrap_or_else(|| "it gave no reason".to_owned());
            Err(Refusal::new(RejectReason::Forbidden, advice)
                .received(format!("the webhook's no: {reason}"))
                .expected(format!("the webhook's yes for {entry}")))
        }
        Err(failure) if webhook.on_failure == OnFailure::Allow => {
            let NoAnswer { message, advice } = failure;
            tracing::warn!("a caller of {entry} is let in unasked: {message}. {advice}");
            Ok(false)
        }
        Err(failure) => Err(Refusal::new(RejectReason::Undecided, failure.advice)
            .received(failure.message)
            .expected(format!("the webhook's yes for {entry}"))),
    }
}

fn crowded(full: Full) -> Refusal {
    let (expected, advice) = match full {
        Full::Total(places) => (
            format!("at most {places} connections on the listener"),
            "Raise `max_connections` of the listener if the machine bears more, or use another \
             node",
        ),
        Full::Address(places) => (
            format!("at most {places} connections from one address"),
            "Raise `max_connections_per_address` of the listener if so many are behind one address",
        ),
    };
    Refusal::new(RejectReason::Overloaded, advice).expected(expected)
}
