//! What comes out is what went in: every byte, in order.

use crate::tidegate;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use tidegate_testkit::peers::{PacedSender, have, srt_to_file};
use tidegate_testkit::{LossyRelay, Tidegate, eventually, media::numbered_ts};

const RATE_BPS: u64 = 8_000_000;

/// srt-live-transmit writes its standard output in blocks; what is sent after the bytes
/// under test pushes them out.
const PADDING_PACKETS: usize = 7 * 200;

struct Sample {
    exact: Vec<u8>,
    sent: Vec<u8>,
}

fn sample(packets: usize) -> Sample {
    let sent = numbered_ts(packets + PADDING_PACKETS);
    Sample {
        exact: sent[..packets * 188].to_vec(),
        sent,
    }
}

fn recording_of(server: &Tidegate, output: &str) -> Vec<PathBuf> {
    let folder = server.data().join("recordings").join(output);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "ts"));
    files.sort();
    files
}

fn recorded(server: &Tidegate, output: &str) -> Vec<u8> {
    recording_of(server, output)
        .iter()
        .flat_map(|file| std::fs::read(file).unwrap())
        .collect()
}

#[track_caller]
fn connected(server: &Tidegate, source: &str) {
    server.source_becomes(source, "is connected", |view| {
        view["connection"] == "connected"
    });
}

#[track_caller]
fn starts_with(what: &str, got: &[u8], expected: &[u8]) {
    assert!(
        got.len() >= expected.len(),
        "{what}: {} of {} bytes",
        got.len(),
        expected.len()
    );
    let difference = got.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!(difference, None, "{what}: first differing byte");
}

#[track_caller]
fn file_holds(what: &str, file: &Path, expected: &[u8]) {
    let got = eventually(&format!("{what} has received everything"), || {
        let bytes = std::fs::read(file).ok()?;
        (bytes.len() >= expected.len()).then_some(bytes)
    });
    starts_with(what, &got, expected);
}

fn relayed_and_recorded(credentials: (&str, &str), loss_per_mille: u64, latency_ms: u32) {
    if !have(&["srt-live-transmit"]) {
        return;
    }
    let (write_secret, read_secret) = credentials;
    let secret = |passphrase: &str| match passphrase {
        "" => String::new(),
        text => format!(", passphrase: {text}"),
    };
    let open = if read_secret.is_empty() {
        ", open: true"
    } else {
        ""
    };
    let server = tidegate(&format!(
        "listeners:\n\
         \x20 - {{ name: ingest, srt: {{ bind: \"127.0.0.1:0\", latency: {latency_ms}ms }} }}\n\
         sources:\n\
         \x20 - {{ name: cam, srt: {{ listener: ingest, stream_id: live/cam{} }} }}\n\
         outputs:\n\
         \x20 - {{ name: relay, source: cam, srt: {{ listener: ingest, stream_id: out/relay{}{open} }} }}\n\
         \x20 - {{ name: tape, source: cam, record: {{ format: ts }} }}\n",
        secret(write_secret),
        secret(read_secret),
    ));
    let port = server.port("ingest");
    let relay = LossyRelay::start(([127, 0, 0, 1], port).into(), loss_per_mille, 7);
    let url = |id: &str, passphrase: &str, port: u16| {
        let key = if passphrase.is_empty() {
            String::new()
        } else {
            format!("&passphrase={passphrase}&pbkeylen=32")
        };
        format!("srt://127.0.0.1:{port}?mode=caller&streamid={id}&latency={latency_ms}{key}")
    };

    let received = server.folder().join("received.ts");
    let _reader = srt_to_file("reader", &url("out/relay", read_secret, port), &received);
    server.output_becomes("relay", "serves a reader", |view| view["readers"] == 1);

    let sample = sample(7 * 1000);
    let to = url("#!::r=live/cam,m=publish", write_secret, relay.port());
    let mut sender = PacedSender::start("sender", &to, server.folder());
    connected(&server, "cam");
    sender.send(&sample.sent, RATE_BPS);

    file_holds("the reader", &received, &sample.exact);
    eventually("the recording is complete", || {
        (recorded(&server, "tape").len() >= sample.exact.len()).then_some(())
    });
    starts_with("the recording", &recorded(&server, "tape"), &sample.exact);

    let view = server.source("cam");
    assert_eq!(view["connection"], "connected");
    assert_eq!(view["srt"]["packets_dropped"], 0, "{view}");
    let cipher = if write_secret.is_empty() {
        "none"
    } else {
        "aes-256-ctr"
    };
    assert_eq!(view["srt"]["encryption"], cipher, "{view}");
    if loss_per_mille > 0 {
        assert!(
            relay.lost() > 0,
            "the relay lost nothing, so this proved nothing"
        );
        assert!(view["srt"]["packets_lost"].as_u64() > Some(0), "{view}");
    }
}

