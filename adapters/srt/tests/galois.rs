//! AES-GCM with libsrt, every way round, with keys changing on the way.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::{Bed, PASSPHRASE, Receiving, Sender};
use serde_json::Value;
use tidegate_testkit::{Process, eventually, free_udp_port, media, peers};

/// Keys change every so many packets: dozens of times in a test.
const REFRESH: &str = "kmrefreshrate=256&kmpreannounce=100";

fn peer() -> Option<PathBuf> {
    let what = "an srt-live-transmit of libsrt 1.5.4 or later with AES-GCM";
    peers::from_environment("TIDEGATE_PEER_SRT_LIVE_TRANSMIT", what)
}

fn source_figures(bed: &Bed, source: &str) -> Option<Value> {
    let status = serde_json::to_value(bed.source_status(source)?).ok()?;
    Some(status["srt"].clone())
}

fn is_refreshed(figures: &Value, cipher: &str) -> Option<()> {
    let is_secured = ["km_state_receive", "km_state_send"]
        .iter()
        .all(|state| figures[state] == "secured");
    let changes = figures["total"]["key_refreshes"].as_u64() > Some(3);
    let has_cipher = figures["encryption"] == cipher;
    (changes && is_secured && has_cipher).then_some(())
}

/// An output's figures: its own, or its one reader's.
fn output_figures(bed: &Bed, output: &str) -> Option<Value> {
    let status = serde_json::to_value(bed.output_status(output)).ok()?;
    let figures = &status["detail"]["srt"];
    let reader = &figures["readers"][0];
    Some(if reader.is_object() { reader } else { figures }.clone())
}

#[test]
fn a_libsrt_sender_that_calls_is_received() {
    let Some(peer) = peer() else { return };
    let bed = Bed::new();
    let settings = format!(
        r#"{{ "listener": "ingest", "stream_id": "cam", "passphrase": "{PASSPHRASE}", "cipher": "gcm" }}"#
    );
    bed.source("cam", &settings);
    let gathered = bed.gather("cam");
    let sent = media::numbered_ts(7 * 3000);
    let options =
        format!("streamid=cam&passphrase={PASSPHRASE}&pbkeylen=32&cryptomode=2&{REFRESH}");
    let arrives = || gathered.len() > 0;
    let mut sender = Sender::of(&peer, "sender", &bed.url(&options), bed.folder(), arrives);
    sender.send(&sent);
    gathered.assert_carried(&sent);
    eventually("the keys were changed", || {
        is_refreshed(&source_figures(&bed, "cam")?, "aes-256-gcm")
    });
    let figures = source_figures(&bed, "cam").unwrap();
    assert_eq!(figures["total"]["packets_undecrypted"], 0);
}

#[test]
fn a_libsrt_sender_that_is_called_is_received() {
    let Some(peer) = peer() else { return };
    let bed = Bed::new();
    let port = free_udp_port();
    let settings = format!(
        r#"{{ "call": "srt://127.0.0.1:{port}?cryptomode=2&latency=200", "passphrase": "{PASSPHRASE}" }}"#
    );
    bed.source("cam", &settings);
    let gathered = bed.gather("cam");
    let sent = media::numbered_ts(7 * 3000);
    let url = format!("srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}&{REFRESH}");
    let mut sender = Sender::of(&peer, "sender", &url, bed.folder(), || gathered.len() > 0);
    sender.send(&sent);
    gathered.assert_carried(&sent);
    eventually("the keys were changed", || {
        is_refreshed(&source_figures(&bed, "cam")?, "aes-128-gcm")
    });
}

/// The accepting side takes a key of its own before it sends the first packet.
#[test]
fn a_libsrt_reader_that_calls_gets_every_byte() {
    let Some(peer) = peer() else { return };
    let bed = Bed::new();
    bed.source("cam", r#"{ "listener": "ingest", "stream_id": "cam" }"#);
    let settings = format!(
        r#"{{ "listener": "ingest", "stream_id": "out", "passphrase": "{PASSPHRASE}", "cipher": "gcm",
             "key_refresh": {{ "packets": 256, "announce_packets": 100 }} }}"#
    );
    bed.output("out", "cam", &settings);
    let options = format!("streamid=out&passphrase={PASSPHRASE}&pbkeylen=24&cryptomode=2");
    let reader = Receiving::of(&peer, "reader", &bed.url(&options), bed.folder());
    eventually("the reader is there", || {
        (bed.output_status("out").readers == 1).then_some(())
    });
    let sent = media::numbered_ts(7 * 3000);
    let _sender = bed.publish("cam", "streamid=cam", &sent);
    reader.gathered.assert_carried(&sent);
    eventually("the keys were changed", || {
        is_refreshed(&output_figures(&bed, "out")?, "aes-192-gcm")
    });
}

#[test]
fn a_libsrt_receiver_that_is_called_gets_every_byte() {
    let Some(peer) = peer() else { return };
    let bed = Bed::new();
    bed.source("cam", r#"{ "listener": "ingest", "stream_id": "cam" }"#);
    let port = free_udp_port();
    let url = format!("srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}&cryptomode=2");
    let receiver = Receiving::of(&peer, "receiver", &url, bed.folder());
    let settings = format!(
        r#"{{ "call": "srt://127.0.0.1:{port}?latency=200&{REFRESH}", "passphrase": "{PASSPHRASE}", "cipher": "gcm" }}"#
    );
    bed.output("push", "cam", &settings);
    let sent = media::numbered_ts(7 * 3000);
    let mut sender = bed.publish("cam", "streamid=cam", &[]);
    eventually("the call is through", || {
        (receiver.gathered.len() > 0).then_some(())
    });
    sender.send(&sent);
    receiver.gathered.assert_carried(&sent);
    eventually("the keys were changed", || {
        is_refreshed(&output_figures(&bed, "push")?, "aes-128-gcm")
    });
}

#[test]
fn a_caller_with_the_wrong_cipher_mode_is_refused() {
    let Some(peer) = peer() else { return };
    let bed = Bed::new();
    let settings = |id: &str, cipher: &str| {
        format!(
            r#"{{ "listener": "ingest", "stream_id": "{id}", "passphrase": "{PASSPHRASE}", "cipher": "{cipher}" }}"#
        )
    };
    for (id, ours, theirs) in [("a", "ctr", 2), ("b", "gcm", 1)] {
        bed.source(id, &settings(id, ours));
        let options = format!("streamid={id}&passphrase={PASSPHRASE}&cryptomode={theirs}");
        let mut command = Command::new(&peer);
        command.args(["-q", "-a:no", "file://con", &bed.url(&options)]);
        let _refused = Process::with_input(id, &mut command, bed.folder());
        let rejection = bed.rejection(id);
        assert_eq!(rejection.reason, "cipher_mode");
        assert!(rejection.advice.contains("cryptomode="), "{rejection:?}");
    }
}
