//! Strangers, slips and attacks: what they are told, what the journal says, and that nobody
//! else notices.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::{Bed, KEY};
use tidegate_engine::{ReaderOptions, SourceAdapter, SourceSpec};
use tidegate_rtmp::amf::encode;
use tidegate_rtmp::{ChunkWriter, Value, kind};
use tidegate_testkit::eventually;

#[test]
fn a_wrong_key_is_told_next_to_nothing_and_the_journal_everything_but_the_key() {
    let bed = Bed::new();
    bed.source(
        "studio",
        &format!(r#"{{ "listener": "ingest", "key": "{KEY}", "app": "live" }}"#),
    );
    let words = |app: &str, key: &str| bed.publish(app, key).err().unwrap().to_string();
    let wrong_key = words("live", "canary-4711-wrong");
    let wrong_app = words("life", KEY);
    assert_eq!(wrong_key, wrong_app, "neither tells which streams exist");
    let rejection = bed.rejection("wrong_key");
    assert_eq!(rejection.stream_id, "live/•••");
    assert!(rejection.advice.contains("stream key"), "{rejection:?}");
    let rejection = bed.rejection("unknown_app");
    assert_eq!(rejection.expected.as_deref(), Some("live"));
    assert_eq!(bed.counters()["refused"], 2);
    let events = serde_json::to_string(&bed.events()).unwrap();
    assert!(!events.contains("canary-4711-wrong"), "{events}");
    bed.keeps_the_key();
}

#[test]
fn slips_are_recognised() {
    let bed = Bed::new();
    bed.source(
        "studio",
        &format!(r#"{{ "listener": "ingest", "key": "{KEY}", "app": "live" }}"#),
    );
    for (app, key) in [
        ("live", ""),
        ("live", &format!(" {KEY} ")),
        ("live2", "whatever"),
        (KEY, ""),
    ] {
        assert!(bed.publish(app, key).is_err());
    }
    let said: Vec<_> = bed.rejections().into_iter().map(|it| it.advice).collect();
    assert!(said[0].contains("own field"), "{said:?}");
    assert!(said[1].contains("without the spaces"), "{said:?}");
    assert!(said[2].contains("should it end in /live?"), "{said:?}");
    bed.keeps_the_key();
    let query = format!("{KEY}?user=me");
    assert!(bed.publish("live/?a=b", &query).is_ok());
}

#[test]
fn other_protocols_on_the_port_are_named() {
    let bed = Bed::new();
    for (hello, words) in [
        (&[0x16, 3, 1, 2, 0][..], "speaks TLS"),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP"),
        (&[0xFF; 64], "first byte is 255"),
    ] {
        let mut socket = TcpStream::connect(("127.0.0.1", bed.port)).unwrap();
        socket.write_all(hello).unwrap();
        let mut answer = Vec::new();
        // It is closed, with or without unread bytes.
        let _ = socket.read_to_end(&mut answer);
        assert!(answer.is_empty());
        eventually("the journal tells", || {
            let mut rejections = bed.rejections().into_iter();
            let about = |received: &String| received.contains(words);
            rejections.find(|it| it.reason == "not_rtmp" && it.received.as_ref().is_some_and(about))
        });
    }
    assert_eq!(bed.counters()["malformed"], 3);
}

#[test]
fn a_connection_without_a_word_is_only_counted() {
    let bed = Bed::new();
    drop(TcpStream::connect(("127.0.0.1", bed.port)).unwrap());
    eventually("it is counted", || {
        (bed.counters()["silent"] == 1).then_some(())
    });
    assert!(bed.rejections().is_empty());
}

#[test]
fn a_handshake_that_never_ends_is_ended() {
    let bed = Bed::new();
    let mut socket = TcpStream::connect(("127.0.0.1", bed.port)).unwrap();
    socket.write_all(&[3; 100]).unwrap();
    let rejection = bed.rejection("timeout");
    assert!(rejection.received.unwrap().contains("handshake"));
    assert_eq!(bed.counters()["timed_out"], 1);
    assert_eq!(bed.counters()["pending"], 0);
}

/// The handshake of somebody who goes on by hand.
fn greeted(bed: &Bed) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", bed.port)).unwrap();
    socket.write_all(&[3; 1 + 2 * 1536]).unwrap();
    socket
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ChunkWriter::new().write(kind, 0, 0, &[body], &mut bytes);
    bytes
}

#[test]
fn bombs_end_their_own_connection_and_a_neighbour_loses_nothing() {
    let bed = Bed::new();
    bed.studio();
    let feed = bed.engine.feed("studio");
    let mut reader = feed.read_frames(ReaderOptions::default());
    let mut neighbour = bed.publish("live", KEY).unwrap();
    let mut sent = 0;
    let mut connect = Vec::new();
    encode(&"connect".into(), &mut connect);
    encode(&Value::Number(1.0), &mut connect);
    let nested = [connect, [3, 0, 1, b'a'].repeat(5000)].concat();
    let bombs = [
        message(kind::COMMAND, &nested),
        message(kind::SET_CHUNK_SIZE, &0x7FFF_FFFF_u32.to_be_bytes()),
        // A video message of 16 MB, announced.
        vec![6, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0],
        // A chunk that refers to nothing.
        vec![0xC5],
    ];
    for bomb in &bombs {
        let mut socket = greeted(&bed);
        socket.write_all(bomb).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        for _ in 0..10 {
            neighbour.sound(sent * 21, sent);
            sent += 1;
        }
    }
    let about = [
        "nested deeper",
        "chunks of",
        "allowed are",
        "header it never sent",
    ];
    let said = eventually("the journal tells of all", || {
        let said: Vec<_> = bed.rejections().into_iter().collect();
        (said.len() == bombs.len()).then_some(said)
    });
    for (rejection, words) in said.iter().zip(about) {
        assert_eq!(rejection.reason, "protocol_error");
        let received = rejection.received.as_deref().unwrap();
        assert!(received.contains(words), "{received}");
    }
    let mut numbers = Vec::new();
    eventually("all of the neighbour's frames come", || {
        while let Some(batch) = reader.try_next() {
            let number = |data: &[u8]| u32::from_be_bytes(data[1..5].try_into().unwrap());
            numbers.extend(batch.iter().map(|frame| number(&frame.data)));
        }
        (numbers.len() >= sent as usize).then_some(())
    });
    assert!(numbers.into_iter().eq(0..sent));
}

#[test]
fn who_wants_to_play_is_told_that_there_is_nothing() {
    let bed = Bed::new();
    let mut socket = greeted(&bed);
    let command = |name: &str| {
        let mut body = Vec::new();
        for value in [name.into(), Value::Number(1.0), Value::Null, KEY.into()] {
            encode(&value, &mut body);
        }
        message(kind::COMMAND, &body)
    };
    socket.write_all(&command("connect")).unwrap();
    socket.write_all(&command("play")).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let code = b"NetStream.Play.StreamNotFound";
    assert!(answer.windows(code.len()).any(|bytes| bytes == code));
    bed.rejection("not_a_publisher");
    bed.keeps_the_key();
}

#[test]
fn places_are_limited_by_address() {
    let bed = Bed::with_listener(r#"{ "bind": "127.0.0.1:0", "max_connections_per_address": 1 }"#);
    bed.studio();
    let _first = bed.publish("live", KEY).unwrap();
    let mut second = TcpStream::connect(("127.0.0.1", bed.port)).unwrap();
    assert_eq!(second.read(&mut [0; 10]).unwrap(), 0);
    bed.rejection("address_full");
    assert_eq!(bed.counters()["address_full"], 1);
    assert_eq!(bed.counters()["connections"], 1);
}

#[test]
fn who_is_banned_is_sent_away_and_not_let_in() {
    let bed = Bed::new();
    bed.studio();
    let mut publisher = bed.publish("live", KEY).unwrap();
    let loopback: tidegate_units::Network = "127.0.0.0/8".parse().unwrap();
    bed.adapter.set_bans([loopback].into_iter().collect());
    eventually("it is sent away", || publisher.is_closed().then_some(()));
    let mut again = TcpStream::connect(("127.0.0.1", bed.port)).unwrap();
    assert_eq!(again.read(&mut [0; 10]).unwrap_or(0), 0);
    eventually("it is counted", || {
        (bed.counters()["banned"] == 1).then_some(())
    });
    bed.adapter.set_bans(tidegate_units::NetworkSet::default());
    assert!(bed.publish("live", KEY).is_ok());
}

#[test]
fn a_change_of_the_listener_keeps_those_who_may_stay() {
    let bed = Bed::new();
    bed.studio();
    let mut publisher = bed.publish("live", KEY).unwrap();
    let port = bed.port;
    let settings = |allow: &str| format!(r#"{{ "bind": "127.0.0.1:0", "allow": ["{allow}"] }}"#);
    assert_eq!(bed.listener(&settings("127.0.0.0/8")), port);
    publisher.sound(0, 0);
    assert!(!publisher.is_closed());
    assert_eq!(bed.listener(&settings("192.0.2.0/24")), port);
    eventually("it is sent away", || publisher.is_closed().then_some(()));
    let mut again = TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(again.read(&mut [0; 10]).unwrap_or(0), 0);
    bed.rejection("address_not_allowed");
}

#[test]
fn two_sources_with_one_key_are_a_mistake_that_is_named() {
    let bed = Bed::new();
    bed.studio();
    let settings = format!(r#"{{ "listener": "ingest", "key": "{KEY}", "app": "live" }}"#);
    let settings = serde_json::from_str(&settings).unwrap();
    let driver = bed
        .adapter
        .source("second", &settings, &tidegate_engine::NoSecrets)
        .unwrap();
    let spec = SourceSpec {
        driver,
        expect: None,
    };
    bed.runtime
        .block_on(bed.engine.set_source("second", spec))
        .unwrap();
    let said = eventually("it fails", || bed.status("second").last_error);
    assert!(
        said.contains("\"studio\" has the same stream key"),
        "{said}"
    );
    assert!(bed.publish("live", KEY).is_ok());
    bed.keeps_the_key();
}
