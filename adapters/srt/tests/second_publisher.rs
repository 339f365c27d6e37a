//! What becomes of a second publisher, with real encoders and a real reader.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use common::{Bed, PASSPHRASE, Receiving, Sender, assert_same, without_stuffing};
use serde_json::Value;
use tidegate_testkit::{Process, eventually, media, peers};

fn settings(policy: &str, more: &str) -> String {
    format!(
        r#"{{ "listener": "ingest", "stream_id": "a", "passphrase": "{PASSPHRASE}",
            "second_publisher": "{policy}" {more} }}"#
    )
}

/// A source with this policy, and an output anybody may read.
fn bed(policy: &str) -> Bed {
    let bed = Bed::new();
    bed.source("cam1", &settings(policy, ""));
    bed.output(
        "out",
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "out", "open": true }"#,
    );
    bed
}

fn url(bed: &Bed) -> String {
    bed.url(&format!("streamid=a&passphrase={PASSPHRASE}"))
}

fn encoder(bed: &Bed, name: &str) -> Process {
    peers::test_picture(name, &url(bed), bed.folder())
}

fn srt(bed: &Bed) -> Value {
    let status = bed.source_status("cam1");
    serde_json::to_value(status).unwrap()["srt"].clone()
}

/// A reader that sees the picture of whoever publishes.
fn watching(bed: &Bed) -> Receiving {
    let reader = Receiving::start("reader", &bed.url("streamid=out"), bed.folder());
    eventually("the reader watches", || {
        (reader.gathered.len() > 100_000).then_some(())
    });
    reader
}

/// Waits for all of `sent` in what `reader` got, behind whatever came before it.
#[track_caller]
fn assert_continued_with(reader: &Receiving, sent: &[u8]) {
    let got = eventually("the new publisher's packets arrive", || {
        let bytes = reader.gathered.bytes();
        let start = bytes
            .chunks(188)
            .position(|packet| packet == &sent[..188])?;
        let got = without_stuffing(&bytes[start * 188..]);
        (got.len() >= sent.len()).then_some(got)
    });
    assert_same(&got, sent);
}

#[test]
fn who_takes_over_is_what_the_readers_see_next() {
    if !peers::have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    let bed = bed("take_over");
    let mut first = encoder(&bed, "first");
    let mut reader = watching(&bed);
    let sent = media::numbered_ts(7 * 500);
    let first_peer = srt(&bed)["peer"].clone();
    let took_over = || srt(&bed)["takeovers"] == 1;
    let mut second = Sender::start("second", &url(&bed), bed.folder(), took_over);
    eventually("the first is sent away", || first.ended());
    second.send(&sent);
    assert_continued_with(&reader, &sent);
    assert!(
        reader.process.ended().is_none(),
        "{}",
        reader.process.output()
    );
    assert_eq!(bed.output_status("out").readers, 1);
    assert!(srt(&bed)["peer"] != first_peer && bed.is_connected("cam1"));
    assert!(!bed.has_rejections());
}

