//! The settings of triggers, as people write them.

use super::*;
use core::time::Duration;

fn read(text: &str) -> Result<Triggers, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn trigger(text: &str, kind: TriggerKind) -> Option<Trigger> {
    read(text).expect("triggers").get(kind)
}

#[test]
fn each_trigger_is_off_or_a_value_or_an_object() {
    let after = |text: &str| trigger(text, TriggerKind::NoPackets).map(|it| it.after.as_millis());
    assert_eq!(after("{}"), Some(150));
    assert_eq!(after(r#"{"no_packets": "300ms"}"#), Some(300));
    assert_eq!(after(r#"{"no_packets": "off"}"#), None);
    assert_eq!(after(r#"{"no_packets": false}"#), None);
    let text =
        r#"{"bitrate": {"threshold": 20, "after": "2s", "hold": "5s", "severity": "alarm"}}"#;
    let expected = Trigger {
        threshold: 20,
        after: Duration::from_secs(2),
        hold: Duration::from_secs(5),
        severity: TriggerSeverity::Alarm,
    };
    assert_eq!(trigger(text, TriggerKind::Bitrate), Some(expected));
    let continuity = trigger(r#"{"continuity": 50}"#, TriggerKind::Continuity);
    assert_eq!(continuity.map(|it| it.threshold), Some(50));
}

#[test]
fn what_is_written_is_read_back_and_only_what_differs_is_written() {
    assert_eq!(serde_json::to_string(&Triggers::default()).unwrap(), "{}");
    for text in [
        r#"{"disconnect":"off","no_packets":"300ms"}"#,
        r#"{"unrecovered_loss":{"hold":"3s","threshold":5,"within":"10s"}}"#,
        r#"{"pat":{"after":"2s","severity":"alarm"},"bitrate":10}"#,
    ] {
        let triggers = read(text).unwrap();
        assert_eq!(serde_json::to_string(&triggers).unwrap(), text);
    }
}

#[test]
fn a_setting_that_does_not_do_is_refused_with_what_would() {
    for (text, expected) in [
        (
            r#"{"no_packets": "10ms"}"#,
            "10ms does not do for no_packets: from 50ms to 5s",
        ),
        (
            r#"{"no_packets": 150}"#,
            "no_packets takes a time with its unit, like 150ms",
        ),
        (
            r#"{"bitrate": "1s"}"#,
            "`off`, a value like 30, or an object with threshold, after, hold, severity",
        ),
        (
            r#"{"bitrate": 99}"#,
            "99 does not do for bitrate: from 1 to 90 percent of the usual bitrate",
        ),
        (
            r#"{"continuity": {"after": "1s"}}"#,
            "unknown field `after` of continuity: it takes threshold, hold, severity",
        ),
        (r#"{"no_packts": "1s"}"#, "unknown field `no_packts`"),
        (r#"{"black": "3s"}"#, "does not exist yet"),
        (r#"{"pid": {"hold": "1h"}}"#, "at most 1m"),
        (r#"{"pid": {"severity": "loud"}}"#, "unknown variant `loud`"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
