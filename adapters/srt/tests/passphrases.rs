//! Several passphrases at once, those of users, and those of a listener.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::process::Command;

use common::Bed;
use serde_json::Value;
use tidegate_testkit::{Process, eventually, peers};

const ALICES: &str = "the passphrase of alice";
const OLD: &str = "an old passphrase of bob";
const NEW: &str = "the new passphrase of bob";

fn figures(bed: &Bed, source: &str) -> Option<Value> {
    let status = serde_json::to_value(bed.source_status(source)?).ok()?;
    Some(status["srt"].clone())
}

fn wait_until_used(bed: &Bed, source: &str, label: &str) {
    eventually(&format!("{source} is sent to with {label}"), || {
        let used = figures(bed, source)?["passphrase_used"].as_str()? == label;
        (used && bed.is_connected(source)).then_some(())
    });
}

fn packets(bed: &Bed, source: &str) -> u64 {
    let figures = figures(bed, source);
    figures.map_or(0, |it| it["packets_received"].as_u64().unwrap_or(0))
}

#[test]
fn every_user_has_a_passphrase_of_its_own_and_may_have_two() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let settings = |id: &str| {
        format!(
            r#"{{ "listener": "ingest", "stream_id": "{id}", "users": {{
                "alice": "{ALICES}", "bob": {{ "old": "{OLD}", "new": "{NEW}" }} }} }}"#
        )
    };
    let cases = [
        ("a", "alice", ALICES, "users/alice"),
        ("b", "bob", OLD, "users/bob/old"),
        ("c", "bob", NEW, "users/bob/new"),
    ];
    for (source, user, passphrase, label) in cases {
        bed.source(source, &settings(source));
        let options = format!("streamid=#!::r={source},u={user}&passphrase={passphrase}");
        let _sender = bed.publish(source, &options, &[]);
        bed.wait_connected(source);
        wait_until_used(&bed, source, label);
    }
    bed.source("d", &settings("d"));
    for (user, passphrase) in [("alice", OLD), ("carol", ALICES)] {
        let id = format!("#!::r=d,u={user}");
        let url = bed.url(&format!("streamid={id}&passphrase={passphrase}"));
        let mut command = Command::new("srt-live-transmit");
        command.args(["-q", "-a:no", "file://con", &url]);
        let _refused = Process::with_input(user, &mut command, bed.folder());
        assert_eq!(bed.rejection(&id).reason, "wrong_passphrase");
    }
}

#[test]
fn a_passphrase_is_changed_while_the_sender_sends() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let settings =
        |rest: &str| format!(r#"{{ "listener": "ingest", "stream_id": "cam", {rest} }}"#);
    let other = r#"{ "listener": "ingest", "stream_id": "other" }"#;
    bed.source("cam", &settings(&format!(r#""passphrase": "{OLD}""#)));
    let sender = bed.publish("cam", &format!("streamid=cam&passphrase={OLD}"), &[]);
    wait_until_used(&bed, "cam", "passphrase");
    let peer = bed.source_status("cam").unwrap().peer;

    let both = format!(r#""passphrases": {{ "old": "{OLD}", "new": "{NEW}" }}"#);
    bed.change_source("cam", &settings(&both));
    let before = packets(&bed, "cam");
    let mut sender = sender;
    sender.send(&[0x47; 1316 * 20]);
    eventually("the connection goes on", || {
        (packets(&bed, "cam") > before).then_some(())
    });
    let status = bed.source_status("cam").unwrap();
    assert_eq!((status.peer, status.reconnects), (peer, 0));
    // Who is locked out is gone at the second look at the latest: another one takes longer.
    bed.source("other", other);
    let _other = bed.publish("other", "streamid=other", &[]);
    bed.wait_connected("other");
    assert!(bed.is_connected("cam"));

    let new = format!(r#""passphrases": {{ "new": "{NEW}" }}"#);
    bed.change_source("cam", &settings(&new));
    eventually("who came with what is gone is sent away", || {
        (!bed.is_connected("cam")).then_some(())
    });
    drop(sender);
    let _sender = bed.publish("cam", &format!("streamid=cam&passphrase={NEW}"), &[]);
    wait_until_used(&bed, "cam", "passphrases/new");
}

#[test]
fn a_listeners_passphrase_is_for_streams_without_one_of_their_own() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let listener =
        format!(r#"{{ "bind": "127.0.0.1:0", "latency": "200ms", "passphrase": "{OLD}" }}"#);
    let bed = Bed::with_listener(&listener);
    bed.source("a", r#"{ "listener": "ingest", "stream_id": "a" }"#);
    let own = format!(r#"{{ "listener": "ingest", "stream_id": "b", "passphrase": "{NEW}" }}"#);
    bed.source("b", &own);
    let _a = bed.publish("a", &format!("streamid=a&passphrase={OLD}"), &[]);
    let _b = bed.publish("b", &format!("streamid=b&passphrase={NEW}"), &[]);
    wait_until_used(&bed, "a", "listener/passphrase");
    wait_until_used(&bed, "b", "passphrase");

    bed.output(
        "out",
        "a",
        r#"{ "listener": "ingest", "stream_id": "out" }"#,
    );
    let url = bed.url(&format!("streamid=out&passphrase={OLD}"));
    let reader = common::Receiving::start("reader", &url, bed.folder());
    eventually("the reader comes in with the listener's", || {
        let status = serde_json::to_value(bed.output_status("out")).ok()?;
        let used = status["detail"]["srt"]["readers"][0]["passphrase_used"].as_str()?;
        (used == "listener/passphrase").then_some(())
    });
    drop(reader);
}

/// Nobody chose that anybody may read.
#[test]
fn an_output_without_any_passphrase_that_is_not_open_lets_nobody_in() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("a", r#"{ "listener": "ingest", "stream_id": "a" }"#);
    bed.output(
        "out",
        "a",
        r#"{ "listener": "ingest", "stream_id": "out" }"#,
    );
    let _reader = common::Receiving::start("reader", &bed.url("streamid=out"), bed.folder());
    assert_eq!(bed.rejection("out").reason, "forbidden");
}
