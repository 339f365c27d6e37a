//! Real peers under harder conditions: loss, key changes, IPv6, other libraries.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::SocketAddr;
use std::process::Command;

use common::{Bed, PASSPHRASE, Receiving};
use tidegate_testkit::{LossyRelay, Process, eventually, media, peers};

/// Five percent, both ways.
const LOSS_PER_MILLE: u64 = 50;

fn lossy(bed: &Bed, seed: u64) -> LossyRelay {
    LossyRelay::start(
        SocketAddr::from(([127, 0, 0, 1], bed.port)),
        LOSS_PER_MILLE,
        seed,
    )
}

#[test]
fn five_percent_loss_on_both_legs_is_repaired_to_the_last_byte() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::with_listener(r#"{ "bind": "127.0.0.1:0", "latency": "1s" }"#);
    let secret = |id: &str| {
        format!(r#"{{ "listener": "ingest", "stream_id": "{id}", "passphrase": "{PASSPHRASE}" }}"#)
    };
    bed.source("cam1", &secret("in"));
    bed.output("out", "cam1", &secret("out"));
    let (first_leg, second_leg) = (lossy(&bed, 7), lossy(&bed, 8));
    let url = |port: u16, id: &str| {
        format!(
            "srt://127.0.0.1:{port}?streamid={id}&passphrase={PASSPHRASE}&latency=1000\
             &conntimeo=20000"
        )
    };
    let receiving = Receiving::start("reader", &url(second_leg.port(), "out"), bed.folder());
    eventually("the reader is there", || {
        (bed.output_status("out").readers == 1).then_some(())
    });
    let sent = media::numbered_ts(7 * 4000);
    let _sender = bed.send("cam1", &url(first_leg.port(), "in"), &sent);
    receiving.gathered.assert_carried(&sent);
    let status = serde_json::to_value(bed.source_status("cam1").unwrap()).unwrap();
    assert!(
        status["srt"]["packets_lost"].as_u64().unwrap() > 50,
        "{}",
        status["srt"]
    );
    assert_eq!(status["srt"]["packets_dropped"], 0);
}

#[test]
fn a_peer_that_changes_its_keys_is_followed() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let settings =
        format!(r#"{{ "listener": "ingest", "stream_id": "in", "passphrase": "{PASSPHRASE}" }}"#);
    bed.source("cam1", &settings);
    let gathered = bed.gather("cam1");
    let sent = media::numbered_ts(7 * 2000);
    let options = format!(
        "streamid=in&passphrase={PASSPHRASE}&pbkeylen=24&kmrefreshrate=300&kmpreannounce=100"
    );
    let _sender = bed.publish("cam1", &options, &sent);
    gathered.assert_carried(&sent);
    eventually("the key changes are counted", || {
        let status = serde_json::to_value(bed.source_status("cam1")?).ok()?;
        assert_eq!(status["srt"]["packets_undecrypted"], 0);
        (status["srt"]["total"]["key_refreshes"].as_u64()? >= 5).then_some(())
    });
}

#[test]
fn an_ipv6_listener_serves_ipv6_and_ipv4_peers() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::with_listener(r#"{ "bind": "[::]:0", "latency": "200ms" }"#);
    bed.source("six", r#"{ "listener": "ingest", "stream_id": "six" }"#);
    bed.source("four", r#"{ "listener": "ingest", "stream_id": "four" }"#);
    let sent = media::numbered_ts(7 * 300);
    for (name, host) in [("six", "[::1]"), ("four", "127.0.0.1")] {
        let gathered = bed.gather(name);
        let url = format!("srt://{host}:{}?streamid={name}", bed.port);
        let _sender = bed.send(name, &url, &sent);
        gathered.assert_carried(&sent);
        let peer = bed.source_status(name).unwrap().peer.unwrap();
        assert!(peer.starts_with(host), "{peer}");
    }
}

#[test]
fn gstreamer_publishes_and_gstreamer_reads() {
    if !peers::have(&["gst-launch-1.0"]) {
        return;
    }
    let bed = Bed::new();
    let secret = |id: &str| {
        format!(r#"{{ "listener": "ingest", "stream_id": "{id}", "passphrase": "abcdefghij" }}"#)
    };
    bed.source("cam1", &secret("publish:live/gst"));
    bed.output("out", "cam1", &secret("play:live/gst"));
    let gst = |name: &str, pipeline: &str| {
        let mut command = Command::new("gst-launch-1.0");
        command.args(["-e", "-q"]).args(pipeline.split_whitespace());
        Process::start(name, &mut command, bed.folder())
    };
    let address = format!(
        "uri=srt://127.0.0.1:{}?mode=caller passphrase=abcdefghij",
        bed.port
    );
    let mut sender = gst(
        "gst-sender",
        &format!(
            "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=30/1 ! \
             x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 ! h264parse ! \
             mpegtsmux alignment=7 ! srtsink {address} pbkeylen=32 \
             streamid=publish:live/gst latency=150 wait-for-connection=false"
        ),
    );
    eventually("the source is connected", || {
        assert!(sender.ended().is_none(), "{}", sender.output());
        bed.is_connected("cam1").then_some(())
    });
    let file = bed.folder().join("gst.ts");
    let mut reader = gst(
        "gst-reader",
        &format!(
            "srtsrc {address} streamid=play:live/gst latency=150 num-buffers=120 ! \
             filesink location={}",
            file.display()
        ),
    );
    let status = reader.finished_within(std::time::Duration::from_secs(40));
    assert!(status.success(), "{}", reader.output());
    assert!(std::fs::metadata(&file).unwrap().len() > 100_000);
}
