use super::checks::Lacking;
use super::{Checks, Fired, TriggerKind, TriggerSeverity};
use crate::health::{Health, Reason, ReasonCode};
use serde::Serialize;
use std::time::SystemTime;
use tidegate_units::Instant;

/// Whether a source can be taken on air now, and what speaks against it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Media arrives, can be read and begun with, and nothing a switch would leave it for is
    /// wrong with it.
    pub ready: bool,
    /// What stands against it, and what is only told.
    pub reasons: Vec<ReadinessReason>,
    /// Since when nothing has been wrong with it.
    #[serde(with = "crate::time::rfc3339_option")]
    pub clean_since: Option<SystemTime>,
}

/// One thing that stands against a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadinessReason {
    /// A trigger's name, or what is lacking.
    pub code: &'static str,
    /// The fixed phrase.
    pub text: &'static str,
    /// `switch` stands in the way, `alarm` is only told.
    pub severity: TriggerSeverity,
    /// Since when.
    #[serde(with = "crate::time::rfc3339")]
    pub since: SystemTime,
    /// The figures behind it, and what to do.
    pub advice: String,
}

impl Lacking {
    const fn code(self) -> &'static str {
        match self {
            Self::Sender => "disconnect",
            Self::Media => "no_media",
            Self::Tables => "no_tables",
            Self::Scrambled => "scrambled",
            Self::KeyFrame => "no_key_frame",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Sender => TriggerKind::Disconnect.text(),
            Self::Media => "No media",
            Self::Tables => "No tables",
            Self::Scrambled => "Scrambled",
            Self::KeyFrame => "No key frame yet",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Sender => TriggerKind::Disconnect.advice(),
            Self::Media => "Nothing arrives. Start the encoder.",
            Self::Tables => {
                "Data arrives, but no table that names a picture or sound. \
                 The sender must send an MPEG transport stream with its tables."
            }
            Self::Scrambled => "The stream is scrambled, so nobody can tell where to begin.",
            Self::KeyFrame => {
                "A picture can only begin with a key frame. \
                 Set the encoder to send one every second or two."
            }
        }
    }

    /// The trigger that says the same.
    fn is_said_by(self, kind: TriggerKind) -> bool {
        match self {
            Self::Sender => kind == TriggerKind::Disconnect,
            Self::Media => kind == TriggerKind::NoPackets,
            Self::Tables => matches!(
                kind,
                TriggerKind::TsSync | TriggerKind::Pat | TriggerKind::Pmt
            ),
            Self::Scrambled | Self::KeyFrame => false,
        }
    }
}

impl Checks {
    /// The verdict of the last look, at `now` and `wall`.
    #[must_use]
    pub fn readiness(&self, now: Instant, wall: SystemTime) -> Readiness {
        let at = |then: Instant| {
            wall.checked_sub(now.saturating_since(then))
                .unwrap_or(SystemTime::UNIX_EPOCH)
        };
        // Where nobody is there, nobody sends.
        let is_gone = self
            .lacking
            .is_some_and(|(what, _)| what == Lacking::Sender);
        let is_news = |fired: &&Fired| !is_gone || fired.trigger != TriggerKind::NoPackets;
        let fired = self.fired().iter().filter(is_news);
        let mut reasons: Vec<_> = fired.map(|fired| reason(fired, at(fired.since))).collect();
        if let Some((lacking, since)) = self.lacking
            && !self
                .present()
                .any(|fired| lacking.is_said_by(fired.trigger))
        {
            let reason = ReadinessReason {
                code: lacking.code(),
                text: lacking.text(),
                severity: TriggerSeverity::Switch,
                since: at(since),
                advice: lacking.advice().into(),
            };
            // An alarm that says the same is not said twice.
            reasons.retain(|told| told.code != reason.code);
            reasons.insert(0, reason);
        }
        Readiness {
            ready: self.is_ready(),
            reasons,
            clean_since: self.clean_since().map(at),
        }
    }
}

impl Readiness {
    /// With what its health says, over seconds: nothing is ready without media, whatever the
    /// triggers are.
    pub(crate) fn agree_with(&mut self, health: &[Reason]) {
        let forbids = |reason: &&Reason| {
            let code = reason.code;
            let silent = matches!(code, ReasonCode::NoMedia | ReasonCode::Reconnecting);
            let partial = matches!(code, ReasonCode::NoPicture | ReasonCode::NoSound);
            silent || (partial && reason.severity == Health::Error)
        };
        for reason in health.iter().filter(forbids) {
            self.ready = false;
            self.clean_since = None;
            let is_said = |said: &ReadinessReason| match reason.code {
                ReasonCode::NoMedia | ReasonCode::Reconnecting => {
                    said.severity == TriggerSeverity::Switch
                }
                _ => said.code == TriggerKind::Pid.as_str(),
            };
            if !self.reasons.iter().any(is_said) {
                self.reasons.push(ReadinessReason {
                    code: reason.code.as_str(),
                    text: reason.code.text(),
                    severity: TriggerSeverity::Switch,
                    since: reason.since,
                    advice: reason.advice.clone(),
                });
            }
        }
    }
}

fn reason(fired: &Fired, since: SystemTime) -> ReadinessReason {
    let mut evidence = fired.to_string();
    if let Some(first) = evidence.get(..1) {
        let first = first.to_uppercase();
        evidence.replace_range(..1, &first);
    }
    if !fired.present {
        evidence.push_str(", until just now");
    }
    ReadinessReason {
        code: fired.trigger.as_str(),
        text: fired.trigger.text(),
        severity: fired.severity,
        since,
        advice: format!("{evidence}. {}", fired.trigger.advice()),
    }
}
