//! The packet filter with real libsrt peers: each way round, over a link that loses packets
//! nobody is asked for again.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::SocketAddr;
use std::process::Command;

use common::{Bed, PASSPHRASE, Receiving, Sender};
use serde_json::Value;
use tidegate_testkit::{LossyRelay, Process, eventually, free_udp_port, media, peers};

/// Each 17th packet is lost: never two of one row and its FEC packets.
const NTH: u64 = 17;
const PACKETS: usize = 2000;

fn relay(port: u16) -> LossyRelay {
    LossyRelay::losing_each(SocketAddr::from(([127, 0, 0, 1], port)), NTH)
}

fn of_source(bed: &Bed, name: &str) -> Value {
    serde_json::to_value(bed.source_status(name).unwrap()).unwrap()["srt"].clone()
}

fn of_push(bed: &Bed, name: &str) -> Value {
    serde_json::to_value(bed.output_status(name)).unwrap()["detail"]["srt"].clone()
}

/// Nothing before the first figures are there.
fn seen(srt: &Value, counter: &str) -> Option<u64> {
    srt["total"][counter].as_u64()
}

fn total(srt: &Value, counter: &str) -> u64 {
    seen(srt, counter).unwrap()
}

/// Everything was rebuilt, and nothing asked for. The row that is being filled when the figures
/// are taken, or when the sender pauses, may miss one packet still.
#[track_caller]
fn assert_rebuilt(bed: &Bed, source: &str) {
    let srt = eventually("the figures are up to date", || {
        let srt = of_source(bed, source);
        (seen(&srt, "packets_received_unique")? as usize >= PACKETS).then_some(srt)
    });
    let lost = total(&srt, "packets_lost");
    assert!(lost as usize > PACKETS / 20, "{srt}");
    let missing = lost - total(&srt, "filter_packets_rebuilt");
    assert!(missing <= 1, "{srt}");
    assert!(total(&srt, "packets_dropped") <= missing, "{srt}");
    assert_eq!(total(&srt, "naks_sent"), 0, "{srt}");
    assert_eq!(total(&srt, "packets_received_retransmitted"), 0, "{srt}");
}

/// The peer rebuilt everything, as it has it all and never asked.
#[track_caller]
fn assert_rebuilt_there(srt: &Value) {
    assert!(
        total(srt, "filter_packets_sent") as usize > PACKETS / 5,
        "{srt}"
    );
    assert_eq!(total(srt, "naks_received"), 0, "{srt}");
    assert_eq!(total(srt, "packets_retransmitted"), 0, "{srt}");
}

#[test]
fn what_libsrts_caller_sends_is_rebuilt_without_asking() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let filters = [
        ("fec,cols:5", "fec,arq:never,cols:5,layout:staircase,rows:1"),
        (
            "fec,cols:5,rows:5,layout:even",
            "fec,arq:never,cols:5,layout:even,rows:5",
        ),
        (
            "fec,cols:5,rows:5",
            "fec,arq:never,cols:5,layout:staircase,rows:5",
        ),
    ];
    let bed = Bed::new();
    for (index, (filter, agreed)) in filters.into_iter().enumerate() {
        let name = format!("cam{index}");
        bed.source(
            &name,
            &format!(
                r#"{{ "listener": "ingest", "stream_id": "{name}", "passphrase": "{PASSPHRASE}",
                      "packet_filter": "fec,arq:never" }}"#
            ),
        );
        let gathered = bed.gather(&name);
        let relay = relay(bed.port);
        let url = format!(
            "srt://127.0.0.1:{}?streamid={name}&passphrase={PASSPHRASE}&latency=1000&packetfilter={filter}",
            relay.port()
        );
        let sent = media::numbered_ts(7 * PACKETS);
        let _sender = bed.send(&name, &url, &sent);
        gathered.assert_carried(&sent);
        assert!(relay.lost() as usize > PACKETS / 20);
        assert_eq!(of_source(&bed, &name)["packet_filter"], agreed);
        assert_rebuilt(&bed, &name);
    }
}

