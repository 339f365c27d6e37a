//! Both sides call: with real peers, in either order, encrypted, over both address families.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use common::{Bed, PASSPHRASE, Receiving};
use std::process::Command;
use tidegate_testkit::{Process, eventually, free_udp_port, media, peers};

/// Where the peer is, seen from us, and where we are, seen from the peer.
const V4: (&str, &str) = ("127.0.0.2", "127.0.0.1");

fn ours(port: u16, (peer, here): (&str, &str), options: &str) -> String {
    format!(r#"{{ "call": "srt://{peer}:{port}?mode=rendezvous&adapter={here}{options}" }}"#)
}

fn theirs(port: u16, (peer, here): (&str, &str), options: &str) -> String {
    format!("srt://{here}:{port}?mode=rendezvous&adapter={peer}&port={port}{options}")
}

fn is_met(bed: &Bed, source: &str) -> Option<()> {
    let status = serde_json::to_value(bed.source_status(source)?).ok()?;
    (status["connection"] == "connected").then_some(())
}

#[test]
fn media_of_a_peer_that_comes_later_arrives_bit_exact() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    for options in ["", "&passphrase=correct horse battery&pbkeylen=32"] {
        let bed = Bed::new();
        let port = free_udp_port();
        bed.source("met", &ours(port, V4, options));
        eventually("ours waves", || bed.source_status("met").map(drop));
        let gathered = bed.gather("met");
        let sent = media::numbered_ts(7 * 600);
        let _sender = bed.send("met", &theirs(port, V4, options), &sent);
        gathered.assert_carried(&sent);
        is_met(&bed, "met").unwrap();
    }
}

#[test]
fn media_to_a_peer_that_was_there_before_arrives_bit_exact() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    for options in ["", "&passphrase=correct horse battery&pbkeylen=16"] {
        let bed = Bed::new();
        bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
        let port = free_udp_port();
        let receiving = Receiving::start("receiver", &theirs(port, V4, options), bed.folder());
        bed.output("push", "cam1", &ours(port, V4, options));
        eventually("the two have met", || {
            let status = serde_json::to_value(bed.output_status("push")).ok()?;
            status["detail"]["srt"]["latency_ms"].as_f64().map(drop)
        });
        let sent = media::numbered_ts(7 * 600);
        let _sender = bed.publish("cam1", "streamid=in", &sent);
        receiving.gathered.assert_carried(&sent);
    }
}

/// Whose cookie wins is chance; a dozen meetings see both roles.
#[test]
fn every_meeting_of_a_dozen_comes_about() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let options = format!("&passphrase={PASSPHRASE}");
    for _ in 0..12 {
        let bed = Bed::new();
        let port = free_udp_port();
        let receiving = Receiving::start("peer", &theirs(port, V4, &options), bed.folder());
        bed.source("met", &ours(port, V4, &options));
        eventually("the two have met", || is_met(&bed, "met"));
        drop(receiving);
    }
}

#[test]
fn gstreamer_is_met_by_a_sender_and_by_a_receiver_of_ours() {
    if !peers::have(&["gst-launch-1.0"]) {
        return;
    }
    let gst = |bed: &Bed, pipeline: &str, srt: &str, port: u16| {
        let mut command = Command::new("gst-launch-1.0");
        command.args(["-e", "-q"]);
        let (peer, here) = V4;
        let pipeline = pipeline.replace(
            "SRT",
            &format!(
                "{srt} uri=srt://{here}:{port} mode=rendezvous localaddress={peer} \
                 localport={port} passphrase=abcdefghij pbkeylen=16 wait-for-connection=false"
            ),
        );
        command.args(pipeline.split_whitespace());
        Process::start("gstreamer", &mut command, bed.folder())
    };
    let options = "&passphrase=abcdefghij";

    let bed = Bed::new();
    let port = free_udp_port();
    bed.source("met", &ours(port, V4, options));
    let gathered = bed.gather("met");
    let _sender = gst(
        &bed,
        "videotestsrc is-live=true ! video/x-raw,width=160,height=90 ! x264enc \
         tune=zerolatency speed-preset=ultrafast ! mpegtsmux alignment=7 ! SRT",
        "srtsink",
        port,
    );
    eventually("media has come", || {
        (gathered.len() > 100_000).then_some(())
    });
    is_met(&bed, "met").unwrap();

    let there = Bed::new();
    let port = free_udp_port();
    let file = there.folder().join("received.ts");
    let _receiver = gst(
        &there,
        &format!(
            "SRT ! filesink buffer-mode=unbuffered location={}",
            file.display()
        ),
        "srtsrc",
        port,
    );
    bed.output("push", "met", &ours(port, V4, options));
    eventually("media has gone", || {
        (std::fs::metadata(&file).ok()?.len() > 100_000).then_some(())
    });
}

#[test]
fn two_of_ours_meet_over_ipv6() {
    let bed = Bed::new();
    let (one, other) = (free_udp_port(), free_udp_port());
    let sent = media::numbered_ts(7 * 300);
    let settings = format!(
        r#"{{ "call": "srt://[::1]:{one}?mode=rendezvous&port={other}&passphrase={PASSPHRASE}" }}"#
    );
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    bed.output("push", "cam1", &settings);
    let settings = format!(
        r#"{{ "call": "srt://[::1]:{other}?mode=rendezvous&port={one}&passphrase={PASSPHRASE}" }}"#
    );
    bed.source("met", &settings);
    eventually("the two have met", || is_met(&bed, "met"));
    let gathered = bed.gather("met");
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    gathered.assert_carried(&sent);
}

#[test]
fn a_peer_over_ipv6_is_met() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let (here, there) = (free_udp_port(), free_udp_port());
    let settings = format!(r#"{{ "call": "srt://[::1]:{there}?mode=rendezvous&port={here}" }}"#);
    bed.source("met", &settings);
    let gathered = bed.gather("met");
    let sent = media::numbered_ts(7 * 300);
    let url = format!("srt://[::1]:{here}?mode=rendezvous&adapter=::1&port={there}");
    let _sender = bed.send("met", &url, &sent);
    gathered.assert_carried(&sent);
}

#[test]
fn different_passphrases_are_told() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let port = free_udp_port();
    let theirs = theirs(port, V4, "&passphrase=another passphrase");
    let _receiving = Receiving::start("peer", &theirs, bed.folder());
    bed.source("met", &ours(port, V4, &format!("&passphrase={PASSPHRASE}")));
    eventually("the refusal is told", || {
        let status = serde_json::to_string(&bed.source_status("met")?).ok()?;
        status.contains("passphrase").then_some(())
    });
}

#[test]
fn an_address_that_is_not_ours_is_told_with_what_to_do() {
    let bed = Bed::new();
    let port = free_udp_port();
    let place = ("127.0.0.1", "192.0.2.77");
    bed.source("met", &ours(port, place, ""));
    eventually("the error is told", || {
        let status = serde_json::to_string(&bed.source_status("met")?).ok()?;
        (status.contains("192.0.2.77") && status.contains("no such address")).then_some(())
    });
}
