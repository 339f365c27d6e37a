//! The one beside the publisher: when it steps in, and what is said about it.

use std::time::SystemTime;

use serde_json::{Map, Value, json};
use tidegate_engine::{Alarm, EventKind, Severity, SourceContext, Subject};
use tidegate_srt::RejectReason;
use tidegate_srt_io::ConnectionState;
use tidegate_units::Instant;

use super::PublisherDoor;
use crate::details::{self, Direction};
use crate::flapping::{CLEAN, TAKEOVERS_MAX, WINDOW};
use crate::listening::Refusal;
use crate::phrases;
use crate::place::{Change, Holder, Place, Why};
use crate::settings::SecondPublisher;

/// The alarm about publishers that take a source from each other.
pub(super) const FLAPPING: &str = "publisher_flapping";

impl PublisherDoor {
    /// Lets the one beside step in when it is its turn; true when it did.
    pub(super) fn settle(&self, now: Instant, context: &SourceContext) -> bool {
        let mut place = self.place();
        let notice = |message: String| {
            let subject = Subject::source(&*self.name);
            context.events.emit(subject, EventKind::Notice { message });
        };
        let stands_by = place.policy == SecondPublisher::StandBy;
        if let Some(beside) = &mut place.beside {
            let status = beside.handle.status();
            beside.note_life(&status);
            match &status.state {
                ConnectionState::Connected if stands_by && !beside.announced => {
                    beside.announced = true;
                    notice(format!("a second publisher stands by: {}", beside.peer));
                }
                ConnectionState::Ended(reason) if beside.announced => {
                    let why = phrases::departure(reason);
                    notice(format!("the standby {} is gone: {why}", beside.peer));
                }
                _ => {}
            }
        }
        if place.latch.look(now) {
            context.report.clear_alarm(FLAPPING);
        }
        let Some((change, replaced)) = place.settle(now) else {
            return false;
        };
        if let Some(live) = &mut place.live {
            live.gate.open(self.feed.ts_writer());
            live.announced = false;
        }
        let alarm = change.latched.then(|| flapping(&self.name, &place));
        drop(place);
        if let Some(old) = replaced {
            old.handle.close();
        }
        let message = sentence(&change);
        tracing::info!(source = %self.name, "{message}");
        notice(message);
        if let Some(alarm) = alarm {
            context.report.raise_alarm(alarm);
        }
        true
    }
}

fn sentence(change: &Change) -> String {
    let (from, to) = (change.takeover.from, change.takeover.to);
    match change.why {
        Why::TookOver => format!("{to} took over from the publisher {from}, which was sent away"),
        Why::Silent => format!("the standby {to} stepped in: the publisher {from} fell silent"),
        Why::Left => format!("the standby {to} stepped in: the publisher {from} left"),
    }
}

/// The alarm, with its evidence.
fn flapping(name: &str, place: &Place) -> Alarm {
    let evidence: Vec<String> = place
        .latch
        .evidence()
        .map(|takeover| format!("{} from {}", takeover.to, takeover.from))
        .collect();
    let (window, clean) = (WINDOW.as_secs() / 60, CLEAN.as_secs() / 60);
    Alarm {
        code: FLAPPING.to_owned(),
        severity: Severity::Warning,
        text: format!(
            "Publishers took source {name} from each other {TAKEOVERS_MAX} times within {window} \
             minutes ({}); a publisher that sends is not replaced any more",
            evidence.join(", ")
        ),
        advice: format!(
            "Look for two encoders with one stream ID and stop one of them, or mend the path of \
             the one that fails. Takeovers are allowed again {clean} minutes after the last \
             attempt, or at once when the source is changed"
        ),
        since: SystemTime::now(),
    }
}

impl Place {
    /// Why somebody stays outside who would publish beside `holder`.
    pub(super) fn refusal(&self, holder: Holder, has_proved: bool) -> Refusal {
        let stop = "Stop the other sender first, or give this one a source of its own; to watch, \
                    use the stream ID of an output";
        let advice = match (self.policy, holder) {
            (SecondPublisher::TakeOver, Holder::Publisher(_)) if !has_proved => {
                "Anybody may publish to this source, so nobody may take it over: give it a \
                 passphrase, a list of allowed addresses or a webhook"
            }
            (SecondPublisher::TakeOver, Holder::Publisher(_)) if self.latch.is_latched() => {
                "Too many takeovers in a short time: find out which two encoders use this stream \
                 ID and stop one; the alarm of the source names them"
            }
            _ => stop,
        };
        let expected = match holder {
            Holder::Publisher(by) => format!("only one publisher; {by} is live"),
            Holder::Standby(by) => format!("only one publisher beside the live one; {by} is there"),
        };
        Refusal::new(RejectReason::AlreadyPublishing, advice).expected(expected)
    }

    /// What the status shows of the one beside, and of takeovers; nothing where the policy is
    /// to refuse a second publisher.
    pub(super) fn describe(&self, stream_id: &str) -> Option<Map<String, Value>> {
        if self.policy == SecondPublisher::Reject {
            return None;
        }
        let mut fields = Map::new();
        fields.insert("second_publisher".into(), self.policy.name().into());
        fields.insert("takeovers".into(), self.takeovers.into());
        fields.insert("takeovers_latched".into(), self.latch.is_latched().into());
        let standby = self.beside.as_ref().map(|beside| {
            let status = beside.handle.status();
            let mut standby = details::connection(&status, stream_id, Direction::In);
            let rate = status.statistics.as_ref().map(|s| s.receive_rate.as_bps());
            standby["since"] = json!(rfc3339(beside.since));
            if let Some(caller) = beside.caller.describe() {
                standby["caller"] = caller;
            }
            standby["bitrate_bps"] = json!(rate);
            standby
        });
        fields.insert("standby".into(), standby.unwrap_or(Value::Null));
        Some(fields)
    }
}

/// As times are written everywhere in the API.
fn rfc3339(at: SystemTime) -> Value {
    tidegate_engine::time::rfc3339::serialize(&at, serde_json::value::Serializer)
        .unwrap_or(Value::Null)
}
