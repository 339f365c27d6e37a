use crate::error::RunError;
use crate::health::{Health, Reason};
use crate::limits;
use crate::output::OutputState;
use crate::source::Connection;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;
use tokio::sync::broadcast;

/// Something that happened. One event is one log line, one metric and one API record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in civil time.
    #[serde(with = "crate::time::rfc3339")]
    pub at: SystemTime,
    /// To whom.
    pub subject: Subject,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// To whom an event happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub kind: SubjectKind,
    /// Its name.
    pub name: String,
}

/// What kind of thing an event happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A source.
    Source,
    /// An output.
    Output,
    /// A listener.
    Listener,
    /// The program as a whole.
    System,
}

impl Subject {
    /// The source `name`.
    #[must_use]
    pub fn source(name: impl Into<String>) -> Self {
        Self {
            kind: SubjectKind::Source,
            name: name.into(),
        }
    }

    /// The output `name`.
    #[must_use]
    pub fn output(name: impl Into<String>) -> Self {
        Self {
            kind: SubjectKind::Output,
            name: name.into(),
        }
    }

    /// The listener `name`.
    #[must_use]
    pub fn listener(name: impl Into<String>) -> Self {
        Self {
            kind: SubjectKind::Listener,
            name: name.into(),
        }
    }

    /// The program as a whole.
    #[must_use]
    pub fn system() -> Self {
        Self {
            kind: SubjectKind::System,
            name: "tidegate".into(),
        }
    }
}

/// Everything that can happen. Later work adds kinds here, not stores of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A source's sender is there.
    SourceConnected {
        /// Its address.
        peer: Option<String>,
    },
    /// A source's sender is gone, or another state of the connection began.
    SourceDisconnected {
        /// The state now.
        connection: Connection,
        /// Why.
        reason: Option<String>,
    },
    /// The verdict on a source changed.
    SourceHealth {
        /// The verdict now.
        health: Health,
        /// What is known to be wrong.
        reasons: Vec<Reason>,
    },
    /// An output's state changed.
    OutputState {
        /// The state now.
        state: OutputState,
        /// Why.
        reason: Option<String>,
    },
    /// A run of a source or an output failed.
    RunFailed {
        /// What happened.
        error: RunError,
        /// When it is tried again; absent if it is not.
        retry_in_ms: Option<u64>,
    },
    /// A caller was turned away.
    ConnectionRejected(Rejection),
    /// A reader of an output came.
    ReaderConnected {
        /// Its address.
        peer: String,
        /// What it asked for.
        stream_id: String,
    },
    /// A reader of an output left.
    ReaderDisconnected {
        /// Its address.
        peer: String,
        /// Why.
        reason: String,
    },
    /// Something needs the operator; told again when it is as bad no more, or has other words.
    AlarmRaised(Alarm),
    /// It no longer does.
    AlarmCleared {
        /// Which alarm.
        code: String,
        /// How long it stood.
        lasted_ms: u64,
    },
    /// The desired state changed.
    ConfigChanged {
        /// Its new revision.
        revision: u64,
        /// Who changed it.
        by: String,
        /// What changed, in a line.
        summary: String,
    },
    /// Someone saw a secret again (a hand-out), signed in, or the like.
    Audit {
        /// Who.
        by: String,
        /// What they did.
        action: String,
    },
    /// A switch has something else on air.
    Switched(Switched),
    /// A switch decided something, or was told to; also what it then did not do.
    SwitchDecision(Box<SwitchDecision>),
    /// Something odd that broke nothing.
    Notice {
        /// What.
        message: String,
    },
}

/// What a switch changed over to, why, and what viewers noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switched {
    /// What was on air: an input, `slate`, or nothing yet.
    pub from: Option<String>,
    /// What is: an input, or `slate`.
    pub to: Option<String>,
    /// Names the cause: `no_packets`, `take`, `return` …
    pub why: String,
    /// The cause in words.
    pub text: String,
    /// Nobody asked for it.
    pub automatic: bool,
    /// Who asked for it.
    pub by: Option<String>,
    /// From the beginning of the cause until it was decided.
    pub decided_after_ms: u64,
    /// What is missing in the program at this place.
    pub gap_ms: u64,
    /// What is shown a second time, by the time of the input that was left.
    pub repeated_ms: u64,
    /// How long the new input is held back beyond its own latency.
    pub delay_ms: u64,
}

