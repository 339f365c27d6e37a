//! Stream IDs as real programs and people write them: every key, every form, and what is
//! refused with which reason.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use common::{Bed, PASSPHRASE, Receiving, refused};
use serde_json::{Value, json};
use tidegate_testkit::{eventually, peers};

/// A source `live/NAME`, of which only its own stream ID is known.
fn source(bed: &Bed, name: &str) {
    bed.source(
        name,
        &format!(
            r#"{{ "listener": "ingest", "stream_id": "live/{name}", "passphrase": "{PASSPHRASE}" }}"#
        ),
    );
}

fn right(stream_id: &str) -> String {
    format!("streamid={stream_id}&passphrase={PASSPHRASE}")
}

/// What the status says about who publishes.
fn caller(bed: &Bed, name: &str) -> Value {
    bed.wait_connected(name);
    eventually("the status has its figures", || {
        let status = serde_json::to_value(bed.source_status(name)).ok()?;
        let srt = &status["srt"];
        srt["stream_id"].is_string().then(|| srt["caller"].clone())
    })
}

#[test]
fn every_key_and_form_that_callers_write_is_understood() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let cases = [
        ("live/NAME", Value::Null),
        ("live%2FNAME", Value::Null),
        ("#!::r=live/NAME", Value::Null),
        ("#!::r=live%2FNAME,m=publish", Value::Null),
        ("#!::r=live/NAME,m=PUBLISH,t=Stream", Value::Null),
        (
            "%23!::r=live/NAME,m=publish,u=alice",
            json!({ "user": "alice" }),
        ),
        (
            "%23%21%3A%3Ar%3Dlive%2FNAME%2Cu%3Dalice",
            json!({ "user": "alice" }),
        ),
        (
            "#!::r=live/NAME, m=publish, u=alice",
            json!({ "user": "alice" }),
        ),
        (
            "#!::u=alice,h=elsewhere.example,s=7f-1,t=stream,m=publish,r=live/NAME",
            json!({ "user": "alice", "host": "elsewhere.example", "session": "7f-1" }),
        ),
        (
            "#!::r=live/NAME,user_id=7,company_x=a=b",
            json!({ "keys": { "user_id": "7", "company_x": "a=b" } }),
        ),
        (
            "#!:{r=live/NAME,m=publish,user={name=alice,site={town=Oslo}}}",
            json!({ "keys": { "user.name": "alice", "user.site.town": "Oslo" } }),
        ),
    ];
    let mut senders = Vec::new();
    for (index, (stream_id, keys)) in cases.into_iter().enumerate() {
        let name = format!("cam{index}");
        source(&bed, &name);
        let stream_id = stream_id.replace("NAME", &name);
        senders.push(bed.publish(&name, &right(&stream_id), &[]));
        assert_eq!(caller(&bed, &name), keys, "{stream_id}");
    }
    assert!(!bed.has_rejections());
}

#[test]
fn what_ffmpeg_and_obs_send_is_understood() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    let alice = json!({ "user": "alice" });
    let cases = [
        ("live/NAME", Value::Null),
        ("%23!::r=live/NAME,m=publish,u=alice", alice.clone()),
        ("#!::r=live/NAME,m=publish,u=alice", alice.clone()),
        (
            "%23%21%3A%3Ar%3Dlive%2FNAME%2Cm%3Dpublish%2Cu%3Dalice",
            alice,
        ),
    ];
    let mut encoders = Vec::new();
    for (index, (stream_id, keys)) in cases.into_iter().enumerate() {
        let name = format!("cam{index}");
        source(&bed, &name);
        let stream_id = stream_id.replace("NAME", &name);
        let url = bed.url(&format!("mode=caller&{}", right(&stream_id)));
        encoders.push(peers::test_picture(&name, &url, bed.folder()));
        assert_eq!(caller(&bed, &name), keys, "{stream_id}");
    }
    assert!(!bed.has_rejections());
}

#[test]
fn what_does_not_fit_is_refused_with_its_reason() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    source(&bed, "cam");
    bed.output(
        "out",
        "cam",
        &format!(r#"{{ "listener": "ingest", "stream_id": "out", "passphrase": "{PASSPHRASE}" }}"#),
    );
    let cases = [
        ("#!::r=live/cam,m=request", "wrong_mode", "for sending"),
        ("#!::r=out,m=publish", "wrong_mode", "for reading"),
        ("#!::r=live/cam,m=both", "wrong_mode", "m=publish"),
        ("#!::r=live/cam,t=pigeon", "unsupported_type", "t=stream"),
        ("#!::r=live/cam,r=out", "bad_stream_id", "plain"),
        ("#!:{r=live/cam", "bad_stream_id", "plain"),
        ("#!::r", "bad_stream_id", "plain"),
        ("#!::m=publish,u=alice", "unknown_stream", "configure"),
        (
            "#!::r=LIVE/CAM,m=publish",
            "unknown_stream",
            "did it mean \"live/cam\"",
        ),
        ("live/studio", "unknown_stream", "configure"),
        ("'#!::r=x,m=publish'", "unknown_stream", "quotation marks"),
        ("live/cam1", "unknown_stream", "did it mean \"live/cam\""),
    ];
    for (index, (stream_id, reason, advice)) in cases.into_iter().enumerate() {
        refused(&bed, &format!("caller{index}"), &right(stream_id));
        let rejection = bed.rejection(stream_id);
        assert_eq!(rejection.reason, reason, "{stream_id}");
        assert!(rejection.advice.contains(advice), "{}", rejection.advice);
    }
    assert!(!bed.is_connected("cam"));
}

#[test]
fn a_reader_says_who_it_is_and_the_output_shows_it() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    source(&bed, "cam");
    bed.output(
        "out",
        "cam",
        r#"{ "listener": "ingest", "stream_id": "watch/cam", "open": true }"#,
    );
    let stream_id = "#!::r=watch/cam,m=request,u=bob,h=wall.example,user_seat=12";
    let url = bed.url(&format!("streamid={stream_id}"));
    let _reader = Receiving::start("reader", &url, bed.folder());
    let caller = eventually("the output shows its reader", || {
        let status = serde_json::to_value(bed.output_status("out")).ok()?;
        let readers = status["detail"]["srt"]["readers"].as_array()?.clone();
        Some(readers.first()?["caller"].clone())
    });
    let expected = json!({
        "user": "bob", "host": "wall.example", "keys": { "user_seat": "12" },
    });
    assert_eq!(caller, expected);
}
