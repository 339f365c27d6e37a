//! UDP and RTP sources against real sockets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tidegate_adapter_udp::{LegSettings, RtpSourceSettings, SourceSettings};
use tidegate_engine::{Connection, SourceDriver, Span};
use tidegate_rtp::Header;
use tidegate_rtp::fec::{Encoder, Matrix};
use tidegate_testkit::conformance::{SourceSubject, check_settings, check_source};
use tidegate_testkit::{free_udp_port, media::numbered_ts};

/// A source on a port of this machine, and somebody who sends there.
struct Subject {
    port: u16,
    is_rtp: bool,
    sender: Mutex<Option<Sender>>,
}

impl Subject {
    fn new(is_rtp: bool) -> Self {
        Self {
            port: free_udp_port(),
            is_rtp,
            sender: Mutex::new(None),
        }
    }

    fn source(&self, from: &str) -> Arc<dyn SourceDriver> {
        let settings = format!(r#"{{"from":"{from}"}}"#);
        if self.is_rtp {
            rtp_source(&settings)
        } else {
            udp_source(&settings)
        }
    }
}

impl SourceSubject for Subject {
    fn driver(&self) -> Arc<dyn SourceDriver> {
        self.source(&format!("127.0.0.1:{}", self.port))
    }

    fn data_dir(&self) -> &Path {
        Path::new("/tmp")
    }

    fn start_sender(&self) {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let sender = Sender::start(to, numbered_ts(7000), self.is_rtp);
        *self.sender.lock().unwrap() = Some(sender);
    }

    fn kill_sender(&self) {
        *self.sender.lock().unwrap() = None;
    }

