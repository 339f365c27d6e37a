//! Our model of an SRTLA sender with a real SRT caller behind it.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use common::{Bed, PASSPHRASE, Sender};
use serde_json::Value;
use tidegate_engine::ListenerAdapter;
use tidegate_testkit::{SrtlaSender, eventually, media, peers};

const SOURCE: &str = r#"{ "listener": "ingest", "stream_id": "live/phone", "latency": "2s" }"#;

fn bed() -> Bed {
    Bed::with_listener(r#"{ "bind": "0.0.0.0:0", "latency": "200ms" }"#)
}

fn server(bed: &Bed) -> SocketAddr {
    ([127, 0, 0, 1], bed.port).into()
}

fn phone(bed: &Bed, links: usize, first_host: u8) -> SrtlaSender {
    let phone = SrtlaSender::start(server(bed), links, first_host);
    eventually("the links are registered", || {
        phone.is_registered().then_some(())
    });
    phone
}

/// A caller behind `phone` that has reached `source`.
fn caller(bed: &Bed, phone: &SrtlaSender, source: &str, stream_id: &str) -> Sender {
    let feed = bed.engine.feed(source);
    let before = feed.carried().bytes;
    let arrives = || feed.carried().bytes > before;
    let url = phone.url(&format!("streamid={stream_id}&latency=2000"));
    Sender::start("phone", &url, bed.folder(), arrives)
}

fn links(bed: &Bed, source: &str) -> Vec<Value> {
    let status = serde_json::to_value(bed.source_status(source)).unwrap();
    status["srt"]["links"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

fn has_reason(bed: &Bed, source: &str, code: &str) -> bool {
    let status = serde_json::to_value(bed.source_status(source)).unwrap();
    let reasons = status["reasons"].as_array().cloned().unwrap_or_default();
    reasons.iter().any(|reason| reason["code"] == code)
}

fn counter(bed: &Bed, name: &str) -> u64 {
    let status = bed.adapter.listener_status("ingest").unwrap();
    status.counters[name].as_u64().unwrap()
}

#[test]
fn a_phone_with_two_links_keeps_the_feed_when_one_is_cut_and_shows_it() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    bed.source("phone", SOURCE);
    let gathered = bed.gather("phone");
    let phone = phone(&bed, 2, 11);
    let mut caller = caller(&bed, &phone, "phone", "live/phone");
    let sent = media::numbered_ts(7 * 12_000);
    std::thread::scope(|scope| {
        scope.spawn(|| caller.send(&sent));
        eventually("both links carry", || {
            let links = links(&bed, "phone");
            let share = |link: &Value| link["share_percent"].as_f64().unwrap_or(0.0);
            (links.len() == 2 && links.iter().all(|link| share(link) > 20.0)).then_some(())
        });
        phone.cut(1);
    });
    gathered.assert_carried(&sent);
    let state_of = |address: SocketAddr| {
        let links = links(&bed, "phone");
        let link = links
            .iter()
            .find(|link| link["address"] == address.to_string());
        link.map(|link| link["state"].clone())
    };
    eventually("the lost link is shown", || {
        (state_of(phone.address(1)) == Some("lost".into())).then_some(())
    });
    assert_eq!(state_of(phone.address(0)), Some("active".into()));
    let lost = phone.address(1);
    phone.reconnect(1, 13);
    eventually("the new address takes its place", || {
        let back = state_of(phone.address(1)) == Some("active".into());
        (back && state_of(lost).is_none()).then_some(())
    });
    let status = serde_json::to_value(bed.source_status("phone")).unwrap();
    assert_eq!(status["srt"]["packets_dropped"], 0);
    let (whole, cut) = (phone.figures(0), phone.figures(1));
    assert!(whole.acknowledged > 5000, "{whole:?}");
    assert!(whole.keepalives > 5 && whole.srt_acks > 1000, "{whole:?}");
    assert!(cut.acknowledged > 50 && cut.srt_acks > 0, "{cut:?}");
}

#[test]
fn an_encrypted_feed_and_a_plain_caller_share_the_port_and_a_lost_link_is_a_warning() {
    if !peers::have(&["srt-live-transmit", "ffmpeg"]) {
        return;
    }
    let bed = bed();
    let settings = format!(
        r#"{{ "listener": "ingest", "stream_id": "live/phone", "passphrase": "{PASSPHRASE}" }}"#
    );
    bed.source("phone", &settings);
    bed.source(
        "plain",
        r#"{ "listener": "ingest", "stream_id": "live/plain" }"#,
    );
    let gathered = bed.gather("plain");
    let phone = phone(&bed, 3, 21);
    let url = phone.url(&format!(
        "streamid=live/phone&latency=2000000&passphrase={PASSPHRASE}"
    ));
    let _camera = peers::test_picture("camera", &url, bed.folder());
    let sent = media::numbered_ts(7 * 2000);
    let _plain = bed.publish("plain", "streamid=live/plain", &sent);
    gathered.assert_carried(&sent);
    eventually("the phone's picture is seen", || {
        let status = serde_json::to_value(bed.source_status("phone")).ok()?;
        let seen = status["media"]["video"]["codec"] == "h264";
        (seen && links(&bed, "phone").len() == 3).then_some(())
    });
    assert!(links(&bed, "plain").is_empty());
    assert_eq!(counter(&bed, "srtla_senders"), 1);
    assert_eq!(counter(&bed, "srtla_links"), 3);
    assert!(!has_reason(&bed, "phone", "link_lost"));
    phone.cut(2);
    eventually("the warning stands", || {
        has_reason(&bed, "phone", "link_lost").then_some(())
    });
    phone.reconnect(2, 24);
    eventually("the warning is over", || {
        (!has_reason(&bed, "phone", "link_lost")).then_some(())
    });
    let status = serde_json::to_value(bed.source_status("phone")).unwrap();
    assert_eq!(status["connection"], "connected");
    assert_eq!(status["reconnects"], 0);
    assert!(!bed.has_rejections());
}

#[test]
fn several_phones_spread_over_the_shards_and_all_arrive() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    let sent = media::numbered_ts(7 * 1000);
    let phones: Vec<_> = (0..4)
        .map(|number| {
            let name = format!("phone{number}");
            bed.source(&name, &SOURCE.replace("live/phone", &name));
            let gathered = bed.gather(&name);
            let phone = phone(&bed, 5, 31 + 5 * number);
            let mut caller = caller(&bed, &phone, &name, &name);
            caller.send(&sent);
            (gathered, phone, caller)
        })
        .collect();
    for (gathered, phone, _) in &phones {
        gathered.assert_carried(&sent);
        assert_eq!(phone.refusals(), 0);
    }
    // With two shards some of twenty links came to the wrong one, and were handed over.
    eventually("some are handed over", || {
        (counter(&bed, "handed_over") > 0).then_some(())
    });
    assert_eq!(counter(&bed, "hand_over_lost"), 0);
}

#[test]
fn a_refused_phone_is_journalled_with_its_real_address_and_readers_are_turned_away() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    bed.source("phone", SOURCE);
    bed.output(
        "watch",
        "phone",
        r#"{ "listener": "ingest", "stream_id": "watch", "open": true }"#,
    );
    let phone = phone(&bed, 1, 61);
    let stranger = phone.url("streamid=live/nobody&latency=2000");
    let mut input = peers::PacedSender::start("stranger", &stranger, bed.folder());
    let rejection = bed.rejection("live/nobody");
    assert_eq!(rejection.peer, phone.address(0).to_string());
    drop(input);
    input = peers::PacedSender::start(
        "reader",
        &phone.url("streamid=watch&latency=2000"),
        bed.folder(),
    );
    let rejection = bed.rejection("watch");
    assert!(
        rejection.advice.contains("plain SRT"),
        "{}",
        rejection.advice
    );
    drop(input);
}