#[test]
fn a_standby_steps_in_without_a_reconnect_when_the_publisher_is_killed() {
    if !peers::have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    let bed = bed("stand_by");
    let mut first = encoder(&bed, "first");
    let mut reader = watching(&bed);
    let seen = || srt(&bed)["standby"]["packets_received"].as_u64() > Some(10);
    let mut second = Sender::start("second", &url(&bed), bed.folder(), seen);
    let status = srt(&bed);
    assert_eq!(status["second_publisher"], "stand_by");
    let standby = &status["standby"];
    assert!(standby["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(
        standby["since"].as_str().unwrap().ends_with('Z'),
        "{standby}"
    );
    let standby_peer = standby["peer"].clone();
    bed.notice("a second publisher stands by: 127.0.0.1:");
    assert!(first.ended().is_none(), "the first one stays");
    first.kill();
    eventually("the standby steps in", || {
        second.send(&[]);
        (srt(&bed)["peer"] == standby_peer).then_some(())
    });
    bed.notice("the standby 127.0.0.1:");
    let sent = media::numbered_ts(7 * 500);
    second.send(&sent);
    assert_continued_with(&reader, &sent);
    assert!(second.process.ended().is_none() && reader.process.ended().is_none());
    assert!(!bed.has_rejections());
    assert!(
        bed.engine
            .alarms()
            .iter()
            .all(|a| a.alarm.code != "publisher_flapping")
    );
}

#[test]
fn publishers_that_take_a_source_from_each_other_latch_and_raise_an_alarm() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = bed("take_over");
    let mut encoders = vec![encoder(&bed, "encoder0")];
    eventually("the first sends", || {
        (bed.is_connected("cam1") && srt(&bed)["packets_received"].as_u64() > Some(100))
            .then_some(())
    });
    for count in 1..=3 {
        encoders.push(encoder(&bed, &format!("encoder{count}")));
        eventually("it took over", || {
            (srt(&bed)["takeovers"] == count).then_some(())
        });
    }
    let alarm = eventually("the alarm stands", || {
        let alarms = bed.engine.alarms().into_iter();
        let mut alarms = alarms.map(|standing| standing.alarm);
        alarms.find(|alarm| alarm.code == "publisher_flapping")
    });
    assert_eq!(
        alarm.text.matches("127.0.0.1:").count(),
        6,
        "{}",
        alarm.text
    );
    assert!(!alarm.advice.is_empty());
    assert_eq!(srt(&bed)["takeovers_latched"], true);
    let mut fourth = encoder(&bed, "encoder4");
    let rejection = bed.rejection("a");
    assert_eq!(rejection.reason, "already_publishing");
    assert!(
        rejection.advice.contains("takeovers"),
        "{}",
        rejection.advice
    );
    eventually("it is turned away", || fourth.ended());
    assert_eq!(srt(&bed)["takeovers"], 3);
    assert!(
        encoders[3].ended().is_none(),
        "the last one stays on the air"
    );
    bed.change_source(
        "cam1",
        &settings("take_over", r#", "allow": ["127.0.0.1"]"#),
    );
    eventually("a change opens the latch", || {
        (srt(&bed)["takeovers_latched"] == false && bed.engine.alarms().is_empty()).then_some(())
    });
    assert!(encoders[3].ended().is_none() && bed.is_connected("cam1"));
    encoders.push(encoder(&bed, "encoder5"));
    eventually("it took over", || {
        (srt(&bed)["takeovers"] == 4).then_some(())
    });
    bed.runtime
        .block_on(bed.engine.remove_source("cam1"))
        .unwrap();
    assert!(
        bed.engine.alarms().is_empty(),
        "an alarm goes with its source"
    );
}

#[test]
fn a_latched_standby_still_replaces_a_publisher_that_left() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = bed("stand_by");
    let mut live = encoder(&bed, "encoder0");
    bed.wait_connected("cam1");
    for count in 1..=4 {
        let next = encoder(&bed, &format!("encoder{count}"));
        let ready = |srt: &Value| srt["standby"]["packets_received"].as_u64() > Some(50);
        eventually("the next one stands by", || ready(&srt(&bed)).then_some(()));
        let before = srt(&bed)["standby"]["peer"].clone();
        live.stop();
        eventually("it steps in", || {
            let srt = srt(&bed);
            (srt["takeovers"] == count && srt["peer"] == before).then_some(())
        });
        assert_eq!(srt(&bed)["takeovers_latched"], count >= 3, "{count}");
        live = next;
    }
    let alarms = bed.engine.alarms();
    let flapping = alarms.iter().find(|a| a.alarm.code == "publisher_flapping");
    assert!(flapping.is_some(), "{alarms:?}");
}

#[test]
fn a_latched_standby_steps_in_for_a_publisher_that_stays_connected_without_media() {
    if !peers::have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    let bed = bed("stand_by");
    let mut live = encoder(&bed, "encoder0");
    bed.wait_connected("cam1");
    for count in 1..=2 {
        let next = encoder(&bed, &format!("encoder{count}"));
        let ready = || srt(&bed)["standby"]["packets_received"].as_u64() > Some(50);
        eventually("the next one stands by", || ready().then_some(()));
        live.stop();
        eventually("it steps in", || {
            (srt(&bed)["takeovers"] == count).then_some(())
        });
        live = next;
    }
    let seen = || srt(&bed)["standby"]["packets_received"].as_u64() > Some(10);
    let mut quiet = Sender::start("quiet", &url(&bed), bed.folder(), seen);
    let quiet_peer = srt(&bed)["standby"]["peer"].clone();
    live.stop();
    eventually("the quiet one steps in, and that was one too many", || {
        quiet.send(&[]);
        let srt = srt(&bed);
        (srt["peer"] == quiet_peer && srt["takeovers_latched"] == true).then_some(())
    });
    // From now on it is connected and sends nothing.
    let _standby = encoder(&bed, "standby");
    eventually("the standby steps in", || {
        (srt(&bed)["takeovers"] == 4).then_some(())
    });
    assert!(quiet.process.ended().is_none(), "it was not sent away");
    let status = srt(&bed);
    assert_eq!(status["takeovers_latched"], true);
    assert_eq!(status["standby"]["peer"], quiet_peer, "{status}");
}

#[test]
fn where_anybody_may_publish_nobody_takes_over() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    bed.source(
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "a", "second_publisher": "take_over" }"#,
    );
    let mut first = peers::test_picture("first", &bed.url("streamid=a"), bed.folder());
    bed.wait_connected("cam1");
    let mut second = peers::test_picture("second", &bed.url("streamid=a"), bed.folder());
    let rejection = bed.rejection("a");
    assert_eq!(rejection.reason, "already_publishing");
    assert!(
        rejection.advice.contains("passphrase"),
        "{}",
        rejection.advice
    );
    eventually("the second is turned away", || second.ended());
    assert!(first.ended().is_none());
}