    fn refused(&self) -> Option<Arc<dyn SourceDriver>> {
        // An address that is not this machine's (RFC 5737).
        Some(self.source("192.0.2.1:5000"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_udp_source_does_what_every_source_must() {
    check_source(&Subject::new(false)).await;
    check_settings(&SourceSettings {
        from: "239.1.2.3:5000".into(),
        interface: Some("eth1".into()),
        source: Some("192.0.2.7".into()),
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_rtp_source_does_what_every_source_must() {
    check_source(&Subject::new(true)).await;
    check_settings(&RtpSourceSettings {
        from: "239.1.2.3:5000".into(),
        interface: None,
        source: None,
        fec: true,
        and: Some(LegSettings {
            from: "239.1.3.3:5000".into(),
            interface: Some("eth2".into()),
            source: None,
        }),
        buffer: Some(Span::from_millis(300)),
    });
}

fn sender() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

fn rtp(sequence: usize, payload_type: u8, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        payload_type,
        sequence: (65_500 + sequence) as u16,
        timestamp: sequence as u32 * 90,
        ssrc: 7,
        marker: false,
    };
    header.packet(payload)
}

/// Leaves the receiver time for what was sent.
async fn pause() {
    tokio::time::sleep(Duration::from_micros(200)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_comes_through_bit_by_bit_however_it_is_cut() {
    let stream = numbered_ts(7 * 400);
    for size in [188, 1316, 1472, 13 * 188] {
        let to = format!("127.0.0.1:{}", free_udp_port());
        let (engine, mut reader) = receiving(udp_source(&format!(r#"{{"from":"{to}"}}"#))).await;
        let socket = sender();
        for datagram in stream.chunks(size) {
            socket.send_to(datagram, &to).unwrap();
            pause().await;
        }
        let mut got = Vec::new();
        until("all of it has come", || {
            drain(&mut reader, &mut got);
            (got.len() >= stream.len()).then_some(())
        })
        .await;
        assert!(got == stream, "cut into {size}");
        assert_eq!(status(&engine).connection, Connection::Connected);
        engine.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_other_senders_disturb_nothing_and_are_counted() {
    let to = format!("127.0.0.1:{}", free_udp_port());
    let (engine, mut reader) = receiving(udp_source(&format!(r#"{{"from":"{to}"}}"#))).await;
    let stream = numbered_ts(7 * 300);
    let (owner, other) = (sender(), sender());
    let garbage = [
        &[][..],
        &[0x47],
        &[0xFF; 1316],
        &[0x55; 60_000],
        &[0x80; 12],
        b"GET / HTTP/1.1",
    ];
    for junk in garbage {
        other.send_to(junk, &to).unwrap();
    }
    until("it is said", || {
        let reason = status(&engine).connection_reason?;
        reason.contains("neither MPEG-TS nor RTP").then_some(())
    })
    .await;
    let alarm = |code: &str| engine.alarms().iter().any(|alarm| alarm.alarm.code == code);
    until("the alarm", || alarm("not_mpeg_ts").then_some(())).await;
    for (number, datagram) in stream.chunks(DATAGRAM).enumerate() {
        owner.send_to(datagram, &to).unwrap();
        owner
            .send_to(garbage[number % 6].get(1..).unwrap_or_default(), &to)
            .unwrap();
        other.send_to(&stream[..DATAGRAM], &to).unwrap();
        pause().await;
    }
    let mut got = Vec::new();
    until("all of it has come", || {
        drain(&mut reader, &mut got);
        (got.len() >= stream.len()).then_some(())
    })
    .await;
    assert!(got == stream);
    until("others are counted", || {
        (detail(&engine, "/udp/ignored_packets") == 300).then_some(())
    })
    .await;
    let shown = detail(&engine, "/udp/ignored_sender");
    assert_eq!(shown, other.local_addr().unwrap().to_string());
    assert!(!alarm("not_mpeg_ts"));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtp_that_comes_to_a_udp_source_is_taken_and_said() {
    let to = format!("127.0.0.1:{}", free_udp_port());
    let (engine, mut reader) = receiving(udp_source(&format!(r#"{{"from":"{to}"}}"#))).await;
    let stream = numbered_ts(7 * 200);
    let socket = sender();
    for (number, payload) in stream.chunks(DATAGRAM).enumerate() {
        socket.send_to(&rtp(number, 33, payload), &to).unwrap();
        pause().await;
    }
    let mut got = Vec::new();
    until("all of it has come", || {
        drain(&mut reader, &mut got);
        (got.len() >= stream.len()).then_some(())
    })
    .await;
    assert!(got == stream);
    until("it is said", || {
        let alarms = engine.alarms();
        let alarm = alarms
            .iter()
            .find(|alarm| alarm.alarm.code == "rtp_on_udp")?;
        alarm.alarm.advice.contains("\"rtp\" source").then_some(())
    })
    .await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtp_with_something_else_in_it_is_named() {
    let to = format!("127.0.0.1:{}", free_udp_port());
    let (engine, _reader) = receiving(rtp_source(&format!(r#"{{"from":"{to}"}}"#))).await;
    let socket = sender();
    for number in 0..5 {
        socket.send_to(&rtp(number, 96, &[0x65; 900]), &to).unwrap();
    }
    let reason = until("it is said", || {
        let reason = status(&engine).connection_reason?;
        reason.contains("payload type 96").then_some(reason)
    })
    .await;
    assert!(
        reason.contains(&socket.local_addr().unwrap().to_string()),
        "{reason}"
    );
    assert_ne!(status(&engine).connection, Connection::Connected);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_legs_that_both_lose_make_one_whole_stream_and_a_dead_one_is_an_alarm() {
    let (one, two) = (free_udp_port(), free_udp_port());
    let settings =
        format!(r#"{{"from":"127.0.0.1:{one}","and":{{"from":"127.0.0.1:{two}"}},"buffer":"2s"}}"#);
    let (engine, mut reader) = receiving(rtp_source(&settings)).await;
    let stream = numbered_ts(7 * 1000);
    let legs = [(sender(), one), (sender(), two)];
    for (number, payload) in stream.chunks(DATAGRAM).enumerate() {
        let datagram = rtp(number, 33, payload);
        for (leg, (socket, port)) in legs.iter().enumerate() {
            // Each loses three in ten, never the same, and never the very first.
            if number == 0 || (number + leg * 5) % 10 >= 3 {
                socket.send_to(&datagram, ("127.0.0.1", *port)).unwrap();
            }
        }
        pause().await;
    }
    let mut got = Vec::new();
    let mut lost = 0;
    until("all of it has come", || {
        lost += drain(&mut reader, &mut got);
        (got.len() >= stream.len()).then_some(())
    })
    .await;
    assert!(got == stream);
    assert_eq!(lost, 0);
    assert_eq!(detail(&engine, "/rtp/legs/1/is_foreign"), false);
    // From now on one leg alone.
    let mut number = 1000;
    let alarm = until("the dead leg is an alarm", || {
        for payload in stream.chunks(DATAGRAM).take(10) {
            let datagram = rtp(number, 33, payload);
            legs[0].0.send_to(&datagram, ("127.0.0.1", one)).unwrap();
            number += 1;
        }
        drain(&mut reader, &mut got);
        let alarms = engine.alarms();
        let alarm = alarms.iter().find(|alarm| alarm.alarm.code == "leg_dead")?;
        let missing = |leg: usize| detail(&engine, &format!("/rtp/legs/{leg}/missing")).as_u64();
        // Counted once no leg can bring it any more.
        (missing(0)? >= 299 && missing(1)? >= 299).then(|| alarm.alarm.clone())
    })
    .await;
    assert!(
        alarm.text.contains(&format!("127.0.0.1:{two}")),
        "{}",
        alarm.text
    );
    assert_eq!(detail(&engine, "/rtp/legs/0/working"), true);
    assert_eq!(detail(&engine, "/rtp/legs/1/working"), false);
    assert_eq!(status(&engine).connection, Connection::Connected);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_packets_are_rebuilt_and_counted() {
    let port = ports_in_a_row();
    let settings = format!(r#"{{"from":"127.0.0.1:{port}","fec":true,"buffer":"5s"}}"#);
    let (engine, mut reader) = receiving(rtp_source(&settings)).await;
    let matrix = Matrix {
        columns: 5,
        rows: 5,
        row_sums: true,
    };
    let mut encoder = Encoder::new(matrix, 77);
    let stream = numbered_ts(7 * 500);
    let (media, sums) = (sender(), sender());
    let mut lost = 0;
    for (number, payload) in stream.chunks(DATAGRAM).enumerate() {
        let datagram = rtp(number, 33, payload);
        encoder.on_packet(&datagram);
        // Bursts of five.
        if number % 40 < 5 && (40..450).contains(&number) {
            lost += 1;
        } else {
            media.send_to(&datagram, ("127.0.0.1", port)).unwrap();
        }
        while let Some((stream, sum)) = encoder.poll() {
            sums.send_to(&sum, ("127.0.0.1", port + stream.port_offset()))
                .unwrap();
        }
        pause().await;
    }
    let mut got = Vec::new();
    until("all of it has come", || {
        drain(&mut reader, &mut got);
        (got.len() >= stream.len()).then_some(())
    })
    .await;
    assert!(got == stream);
    until("it is counted", || {
        (detail(&engine, "/rtp/fec/recovered") == lost).then_some(())
    })
    .await;
    assert_eq!(detail(&engine, "/rtp/fec/unrecovered"), 0);
    assert_eq!(detail(&engine, "/rtp/fec/columns"), 5);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_said() {
    let taken = sender();
    let address = taken.local_addr().unwrap();
    let engine = engine();
    let spec = tidegate_engine::SourceSpec {
        driver: udp_source(&format!(r#"{{"from":"{address}"}}"#)),
        expect: None,
    };
    engine.set_source("in", spec).await.unwrap();
    until("it is said", || {
        let error = status(&engine).last_error?;
        error.contains("used by another program").then_some(())
    })
    .await;
    engine.shutdown().await;
}