#[test]
fn a_listener_without_srtla_does_not_answer() {
    let bed = Bed::with_listener(r#"{ "bind": "127.0.0.1:0", "srtla": false }"#);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let mut buffer = [0; 512];
    let mut register = vec![0x92, 0x00];
    register.resize(258, 7);
    eventually("it is counted", || {
        socket.send_to(&register, server(&bed)).unwrap();
        assert!(socket.recv(&mut buffer).is_err());
        (counter(&bed, "malformed") >= 3).then_some(())
    });
    assert_eq!(counter(&bed, "srtla_offered"), 0);
}

#[test]
fn registrations_beyond_the_rate_of_one_address_get_no_answer() {
    let bed = bed();
    let socket = UdpSocket::bind("127.0.0.71:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let mut register = vec![0x92, 0x00];
    register.resize(258, 7);
    let mut buffer = [0; 512];
    eventually("it is throttled", || {
        for _ in 0..50 {
            socket.send_to(&register, server(&bed)).unwrap();
        }
        (counter(&bed, "srtla_throttled") > 0).then_some(())
    });
    let (length, _) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!((length, &buffer[..2]), (258, &[0x92, 0x01][..]));
    // A name nobody was given.
    let other = UdpSocket::bind("127.0.0.72:0").unwrap();
    other
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    register[1] = 0x01;
    other.send_to(&register, server(&bed)).unwrap();
    let (length, _) = other.recv_from(&mut buffer).unwrap();
    assert_eq!(buffer[..length], [0x92, 0x11]);
}
