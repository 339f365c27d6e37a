//! What the checks of an input say, in the words of those who decide.

use super::input::Input;
use std::sync::Arc;
use tidegate_engine::{Fired, Link, Measured, TriggerKind, TriggerSeverity, Triggers};
use tidegate_switch::LaneStatus;
use tidegate_switch::decide::{self, Fault, Figure, InputView, Severity};
use tidegate_units::{Duration, Instant};

/// How long a key frame counts as one that was there a moment ago: the longest distance that
/// encoders are set to.
const KEY_FRAME_FRESH: Duration = Duration::from_secs(12);

/// An input as it is now.
pub(super) fn of(
    input: &Input,
    lane: &LaneStatus,
    unfit: Option<Arc<str>>,
    silent_after: Duration,
    now: Instant,
) -> InputView {
    let vitals = &input.vitals;
    let stream = &vitals.stream;
    let silent = input.silent_for(now);
    let key = stream.last_key.max(vitals.key_beside);
    let is_key_fresh = key.is_some_and(|key| now.saturating_since(key) < KEY_FRAME_FRESH);
    let has_begun = !stream.streams().is_empty();
    let fired = input.fired().iter();
    InputView {
        connected: vitals.link != Link::Down,
        delivers: vitals.link != Link::Down && silent.is_some_and(|silent| silent < silent_after),
        has_key_frame: lane.key_frame_age.is_some()
            || is_key_fresh
            || (has_begun && !stream.has_video()),
        enters_now: lane.key_frame_age.is_some(),
        unfit,
        fired: fired
            .map(|fired| of_fired(fired, input.checks.triggers()))
            .chain(input.scrambled_since().map(scrambled))
            .collect(),
    }
}

/// No trigger says this, but the readiness of every source: there is nothing to cut at, and most
/// viewers see nothing of it.
fn scrambled(since: Instant) -> decide::Fired {
    decide::Fired {
        code: "scrambled".into(),
        severity: Severity::Switch,
        fault: Fault::Damaged,
        present: true,
        since,
        text: "it is scrambled".into(),
        figure: None,
    }
}

fn of_fired(fired: &Fired, triggers: &Triggers) -> decide::Fired {
    decide::Fired {
        code: fired.trigger.as_str().into(),
        severity: match fired.severity {
            TriggerSeverity::Switch => Severity::Switch,
            TriggerSeverity::Alarm => Severity::Alarm,
        },
        fault: match fired.trigger {
            TriggerKind::Disconnect => Fault::Gone,
            TriggerKind::NoPackets => Fault::Silent,
            _ => Fault::Damaged,
        },
        present: fired.present,
        since: fired.since,
        text: fired.to_string().into(),
        figure: figure(fired, triggers),
    }
}

#[allow(clippy::cast_precision_loss, reason = "shown with a few digits")]
fn figure(fired: &Fired, triggers: &Triggers) -> Option<Figure> {
    let trigger = triggers.get(fired.trigger)?;
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let (value, threshold, unit) = match fired.measured {
        Measured::For(time) | Measured::OnPid(_, time) => {
            (millis(time), millis(trigger.after), "ms")
        }
        Measured::Count(count, _) => (count as f64, f64::from(trigger.threshold), "packets"),
        Measured::Rate(now, usual) => {
            let usual = usual.as_bps().max(1) as f64;
            let percent = now.as_bps() as f64 / usual * 100.0;
            (percent, f64::from(trigger.threshold), "percent")
        }
    };
    Some(Figure {
        value,
        threshold,
        unit,
    })
}
