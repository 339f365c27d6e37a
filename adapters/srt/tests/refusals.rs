//! Callers that must stay outside, and what the journal says about them.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use common::{Bed, PASSPHRASE, refused};
use tidegate_testkit::{eventually, media, peers};

fn bed() -> Bed {
    let bed = Bed::new();
    let source = |id: &str| {
        format!(r#"{{ "listener": "ingest", "stream_id": "{id}", "passphrase": "{PASSPHRASE}" }}"#)
    };
    bed.source("cam1", &source("event/cam1/main"));
    bed.source(
        "open",
        r#"{ "listener": "ingest", "stream_id": "event/open" }"#,
    );
    bed.output("program", "cam1", &source("out/program"));
    bed
}

#[test]
fn every_stranger_hears_the_same_and_the_journal_has_the_reason() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    let right = format!("passphrase={PASSPHRASE}");
    let wrong = "passphrase=something else entirely";
    let cases = [
        ("event/cam1/mian", right.as_str(), "unknown_stream"),
        ("event/cam1/main", wrong, "wrong_passphrase"),
        ("event/cam1/main", "", "encryption_required"),
        ("event/open", right.as_str(), "encryption_unexpected"),
        ("#!::r=out/program,m=publish", right.as_str(), "wrong_mode"),
        (
            "#!::r=event/cam1/main,m=request",
            right.as_str(),
            "wrong_mode",
        ),
        ("out/program", wrong, "wrong_passphrase"),
    ];
    let mut told = Vec::new();
    for (index, (stream_id, passphrase, reason)) in cases.into_iter().enumerate() {
        let options = format!("streamid={stream_id}&{passphrase}");
        told.push(refused(&bed, &format!("stranger{index}"), &options));
        let rejection = bed.rejection(stream_id);
        assert_eq!(rejection.reason, reason, "{stream_id}");
        assert!(rejection.peer.starts_with("127.0.0.1:"), "{rejection:?}");
        assert!(!rejection.advice.is_empty());
        assert!(!format!("{rejection:?}").contains(PASSPHRASE));
        if reason == "unknown_stream" {
            assert_eq!(rejection.nearest.as_deref(), Some("event/cam1/main"));
        }
    }
    assert!(told.iter().all(|text| *text == told[0]), "{told:#?}");
    assert!(!bed.is_connected("cam1"));
}

#[test]
fn a_second_publisher_is_refused_and_the_first_does_not_notice() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    let gathered = bed.gather("cam1");
    let sent = media::numbered_ts(7 * 3000);
    let options = format!("streamid=event/cam1/main&passphrase={PASSPHRASE}");
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| bed.publish("cam1", &options, &sent));
        eventually("the first sends", || {
            (gathered.len() > 100_000).then_some(())
        });
        refused(&bed, "second", &options);
        let rejection = bed.rejection("event/cam1/main");
        assert_eq!(rejection.reason, "already_publishing");
        refused(
            &bed,
            "third",
            "streamid=event/cam1/main&passphrase=not the right one",
        );
        assert_eq!(bed.rejection("event/cam1/main").reason, "wrong_passphrase");
        let _sender = sender.join().unwrap();
        gathered.assert_carried(&sent);
    });
}

#[test]
fn the_secret_for_sending_does_not_read_and_the_journal_says_so() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    let settings = |passphrase: &str| {
        format!(
            r#"{{ "listener": "ingest", "stream_id": "out/partner", "passphrase": "{passphrase}" }}"#
        )
    };
    bed.output("partner", "cam1", &settings("a secret for reading"));
    eventually("the output is up", || {
        bed.engine.output_status("partner").map(drop)
    });
    refused(
        &bed,
        "thief",
        &format!("streamid=out/partner&passphrase={PASSPHRASE}"),
    );
    let rejection = bed.rejection("out/partner");
    assert_eq!(rejection.reason, "wrong_mode");
    assert_eq!(
        rejection.received.as_deref(),
        Some("the passphrase of source cam1")
    );
    refused(
        &bed,
        "reverse",
        "streamid=event/cam1/main&passphrase=a secret for reading",
    );
    let rejection = bed.rejection("event/cam1/main");
    assert_eq!(rejection.reason, "wrong_mode");
    assert_eq!(
        rejection.received.as_deref(),
        Some("the passphrase of output partner")
    );
}

#[test]
fn two_owners_of_one_stream_id_are_a_configuration_error() {
    let bed = bed();
    bed.source(
        "open",
        r#"{ "listener": "ingest", "stream_id": "event/open" }"#,
    );
    bed.output(
        "thief",
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "event/open", "open": true }"#,
    );
    eventually("the output fails", || {
        let status = bed.output_status("thief");
        status
            .last_error
            .filter(|error| error.contains("source open"))
            .map(drop)
    });
}
