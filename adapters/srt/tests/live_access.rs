//! Who may come in is changed while the stream is on the air.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use common::{Bed, PASSPHRASE, Receiving, refused};
use serde_json::Value;
use tidegate_adapter_srt::ListenerSettings;
use tidegate_engine::ListenerAdapter;
use tidegate_testkit::{eventually, peers};

/// The settings of source `cam` with these in addition.
fn cam(more: &str) -> String {
    format!(
        r#"{{ "listener": "ingest", "stream_id": "cam", "passphrase": "{PASSPHRASE}" {more} }}"#
    )
}

fn right() -> String {
    format!("streamid=cam&passphrase={PASSPHRASE}")
}

fn change_listener(bed: &Bed, more: &str) {
    // The bed's address as it was written: the port stays open.
    let text = format!(r#"{{ "bind": "127.0.0.1:0", "latency": "200ms" {more} }}"#);
    let settings: ListenerSettings = serde_json::from_str(&text).unwrap();
    let set = bed
        .adapter
        .set_listener("ingest", &settings, bed.engine.events().clone());
    bed.runtime.block_on(set).unwrap();
}

fn srt(bed: &Bed) -> Value {
    let status = serde_json::to_value(bed.source_status("cam")).unwrap();
    status["srt"].clone()
}

/// Once the status shows it, everybody has been looked at under the settings of the moment.
fn wait_for_policy(bed: &Bed, policy: &str) {
    eventually(&format!("the policy is {policy}"), || {
        (srt(bed)["second_publisher"] == policy).then_some(())
    });
}

const WEBHOOK: &str = r#", "webhook": { "url": "http://192.0.2.1/nobody-is-asked" }"#;

#[test]
fn a_publisher_stays_while_everything_about_who_may_come_is_changed() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam", &cam(""));
    let mut sender = bed.publish("cam", &right(), &[]);
    bed.wait_connected("cam");
    let peer = bed.source_status("cam").unwrap().peer;
    let here = r#", "allow": ["127.0.0.0/8"]"#;
    change_listener(
        &bed,
        &format!(r#"{here} {WEBHOOK}, "max_connections": 1, "max_connections_per_address": 1"#),
    );
    for policy in ["stand_by", "take_over"] {
        let policy_of = format!(r#"{here} {WEBHOOK}, "second_publisher": "{policy}""#);
        bed.change_source("cam", &cam(&policy_of));
        wait_for_policy(&bed, policy);
    }
    sender.send(&[0x47; 1316 * 20]);
    let status = bed.source_status("cam").unwrap();
    assert!(bed.is_connected("cam") && sender.process.ended().is_none());
    assert_eq!((status.peer, status.reconnects), (peer, 0));
}

#[test]
fn who_is_on_an_allowed_list_no_more_is_sent_away_whosever_list_it_is() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let elsewhere = r#", "allow": ["192.0.2.0/24"]"#;
    let bed = Bed::new();
    bed.source("cam", &cam(""));
    for whose in ["source", "listener"] {
        let mut sender = bed.publish("cam", &right(), &[]);
        bed.wait_connected("cam");
        match whose {
            "source" => bed.change_source("cam", &cam(elsewhere)),
            _ => change_listener(&bed, elsewhere),
        }
        eventually(&format!("the {whose} sends it away"), || {
            sender.process.ended().filter(|_| !bed.is_connected("cam"))
        });
        refused(&bed, whose, &right());
        assert_eq!(bed.rejection("cam").reason, "address_not_allowed");
        bed.change_source("cam", &cam(""));
    }
}

#[test]
fn readers_stay_while_there_is_made_room_for_more_and_go_when_they_have_not_the_passphrase() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam", &cam(""));
    let out = |more: &str| {
        let settings = format!(r#"{{ "listener": "ingest", "stream_id": "out" {more} }}"#);
        bed.output("out", "cam", &settings);
    };
    let readers = |count| {
        eventually(&format!("there are {count} readers"), || {
            (bed.output_status("out").readers == count).then_some(())
        });
    };
    out(r#", "open": true, "max_readers": 1"#);
    let mut first = Receiving::start("first", &bed.url("streamid=out"), bed.folder());
    readers(1);
    refused(&bed, "early", "streamid=out");
    assert_eq!(bed.rejection("out").reason, "overloaded");
    out(&format!(
        r#", "open": true, "max_readers": 2, "allow": ["127.0.0.1"] {WEBHOOK}"#
    ));
    out(r#", "open": true, "max_readers": 2, "allow": ["127.0.0.1"]"#);
    let mut second = Receiving::start("second", &bed.url("streamid=out"), bed.folder());
    readers(2);
    assert!(first.process.ended().is_none());
    out(&format!(r#", "passphrase": "{PASSPHRASE}""#));
    readers(0);
    for reader in [&mut first, &mut second] {
        eventually("it is sent away", || reader.process.ended());
    }
}

#[test]
fn a_standby_goes_when_nobody_is_to_stand_by_and_the_publisher_stays() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam", &cam(r#", "second_publisher": "stand_by""#));
    let encoder = |name: &str| peers::test_picture(name, &bed.url(&right()), bed.folder());
    let mut first = encoder("first");
    bed.wait_connected("cam");
    let peer = bed.source_status("cam").unwrap().peer;
    let mut second = encoder("second");
    eventually("the second one stands by", || {
        srt(&bed)["standby"].is_object().then_some(())
    });
    bed.change_source("cam", &cam(r#", "second_publisher": "reject""#));
    eventually("it is sent away", || second.ended());
    assert!(first.ended().is_none() && bed.is_connected("cam"));
    assert_eq!(bed.source_status("cam").unwrap().peer, peer);
}