/// What a switch decided, with the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwitchDecision {
    /// `ordered`, `averted`, `stayed`, `given_up`, `missed`, `latched`, `set` …
    pub decision: String,
    /// What was on air.
    pub from: Option<String>,
    /// What was to be on air.
    pub to: Option<String>,
    /// Names the cause.
    pub why: String,
    /// The cause in words.
    pub text: String,
    /// Nobody asked for it.
    pub automatic: bool,
    /// Who asked for it.
    pub by: Option<String>,
    /// From the beginning of the cause until it was decided.
    pub decided_after_ms: u64,
    /// What was measured, where a trigger fired.
    pub figure: Option<SwitchFigure>,
    /// How every input stood, the preferred one first.
    pub evidence: Vec<SwitchEvidence>,
}

/// A measured value beside the threshold that it crossed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwitchFigure {
    /// What was measured.
    pub value: f64,
    /// What is allowed.
    pub threshold: f64,
    /// Of both: `ms`, `percent`, `packets`.
    pub unit: String,
}

/// How one input of a switch stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchEvidence {
    /// Its name.
    pub input: String,
    /// `candidate`, `fresh`, `damaged` or `nothing`.
    pub rank: String,
    /// Somebody sent.
    pub connected: bool,
    /// Something arrived.
    pub delivers: bool,
    /// For how long nothing at all was wrong.
    pub clean_for_ms: Option<u64>,
    /// What was wrong, in words.
    pub reasons: Vec<String>,
}

/// A caller that was turned away, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Its address.
    pub peer: String,
    /// What it asked for, as it was written.
    pub stream_id: String,
    /// `wrong_passphrase`, `unknown_stream`, `encryption_required`, `already_publishing`, …
    pub reason: String,
    /// What it sent, where that matters.
    pub received: Option<String>,
    /// What would have been right (never a secret).
    pub expected: Option<String>,
    /// The configured stream that looks most like it.
    pub nearest: Option<String>,
    /// What to do about it.
    pub advice: String,
}

/// Something that needs the operator until it is cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Names the alarm among those of its subject.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The fixed phrase.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// Since when.
    #[serde(with = "crate::time::rfc3339")]
    pub since: SystemTime,
}

impl Alarm {
    /// Whether it says what `told` said: other figures in the same words are not worth an event.
    pub(crate) fn is_no_news_after(&self, told: &Self) -> bool {
        let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
        self.severity == told.severity
            && words(&self.text) == words(&told.text)
            && words(&self.advice) == words(&told.advice)
    }
}

/// How bad an alarm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Works, will not last.
    Warning,
    /// Viewers would notice.
    Error,
}

/// Where events go. Never waits: who listens too slowly loses the oldest.
#[derive(Clone, Debug)]
pub struct EventSink {
    sender: broadcast::Sender<Event>,
}

impl EventSink {
    /// A sink of its own, with nobody listening yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(limits::EVENT_BACKLOG),
        }
    }

    /// Publishes what just happened.
    pub fn emit(&self, subject: Subject, kind: EventKind) {
        let event = Event {
            at: SystemTime::now(),
            subject,
            kind,
        };
        // Nobody listening is no error.
        drop(self.sender.send(event));
    }

    /// Everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }
}

impl Default for EventSink {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_record_that_reads_back() {
        let event = Event {
            at: SystemTime::UNIX_EPOCH,
            subject: Subject::source("cam1"),
            kind: EventKind::SourceConnected {
                peer: Some("[::1]:5000".into()),
            },
        };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            text,
            r#"{"at":"1970-01-01T00:00:00.000Z","subject":{"type":"source","name":"cam1"},"kind":"source_connected","peer":"[::1]:5000"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