/// AES-GCM authenticates the message number, which no FEC packet carries: it is worked out.
#[test]
fn what_libsrt_sends_with_aes_gcm_is_rebuilt_too() {
    let what = "an srt-live-transmit with AES-GCM and bonding";
    let Some(program) = peers::from_environment("TIDEGATE_PEER_SRT_LIVE_TRANSMIT", what) else {
        return;
    };
    let bed = Bed::new();
    bed.source(
        "cam1",
        &format!(
            r#"{{ "listener": "ingest", "stream_id": "in", "passphrase": "{PASSPHRASE}",
                  "packet_filter": "fec,cols:5,rows:5,arq:never" }}"#
        ),
    );
    let gathered = bed.gather("cam1");
    let relay = relay(bed.port);
    let url = format!(
        "srt://127.0.0.1:{}?streamid=in&passphrase={PASSPHRASE}&cryptomode=2&latency=1000&packetfilter=fec",
        relay.port()
    );
    let arrives = || gathered.len() > 0;
    let mut sender = Sender::of(&program, "gcm", &url, bed.folder(), arrives);
    let sent = media::numbered_ts(7 * PACKETS);
    sender.send(&sent);
    gathered.assert_carried(&sent);
    assert_eq!(of_source(&bed, "cam1")["encryption"], "aes-128-gcm");
    assert_rebuilt(&bed, "cam1");
    assert_eq!(total(&of_source(&bed, "cam1"), "packets_undecrypted"), 0);
}

#[test]
fn what_libsrts_listener_sends_is_rebuilt_without_asking() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let port = free_udp_port();
    let relay = relay(port);
    let at = relay.port();
    bed.source(
        "pulled",
        &format!(
            r#"{{ "call": "srt://127.0.0.1:{at}?latency=1000&packetfilter=fec,cols:5,rows:5,arq:never" }}"#
        ),
    );
    let gathered = bed.gather("pulled");
    let sent = media::numbered_ts(7 * PACKETS);
    let url = format!("srt://127.0.0.1:{port}?mode=listener&packetfilter=fec");
    let _sender = bed.send("pulled", &url, &sent);
    gathered.assert_carried(&sent);
    assert_rebuilt(&bed, "pulled");
}

#[test]
fn libsrts_listener_rebuilds_what_we_push() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let port = free_udp_port();
    let url =
        format!("srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}&packetfilter=fec");
    let receiving = Receiving::start("receiver", &url, bed.folder());
    let relay = relay(port);
    let settings = format!(
        r#"{{ "call": "srt://127.0.0.1:{}?latency=1000", "passphrase": "{PASSPHRASE}",
              "packet_filter": "fec,cols:5,rows:5,layout:even,arq:never" }}"#,
        relay.port()
    );
    bed.output("push", "cam1", &settings);
    eventually("the push is up", || {
        let agreed = of_push(&bed, "push");
        (agreed["packet_filter"] == "fec,arq:never,cols:5,layout:even,rows:5").then_some(())
    });
    let sent = media::numbered_ts(7 * PACKETS);
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    receiving.gathered.assert_carried(&sent);
    assert!(relay.lost() as usize > PACKETS / 20);
    eventually("the figures are there", || {
        let srt = of_push(&bed, "push");
        (seen(&srt, "packets_sent_unique")? as usize >= PACKETS).then_some(())
    });
    assert_rebuilt_there(&of_push(&bed, "push"));
}

#[test]
fn libsrts_caller_rebuilds_what_it_reads_from_our_listener() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    bed.output(
        "out",
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "out", "open": true,
             "packet_filter": "fec,cols:5,rows:5,arq:never" }"#,
    );
    let relay = relay(bed.port);
    let url = format!(
        "srt://127.0.0.1:{}?streamid=out&latency=1000&packetfilter=fec,cols:5",
        relay.port()
    );
    let receiving = Receiving::start("reader", &url, bed.folder());
    eventually("the reader is there", || {
        (bed.output_status("out").readers == 1).then_some(())
    });
    let sent = media::numbered_ts(7 * PACKETS);
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    receiving.gathered.assert_carried(&sent);
    assert!(relay.lost() as usize > PACKETS / 20);
    let status = serde_json::to_value(bed.output_status("out")).unwrap();
    let reader = &status["detail"]["srt"]["readers"][0];
    assert_rebuilt_there(reader);
}

