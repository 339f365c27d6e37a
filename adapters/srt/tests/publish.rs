//! Real peers publish to a listener.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use common::{Bed, PASSPHRASE};
use tidegate_testkit::{eventually, media, peers};

#[test]
fn a_plain_stream_arrives_bit_exact() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source(
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "live/cam1" }"#,
    );
    let gathered = bed.gather("cam1");
    let sent = media::numbered_ts(7 * 2000);
    let _sender = bed.publish("cam1", "streamid=live/cam1", &sent);
    gathered.assert_carried(&sent);
    eventually("the status shows the stream", || {
        let srt = &serde_json::to_value(bed.source_status("cam1")?).ok()?["srt"];
        assert_eq!(srt["encryption"], "none");
        assert_eq!(srt["latency_ms"], 200.0);
        assert_eq!(srt["packets_dropped"], 0);
        (srt["packets_received"].as_u64()? > 2000 && srt["rtt_ms"].as_f64()? < 50.0).then_some(())
    });
}

#[test]
fn an_encrypted_stream_arrives_bit_exact_with_every_key_length() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let sent = media::numbered_ts(7 * 500);
    for bytes in [16, 24, 32] {
        let name = format!("cam{bytes}");
        let settings = format!(
            r#"{{ "listener": "ingest", "stream_id": "{name}", "passphrase": "{PASSPHRASE}" }}"#
        );
        bed.source(&name, &settings);
        let gathered = bed.gather(&name);
        let options = format!(
            "streamid=#!::r={name},m=publish&passphrase={PASSPHRASE}&pbkeylen={bytes}&latency=300"
        );
        let _sender = bed.publish(&name, &options, &sent);
        gathered.assert_carried(&sent);
        eventually("the status shows the cipher", || {
            let status = serde_json::to_value(bed.source_status(&name)?).ok()?;
            assert_eq!(
                status["srt"]["encryption"],
                format!("aes-{}-ctr", bytes * 8)
            );
            (status["srt"]["latency_ms"] == 300.0).then_some(())
        });
    }
    assert!(!bed.has_rejections());
}

#[test]
fn a_killed_encoder_that_comes_back_at_once_takes_its_place_again() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    let settings =
        format!(r#"{{ "listener": "ingest", "stream_id": "a", "passphrase": "{PASSPHRASE}" }}"#);
    bed.source("cam1", &settings);
    let gathered = bed.gather("cam1");
    let url = bed.url(&format!("streamid=a&passphrase={PASSPHRASE}"));
    let mut first = peers::test_picture("first", &url, bed.folder());
    eventually("the first sends", || {
        (gathered.len() > 100_000).then_some(())
    });
    first.kill();
    let before = gathered.len();
    let mut second = peers::test_picture("second", &url, bed.folder());
    eventually("the second sends", || {
        (gathered.len() > before + 100_000).then_some(())
    });
    assert!(second.ended().is_none(), "{}", second.output());
    assert!(!bed.has_rejections());
}

#[test]
fn a_publisher_that_leaves_is_noticed_and_may_return() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source(
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "live/cam 1" }"#,
    );
    let sent = media::numbered_ts(7 * 100);
    for _ in 0..2 {
        let gathered = bed.gather("cam1");
        let sender = bed.publish("cam1", "streamid=live%2Fcam%201", &sent);
        gathered.assert_carried(&sent);
        drop(sender);
        eventually("the source is disconnected", || {
            (!bed.is_connected("cam1")).then_some(())
        });
    }
}
