//! The plain UDP relay that servers are compared with, as a process of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tidegate_testkit::spawn;

const DATA: u32 = 0;
const PUBLISH: u32 = 1;
const READ: u32 = 2;
const WELCOME: u32 = 3;
const ANSWER: u32 = 4;

const KINDS: [&str; 3] = ["single", "batch", "offload"];
/// Far more than anything here takes; it only keeps a broken relay from hanging the tests.
const PATIENCE: Duration = Duration::from_secs(20);

struct Relay {
    process: Child,
    address: SocketAddr,
}

impl Relay {
    fn start(kind: &str, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-bench"));
        command.args(["floor", "--kind", kind]).args(more);
        let mut process = spawn(command.stdout(Stdio::piped())).unwrap();
        let mut line = String::new();
        let out = process.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").unwrap();
        let address = address.parse().unwrap();
        Self { process, address }
    }

    /// A client that said hello and was welcomed.
    fn client(&self, hello: u32, member: u32) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.send(&datagram(hello, member, 0, 0)).unwrap();
        assert_eq!(receive(&socket).0, WELCOME);
        socket
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn datagram(kind: u32, member: u32, number: u64, payload_bytes: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(kind.to_be_bytes());
    bytes.extend(member.to_be_bytes());
    bytes.extend(number.to_be_bytes());
    bytes.resize(16 + payload_bytes, number as u8);
    bytes
}

/// The kind and number of the next datagram, and all its bytes.
fn receive(socket: &UdpSocket) -> (u32, u64, Vec<u8>) {
    let mut bytes = vec![0; 4096];
    let length = socket.recv(&mut bytes).unwrap();
    bytes.truncate(length);
    let kind = u32::from_be_bytes(bytes[..4].try_into().unwrap());
    let number = u64::from_be_bytes(bytes[8..16].try_into().unwrap());
    (kind, number, bytes)
}

#[test]
fn every_packet_goes_to_every_reader_in_order_whatever_the_calls() {
    for kind in KINDS {
        for gather_us in ["0", "5000"] {
            let relay = Relay::start(kind, &["--gather-us", gather_us]);
            let readers = [relay.client(READ, 0), relay.client(READ, 1)];
            let publisher = relay.client(PUBLISH, 0);
            for burst in 0..4 {
                // As many as a small socket buffer holds.
                let packets: Vec<_> = (burst * 50..(burst + 1) * 50).map(packet).collect();
                for packet in &packets {
                    publisher.send(packet).unwrap();
                }
                for reader in &readers {
                    for packet in &packets {
                        let is_same = receive(reader).2 == *packet;
                        assert!(is_same, "{kind}, {gather_us} µs, burst {burst}");
                    }
                }
            }
        }
    }
}

/// Some of another size are among them: they end the runs they would be part of.
fn packet(number: u64) -> Vec<u8> {
    datagram(DATA, 0, number, if number % 20 == 19 { 188 } else { 1316 })
}

#[test]
fn answers_count_what_a_publisher_has_sent_and_come_only_when_asked_for() {
    for kind in KINDS {
        let relay = Relay::start(kind, &["--answers"]);
        let publishers = [relay.client(PUBLISH, 0), relay.client(PUBLISH, 1)];
        let mut sent = 0;
        let answered = loop {
            publishers[1].send(&datagram(DATA, 1, sent, 1316)).unwrap();
            sent += 1;
            publishers[1]
                .set_read_timeout(Some(Duration::from_millis(5)))
                .unwrap();
            let mut bytes = [0; 64];
            if let Ok(length) = publishers[1].recv(&mut bytes) {
                assert_eq!(length, 44);
                assert_eq!(bytes[..4], ANSWER.to_be_bytes());
                break u64::from_be_bytes(bytes[8..16].try_into().unwrap());
            }
            assert!(sent < 2000, "{kind}: no answer");
        };
        assert!(
            answered >= 1 && answered <= sent,
            "{kind}: {answered} of {sent}"
        );
        publishers[0].set_nonblocking(true).unwrap();
        let silent = publishers[0].recv(&mut [0; 64]);
        assert!(silent.is_err(), "{kind}: who sent nothing was answered");
    }
}

#[test]
fn a_publisher_that_asks_is_told_how_many_packets_have_come() {
    for kind in KINDS {
        let relay = Relay::start(kind, &["--gather-us", "500"]);
        let publisher = relay.client(PUBLISH, 7);
        for number in 0..40 {
            publisher.send(&datagram(DATA, 7, number, 1316)).unwrap();
        }
        publisher.send(&datagram(PUBLISH, 7, 40, 0)).unwrap();
        let (welcome, packets, _) = receive(&publisher);
        assert_eq!((welcome, packets), (WELCOME, 40), "{kind}");
    }
}
