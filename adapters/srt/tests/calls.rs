//! We call: pulling from a peer that listens, and pushing to one.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use common::{Bed, PASSPHRASE, Receiving};
use tidegate_engine::Connection;
use tidegate_testkit::{eventually, free_udp_port, media, peers};

#[test]
fn a_pull_from_a_listening_peer_is_bit_exact() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let port = free_udp_port();
    bed.source(
        "pulled",
        &format!(
            r#"{{ "call": "srt://127.0.0.1:{port}?latency=250&passphrase={PASSPHRASE}&pbkeylen=32" }}"#
        ),
    );
    let gathered = bed.gather("pulled");
    let sent = media::numbered_ts(7 * 1500);
    let url = format!("srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}");
    let _sender = bed.send("pulled", &url, &sent);
    gathered.assert_carried(&sent);
    eventually("the status shows the stream", || {
        let status = serde_json::to_value(bed.source_status("pulled")?).ok()?;
        let srt = &status["srt"];
        (srt["encryption"] == "aes-256-ctr" && srt["latency_ms"] == 250.0).then_some(())
    });
}

#[test]
fn a_push_to_a_listening_peer_is_bit_exact_and_counts_what_arrived() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let port = free_udp_port();
    let url = format!("srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}");
    let receiving = Receiving::start("receiver", &url, bed.folder());
    let settings = format!(
        r#"{{ "call": "srt://127.0.0.1:{port}?latency=200", "passphrase": "{PASSPHRASE}" }}"#
    );
    bed.output("push", "cam1", &settings);
    eventually("the push is up", || {
        let status = serde_json::to_value(bed.output_status("push")).ok()?;
        (status["detail"]["srt"]["encryption"].as_str()? == "aes-128-ctr").then_some(())
    });
    let sent = media::numbered_ts(7 * 1500);
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    receiving.gathered.assert_carried(&sent);
    eventually("what arrived counts as delivered", || {
        let carried = bed.engine.feed("cam1").carried().bytes;
        (bed.output_status("push").delivered_bytes == carried).then_some(())
    });
}

#[test]
fn a_call_nobody_answers_says_so_and_is_tried_again() {
    let bed = Bed::new();
    let port = free_udp_port();
    bed.source(
        "pulled",
        &format!(r#"{{ "call": "srt://127.0.0.1:{port}?conntimeo=300" }}"#),
    );
    eventually("the failure is told", || {
        let status = serde_json::to_string(&bed.source_status("pulled")?).ok()?;
        status.contains("does not answer").then_some(())
    });
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let sent = media::numbered_ts(7 * 100);
    let gathered = bed.gather("pulled");
    let url = format!("srt://127.0.0.1:{port}?mode=listener");
    let _sender = bed.send("pulled", &url, &sent);
    gathered.assert_carried(&sent);
}

#[test]
fn a_refused_call_says_which_setting_is_wrong() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let port = free_udp_port();
    let url = format!("srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}");
    let _receiving = Receiving::start("receiver", &url, bed.folder());
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let settings =
        format!(r#"{{ "call": "srt://127.0.0.1:{port}?passphrase=not the right one" }}"#);
    bed.output("push", "cam1", &settings);
    eventually("the refusal is told", || {
        let error = bed.output_status("push").last_error?;
        error.contains("passphrase").then_some(())
    });
}

#[test]
fn our_own_listener_and_caller_agree() {
    let bed = Bed::new();
    let sent = media::numbered_ts(7 * 300);
    let settings =
        format!(r#"{{ "listener": "ingest", "stream_id": "in", "passphrase": "{PASSPHRASE}" }}"#);
    bed.source("cam1", &settings);
    bed.output(
        "out",
        "cam1",
        &format!(r#"{{ "listener": "ingest", "stream_id": "out", "passphrase": "{PASSPHRASE}" }}"#),
    );
    let port = bed.port;
    let call =
        format!(r#"{{ "call": "srt://127.0.0.1:{port}?streamid=out&passphrase={PASSPHRASE}" }}"#);
    bed.source("back", &call);
    eventually("the pull is connected", || {
        (bed.source_status("back")?.connection == Connection::Connected).then_some(())
    });
    let gathered = bed.gather("back");
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let options = format!("streamid=in&passphrase={PASSPHRASE}");
    let _sender = bed.publish("cam1", &options, &sent);
    gathered.assert_carried(&sent);
}