#[test]
fn a_plain_stream_reaches_reader_and_recording_bit_exact() {
    relayed_and_recorded(("", ""), 0, 120);
}

#[test]
fn an_encrypted_stream_reaches_reader_and_recording_bit_exact() {
    relayed_and_recorded(("write-only-secret", "read-only-secret"), 0, 120);
}

#[test]
fn five_percent_loss_with_enough_latency_changes_nothing() {
    relayed_and_recorded(("write-only-secret", ""), 50, 400);
}

#[test]
fn a_udp_output_carries_the_same_bytes() {
    if !have(&["srt-live-transmit"]) {
        return;
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(std::time::Duration::from_millis(20)))
        .unwrap();
    let to = socket.local_addr().unwrap();
    let server = tidegate(&format!(
        "listeners: [{{ name: ingest, srt: {{ bind: \"127.0.0.1:0\" }} }}]\n\
         sources: [{{ name: cam, srt: {{ listener: ingest, stream_id: cam }} }}]\n\
         outputs: [{{ name: studio, source: cam, udp: {{ to: \"{to}\" }} }}]\n"
    ));
    let receiver = std::thread::spawn(move || {
        let mut got = Vec::new();
        let wanted = 188 * 7 * 500;
        let mut buffer = [0; 2048];
        eventually("the UDP receiver has everything", || {
            while let Ok(length) = socket.recv(&mut buffer) {
                assert!(
                    length <= 7 * 188 && length % 188 == 0,
                    "an odd datagram of {length} bytes"
                );
                got.extend_from_slice(&buffer[..length]);
            }
            (got.len() >= wanted).then_some(())
        });
        // What is sent after that still finds the socket open.
        (got, socket)
    });
    let sample = sample(7 * 500);
    let to = format!("srt://127.0.0.1:{}?streamid=cam", server.port("ingest"));
    let mut sender = PacedSender::start("sender", &to, server.folder());
    connected(&server, "cam");
    sender.send(&sample.sent, RATE_BPS);
    let (got, _socket) = receiver.join().unwrap();
    starts_with("the UDP output", &got, &sample.exact);
    assert_eq!(
        server.output_status("studio")["last_error"],
        serde_json::Value::Null
    );
}

#[test]
fn a_pulled_source_and_a_pushed_output_are_bit_exact_too() {
    if !have(&["srt-live-transmit"]) {
        return;
    }
    let (pull, push) = (
        tidegate_testkit::free_udp_port(),
        tidegate_testkit::free_udp_port(),
    );
    let folder = tempfile::tempdir().unwrap();
    let received = folder.path().join("received.ts");
    let _far = srt_to_file(
        "far",
        &format!("srt://127.0.0.1:{push}?mode=listener&passphrase=partner-secret"),
        &received,
    );
    let server = tidegate(&format!(
        "sources: [{{ name: remote, srt: {{ call: \"srt://127.0.0.1:{pull}?latency=150\", passphrase: camera-secret }} }}]\n\
         outputs: [{{ name: partner, source: remote, srt: {{ call: \"srt://127.0.0.1:{push}\", passphrase: partner-secret }} }}]\n"
    ));
    server.output_becomes("partner", "is connected", |view| {
        view["detail"]["srt"]["encryption"] == "aes-128-ctr"
    });

    let sample = sample(7 * 500);
    let listen = format!("srt://127.0.0.1:{pull}?mode=listener&passphrase=camera-secret");
    let mut sender = PacedSender::start("camera", &listen, server.folder());
    connected(&server, "remote");
    sender.send(&sample.sent, RATE_BPS);
    file_holds("the partner", &received, &sample.exact);
    let view = server.source("remote");
    assert_eq!(view["srt"]["latency_ms"].as_f64(), Some(150.0), "{view}");
}
