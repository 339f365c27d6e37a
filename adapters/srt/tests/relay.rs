//! From a publisher to readers, with real peers on both sides.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::time::Duration;

use common::{Bed, PASSPHRASE, Receiving};
use tidegate_testkit::{eventually, media, peers};

fn wait_for_readers(bed: &Bed, output: &str, count: u64) {
    eventually("the readers are there", || {
        (bed.output_status(output).readers == count).then_some(())
    });
}

#[test]
fn readers_with_and_without_encryption_get_every_byte() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    bed.output(
        "open",
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "out/open", "open": true }"#,
    );
    let settings = format!(
        r#"{{ "listener": "ingest", "stream_id": "out/safe", "passphrase": "{PASSPHRASE}" }}"#
    );
    bed.output("safe", "cam1", &settings);
    let secret = format!("passphrase={PASSPHRASE}&pbkeylen=32");
    let structured = bed.url(&format!("streamid=#!::r=out/safe,m=request&{secret}"));
    let receiving = [
        Receiving::start("a", &bed.url("streamid=out/open"), bed.folder()),
        Receiving::start("b", &structured, bed.folder()),
        Receiving::start("c", &bed.url("streamid=out/open"), bed.folder()),
    ];
    wait_for_readers(&bed, "open", 2);
    wait_for_readers(&bed, "safe", 1);
    let sent = media::numbered_ts(7 * 2500);
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    for reader in &receiving {
        reader.gathered.assert_carried(&sent);
    }
    drop(receiving);
    wait_for_readers(&bed, "open", 0);
    wait_for_readers(&bed, "safe", 0);
}

#[test]
fn a_thousand_changes_of_one_output_cost_its_neighbour_no_packet() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    bed.output(
        "steady",
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "s", "open": true }"#,
    );
    let reader = Receiving::start("steady", &bed.url("streamid=s"), bed.folder());
    wait_for_readers(&bed, "steady", 1);
    let sent = media::numbered_ts(7 * 5000);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| bed.publish("cam1", "streamid=in", &sent));
        eventually("media flows", || (reader.gathered.len() > 0).then_some(()));
        let fickle = r#"{ "listener": "ingest", "stream_id": "fickle", "open": true }"#;
        for _ in 0..1000 {
            bed.output("fickle", "cam1", fickle);
            bed.runtime
                .block_on(bed.engine.remove_output("fickle"))
                .unwrap();
        }
        let _sender = sender.join().unwrap();
        reader.gathered.assert_carried(&sent);
    });
}

#[test]
fn readers_stay_while_the_publisher_is_gone_and_go_on_when_it_returns() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    bed.output(
        "out",
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "out", "open": true }"#,
    );
    let reader = Receiving::start("reader", &bed.url("streamid=out"), bed.folder());
    wait_for_readers(&bed, "out", 1);
    let sent = media::numbered_ts(7 * 600);
    let mut expected = Vec::new();
    for _ in 0..2 {
        let mut sender = bed.publish("cam1", "streamid=in", &sent);
        expected.extend_from_slice(&sent);
        reader.gathered.assert_carried(&expected);
        sender.process.kill();
        eventually("the publisher is gone", || {
            (!bed.is_connected("cam1")).then_some(())
        });
        assert_eq!(bed.output_status("out").readers, 1);
    }
}

#[test]
fn ffmpeg_publishes_and_ffmpeg_reads_a_clean_picture() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    let settings = |id: &str| {
        format!(r#"{{ "listener": "ingest", "stream_id": "{id}", "passphrase": "{PASSPHRASE}" }}"#)
    };
    bed.source("cam1", &settings("live/cam1"));
    bed.output("out", "cam1", &settings("out/cam1"));
    let url = |id: &str, mode: &str| {
        let access = format!("#!::r={id},m={mode}");
        // ffmpeg's latency is in microseconds.
        let options = "mode=caller&pbkeylen=16&latency=300000&pkt_size=1316";
        bed.url(&format!(
            "{options}&streamid={access}&passphrase={PASSPHRASE}"
        ))
    };
    let _sender = peers::test_picture("sender", &url("live/cam1", "publish"), bed.folder());
    bed.wait_connected("cam1");
    let file = bed.folder().join("read.ts");
    let file = file.to_str().unwrap();
    let from = url("out/cam1", "request");
    let arguments = ["-i", &from, "-t", "4", "-c", "copy", "-f", "mpegts", file];
    let mut reader = peers::ffmpeg("reader", &arguments, bed.folder());
    let status = reader.finished_within(Duration::from_secs(40));
    assert!(status.success(), "{}", reader.output());
    let errors = peers::decode_errors(file);
    assert!(errors.is_empty(), "{errors}");
    assert!(std::fs::metadata(file).unwrap().len() > 200_000);
}
