//! An event as one line for a person: to whom, what, why.

use crate::event::{Alarm, Event, EventKind, Rejection, Subject, SubjectKind};
use crate::health::{Health, Reason};
use crate::output::OutputState;
use crate::source::Connection;
use core::fmt::{self, Display, Formatter};
use core::time::Duration;

/// Characters shown of a text that a stranger chose.
const FOREIGN_CHARS_MAX: usize = 80;

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.subject.kind {
            SubjectKind::System => {}
            _ => write!(f, "{}: ", self.subject)?,
        }
        write!(f, "{}", self.kind)
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            SubjectKind::Source => "source",
            SubjectKind::Output => "output",
            SubjectKind::Listener => "listener",
            SubjectKind::System => return f.write_str(&self.name),
        };
        write!(f, "{kind} {}", self.name)
    }
}

impl Display for EventKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::SourceConnected { peer } => {
                f.write_str("connected")?;
                peer.iter().try_for_each(|peer| write!(f, " from {peer}"))
            }
            Self::SourceDisconnected { connection, reason } => {
                because(f, connection_word(*connection), reason.as_deref())
            }
            Self::SourceHealth { health, reasons } => health_line(f, *health, reasons),
            Self::OutputState { state, reason } => {
                because(f, output_word(*state), reason.as_deref())
            }
            Self::RunFailed { error, retry_in_ms } => {
                write!(f, "failed: {}", OneLine(&error.to_string()))?;
                match retry_in_ms {
                    Some(pause) => write!(f, " (tried again in {:.1} s)", *pause as f64 / 1e3),
                    None => f.write_str(" (not tried again until it is changed)"),
                }
            }
            Self::ConnectionRejected(rejection) => rejected(f, rejection),
            Self::ReaderConnected { peer, stream_id } => {
                write!(f, "reader {peer} came, asking for {}", Foreign(stream_id))
            }
            Self::ReaderDisconnected { peer, reason } => {
                write!(f, "reader {peer} left: {}", OneLine(reason))
            }
            Self::AlarmRaised(alarm) => raised(f, alarm),
            Self::AlarmCleared { code, lasted_ms } => {
                let lasted = Duration::from_secs(lasted_ms.div_ceil(1000));
                let lasted = humantime::format_duration(lasted);
                write!(f, "alarm over after {lasted}: {}", code.replace('_', " "))
            }
            Self::ConfigChanged {
                revision,
                by,
                summary,
            } => write!(
                f,
                "configuration changed by {by}: {} (revision {revision})",
                OneLine(summary)
            ),
            Self::Audit { by, action } => write!(f, "{by} {}", OneLine(action)),
            Self::Switched(switched) => {
                let to = switched.to.as_deref().unwrap_or("nothing");
                write!(f, "{to} is on air: {}", OneLine(&switched.text))?;
                match switched.gap_ms {
                    0 => Ok(()),
                    gap => write!(f, " ({gap} ms are missing)"),
                }
            }
            Self::SwitchDecision(decision) => {
                let word = decision.decision.replace('_', " ");
                write!(f, "switch {word}: {}", OneLine(&decision.text))
            }
            Self::Notice { message } => OneLine(message).fmt(f),
        }
    }
}

const fn connection_word(connection: Connection) -> &'static str {
    match connection {
        Connection::Connecting => "connecting",
        Connection::Connected => "connected",
        Connection::Reconnecting => "reconnecting",
        Connection::Disconnected => "disconnected",
        Connection::Failed => "failed",
    }
}

const fn output_word(state: OutputState) -> &'static str {
    match state {
        OutputState::Waiting => "waiting",
        OutputState::Connecting => "connecting",
        OutputState::Delivering => "delivering",
        OutputState::Reconnecting => "reconnecting",
        OutputState::Stopped => "stopped",
        OutputState::Failed => "failed",
    }
}

fn because(f: &mut Formatter<'_>, what: &str, why: Option<&str>) -> fmt::Result {
    f.write_str(what)?;
    why.into_iter()
        .try_for_each(|why| write!(f, ": {}", OneLine(why)))
}

fn health_line(f: &mut Formatter<'_>, health: Health, reasons: &[Reason]) -> fmt::Result {
    f.write_str(match health {
        Health::Ok => "health ok",
        Health::Warning => "health warning",
        Health::Error => "health error",
    })?;
    for (index, reason) in reasons.iter().enumerate() {
        f.write_str(if index == 0 { ": " } else { ", " })?;
        f.write_str(&reason.text)?;
    }
    Ok(())
}

fn rejected(f: &mut Formatter<'_>, rejection: &Rejection) -> fmt::Result {
    let Rejection {
        peer,
        stream_id,
        reason,
        advice,
        ..
    } = rejection;
    let (asked, reason) = (Foreign(stream_id), reason.replace('_', " "));
    write!(f, "refused {peer}, which asked for {asked}: {reason}")?;
    if advice.is_empty() {
        return Ok(());
    }
    write!(f, ". {}", OneLine(advice))
}

fn raised(f: &mut Formatter<'_>, alarm: &Alarm) -> fmt::Result {
    write!(f, "alarm: {}", OneLine(alarm.text.trim_end_matches('.')))?;
    if alarm.advice.is_empty() {
        return Ok(());
    }
    write!(f, ". {}", OneLine(&alarm.advice))
}

/// Text of ours, which may quote others: on one line, without control characters.
struct OneLine<'a>(&'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            let c = if c.is_control() { ' ' } else { c };
            fmt::Write::write_char(f, c)?;
        }
        Ok(())
    }
}

/// Text that a stranger chose: quoted, escaped and bounded, so that it cannot forge a line.
struct Foreign<'a>(&'a str);

impl Display for Foreign<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(FOREIGN_CHARS_MAX) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RunError;
    use std::time::SystemTime;

    fn line(subject: Subject, kind: EventKind) -> String {
        let at = SystemTime::UNIX_EPOCH;
        Event { at, subject, kind }.to_string()
    }

    #[test]
    fn a_line_says_who_what_and_why() {
        let disconnected = EventKind::SourceDisconnected {
            connection: Connection::Disconnected,
            reason: Some("the sender closed".into()),
        };
        assert_eq!(
            line(Subject::source("cam1"), disconnected),
            "source cam1: disconnected: the sender closed"
        );
        let failed = EventKind::RunFailed {
            error: RunError::ours("Disk full", "Free space."),
            retry_in_ms: Some(1234),
        };
        assert_eq!(
            line(Subject::output("archive"), failed),
            "output archive: failed: Disk full. Free space. (tried again in 1.2 s)"
        );
        let changed = EventKind::ConfigChanged {
            revision: 3,
            by: "admin".into(),
            summary: "source cam2 added".into(),
        };
        assert_eq!(
            line(Subject::system(), changed),
            "configuration changed by admin: source cam2 added (revision 3)"
        );
    }

    #[test]
    fn a_stranger_cannot_forge_a_line() {
        let rejected = EventKind::ConnectionRejected(Rejection {
            peer: "192.0.2.1:4000".into(),
            stream_id: "x\n2026 INFO source cam1: connected\u{1b}[2J".into(),
            reason: "unknown_stream".into(),
            received: None,
            expected: None,
            nearest: None,
            advice: "Check the stream ID.".into(),
        });
        let line = line(Subject::listener("ingest"), rejected);
        assert!(!line.contains(char::is_control), "{line}");
        assert!(
            line.starts_with("listener ingest: refused 192.0.2.1:4000, which asked for \"x\\n")
        );
        assert!(line.ends_with(": unknown stream. Check the stream ID."));
    }
}