/// Whose cookie wins, and so who asks, is chance; a few meetings see both.
#[test]
fn a_peer_that_is_met_in_a_rendezvous_has_the_filter_too() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let filter = "fec,cols:5,rows:5,layout:even,arq:never";
    for _ in 0..6 {
        let bed = Bed::new();
        let port = free_udp_port();
        let options = format!("mode=rendezvous&packetfilter={filter}");
        let here = format!("srt://127.0.0.1:{port}?{options}&adapter=127.0.0.2&port={port}");
        let there = format!("srt://127.0.0.2:{port}?{options}&adapter=127.0.0.1");
        bed.source("met", &format!(r#"{{ "call": "{there}" }}"#));
        let gathered = bed.gather("met");
        let sent = media::numbered_ts(7 * 300);
        let _sender = bed.send("met", &here, &sent);
        gathered.assert_carried(&sent);
        let agreed = "fec,arq:never,cols:5,layout:even,rows:5";
        assert_eq!(of_source(&bed, "met")["packet_filter"], agreed);
        eventually("FEC packets are counted", || {
            let received = seen(&of_source(&bed, "met"), "filter_packets_received");
            (received? > 90).then_some(())
        });
    }
}

#[test]
fn a_filter_that_differs_is_refused_and_the_journal_has_the_sentence() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let source = |id: &str, filter: &str| {
        let settings = format!(
            r#"{{ "listener": "ingest", "stream_id": "{id}", "packet_filter": "{filter}" }}"#
        );
        bed.source(id, &settings);
    };
    source("ten", "fec,cols:10,rows:5");
    source("none", "none");
    for (id, expected, advice) in [
        (
            "ten",
            "fec,cols:10,rows:5",
            "differ in cols: 10 here, 5 at the peer",
        ),
        ("none", "no packet filter", "Take the packet filter away"),
    ] {
        let mut command = Command::new("srt-live-transmit");
        let url = bed.url(&format!("streamid={id}&packetfilter=fec,cols:5"));
        command.args(["-a:no", "-loglevel:debug", "-v", "file://con", &url]);
        let (process, _input) = Process::with_input(id, &mut command, bed.folder());
        eventually("the refusal is heard", || {
            let output = process.output();
            output
                .contains("Packet Filter settings error")
                .then_some(())
        });
        let rejection = bed.rejection(id);
        assert_eq!(rejection.reason, "packet_filter");
        assert_eq!(rejection.received.as_deref(), Some("fec,cols:5"));
        assert_eq!(rejection.expected.as_deref(), Some(expected));
        assert!(rejection.advice.contains(advice), "{}", rejection.advice);
    }
}

#[test]
fn a_sender_without_a_filter_is_let_in_and_the_journal_says_what_it_lacks() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source(
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "in", "packet_filter": "fec,cols:5" }"#,
    );
    let gathered = bed.gather("cam1");
    let sent = media::numbered_ts(7 * 100);
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    gathered.assert_carried(&sent);
    assert!(bed.has_notice("although source cam1 wants fec,cols:5"));
    eventually("the status is there", || {
        (of_source(&bed, "cam1")["packet_filter"] == "none").then_some(())
    });
}

#[test]
fn a_call_to_a_listener_with_another_filter_says_so() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let port = free_udp_port();
    let url = format!("srt://127.0.0.1:{port}?mode=listener&packetfilter=fec,cols:7");
    let _receiving = Receiving::start("receiver", &url, bed.folder());
    let call = format!("srt://127.0.0.1:{port}");
    let settings = format!(r#"{{ "call": "{call}", "packet_filter": "fec,cols:5" }}"#);
    bed.output("push", "cam1", &settings);
    eventually("the refusal is told", || {
        let status = serde_json::to_string(&bed.output_status("push")).ok()?;
        status.contains("The packet filters differ").then_some(())
    });
}
