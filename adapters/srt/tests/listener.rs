//! Listeners that are opened, changed and closed while they run.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use common::{Bed, PASSPHRASE};
use tidegate_adapter_srt::{Adapter, ListenerSettings};
use tidegate_engine::{ListenerAdapter, RunError, Whose};
use tidegate_testkit::{eventually, media, peers};

fn set(bed: &Bed, adapter: &Adapter, name: &str, settings: &str) -> Result<u16, RunError> {
    let settings: ListenerSettings = serde_json::from_str(settings).unwrap();
    let events = bed.engine.events().clone();
    let bound = bed
        .runtime
        .block_on(adapter.set_listener(name, &settings, events));
    bound.map(|address| address.port())
}

#[test]
fn a_changed_setting_keeps_the_port_and_its_connections() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let gathered = bed.gather("cam1");
    let sent = media::numbered_ts(7 * 200);
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    gathered.assert_carried(&sent);
    bed.wait_connected("cam1");
    let slower = r#"{ "bind": "127.0.0.1:0", "latency": "700ms", "reject_detail": true }"#;
    assert_eq!(set(&bed, &bed.adapter, "ingest", slower).unwrap(), bed.port);
    assert!(bed.is_connected("cam1"));
    bed.source("cam2", r#"{ "listener": "ingest", "stream_id": "in2" }"#);
    let _second = bed.publish("cam2", "streamid=in2", &sent);
    eventually("a new connection has the new latency", || {
        let status = serde_json::to_value(bed.source_status("cam2")?).ok()?;
        (status["srt"]["latency_ms"] == 700.0).then_some(())
    });
    assert!(bed.is_connected("cam1"));
}

#[test]
fn a_listener_with_details_tells_callers_the_true_reason() {
    let settings = r#"{ "bind": "127.0.0.1:0", "reject_detail": true }"#;
    let bed = Bed::with_listener(settings);
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let call = bed.url("streamid=on");
    bed.output("push", "cam1", &format!(r#"{{ "call": "{call}" }}"#));
    eventually("the true reason is told", || {
        bed.output_status("push")
            .last_error
            .filter(|error| error.contains("1404"))
            .map(drop)
    });
    let plain = Bed::new();
    plain.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let call = plain.url("streamid=on");
    plain.output("push", "cam1", &format!(r#"{{ "call": "{call}" }}"#));
    eventually("a stranger hears one and the same", || {
        plain
            .output_status("push")
            .last_error
            .filter(|error| error.contains("1403"))
            .map(drop)
    });
}

#[test]
fn a_removed_listener_sends_its_publishers_away_and_may_return() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let sent = media::numbered_ts(7 * 100);
    let gathered = bed.gather("cam1");
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    gathered.assert_carried(&sent);
    bed.runtime.block_on(bed.adapter.remove_listener("ingest"));
    assert!(bed.adapter.listener_status("ingest").is_none());
    eventually("the publisher is gone", || {
        (!bed.is_connected("cam1")).then_some(())
    });
    let again = format!(r#"{{ "bind": "127.0.0.1:{}" }}"#, bed.port);
    assert_eq!(set(&bed, &bed.adapter, "ingest", &again).unwrap(), bed.port);
    let gathered = bed.gather("cam1");
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    gathered.assert_carried(&sent);
    eventually("the counters show it", || {
        let status = bed.adapter.listener_status("ingest")?;
        assert_eq!(status.bound.unwrap().port(), bed.port);
        (status.counters["accepted"] == 1).then_some(())
    });
}

#[test]
fn an_address_that_cannot_be_had_leaves_the_old_one_in_service() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let sent = media::numbered_ts(7 * 100);
    let gathered = bed.gather("cam1");
    let _sender = bed.publish("cam1", "streamid=in", &sent);
    gathered.assert_carried(&sent);
    bed.wait_connected("cam1");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = format!(r#"{{ "bind": "{}" }}"#, taken.local_addr().unwrap());
    set(&bed, &bed.adapter, "ingest", &taken).unwrap_err();
    assert!(bed.is_connected("cam1"));
    let status = bed.adapter.listener_status("ingest").unwrap();
    assert_eq!(status.bound.unwrap().port(), bed.port);
    assert!(status.error.unwrap().contains("in use"));
    let foreign = format!(r#"{{ "bind": "192.0.2.1:{}" }}"#, bed.port);
    set(&bed, &bed.adapter, "ingest", &foreign).unwrap_err();
    let bound = bed.adapter.listener_status("ingest").unwrap().bound;
    assert!(bound.is_some(), "the old address is open again");
}

#[test]
fn a_change_that_fails_changes_nothing() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let settings = |bind: &str, passphrase: &str, allow: &str| {
        format!(r#"{{ "bind": "{bind}", "passphrase": "{passphrase}", "allow": ["{allow}"] }}"#)
    };
    let old = settings("127.0.0.1:0", PASSPHRASE, "127.0.0.0/8");
    let bed = Bed::with_listener(&old);
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    bed.source("cam2", r#"{ "listener": "ingest", "stream_id": "in2" }"#);
    let gathered = bed.gather("cam1");
    let sent = media::numbered_ts(7 * 100);
    let right = format!("passphrase={PASSPHRASE}");
    let _first = bed.publish("cam1", &format!("streamid=in&{right}"), &sent);
    gathered.assert_carried(&sent);
    bed.wait_connected("cam1");
    let new = settings("192.0.2.1:9000", "quite another passphrase", "192.0.2.0/24");
    set(&bed, &bed.adapter, "ingest", &new).unwrap_err();
    // Who is locked out is sent away at the next look; a whole connection takes longer.
    let _second = bed.publish("cam2", &format!("streamid=in2&{right}"), &sent);
    bed.wait_connected("cam2");
    assert!(bed.is_connected("cam1"));
    let status = bed.source_status("cam1").unwrap();
    assert_eq!(status.reconnects, 0, "{status:?}");
}

#[test]
fn a_port_in_use_is_said_with_what_to_do() {
    let bed = Bed::new();
    let taken = format!(r#"{{ "bind": "127.0.0.1:{}" }}"#, bed.port);
    let error = set(&bed, &bed.adapter, "second", &taken).unwrap_err();
    assert_eq!(error.whose, Whose::Configuration);
    assert!(error.advice.contains("ss -ulpn"), "{error}");
    let status = bed.adapter.listener_status("second").unwrap();
    assert!(status.bound.is_none() && status.error.is_some());
}
