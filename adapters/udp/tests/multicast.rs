//! Multicast from one machine to another: two network namespaces and a cable between them.
//!
//! ```text
//!   namespace a                         namespace b
//!   10.77.0.1, fd77::1  the sender  ──  10.77.0.2, fd77::2  the receiver
//!   10.77.0.3, fd77::3  a stranger
//! ```
//! Each side is this program once more, told by the environment what it is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

mod common;

use common::*;
use core::time::Duration;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use tidegate_engine::SourceDriver;
use tidegate_testkit::conformance::Feeder;
use tidegate_testkit::{Process, media::numbered_ts};

const ROLE: &str = "TIDEGATE_TEST_ROLE";
const DEVICE: &str = "TIDEGATE_TEST_DEVICE";

/// What is sent in a circle: packets with numbers.
const PACKETS: usize = 7 * 300;

/// Packets in a row that must come.
const ENOUGH: usize = 7 * 200;

/// A group, the sender's address, and how a receiver names the sender.
struct Way {
    to: &'static str,
    stranger: &'static str,
    sender: &'static str,
}

const WAYS: [Way; 2] = [
    Way {
        to: "232.7.7.7:5000",
        stranger: "10.77.0.3:0",
        sender: "10.77.0.1",
    },
    Way {
        to: "[ff35::7:7]:5001",
        stranger: "[fd77::3]:0",
        sender: "fd77::1",
    },
];

fn ip(arguments: &str) -> bool {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        .output();
    output.is_ok_and(|output| output.status.success())
}

struct Lab {
    spaces: [String; 2],
    devices: [String; 2],
}

impl Lab {
    /// `None`, loudly, where namespaces cannot be made.
    fn build() -> Option<Self> {
        let id = std::process::id();
        let lab = Self {
            spaces: ["a", "b"].map(|side| format!("tg-multicast-{id}-{side}")),
            devices: ["a", "b"].map(|side| format!("tgm{id}{side}")),
        };
        let ([a, b], [da, db]) = (&lab.spaces, &lab.devices);
        if !ip(&format!("netns add {a}")) || !ip(&format!("netns add {b}")) {
            eprintln!("SKIPPED: network namespaces cannot be made here");
            return None;
        }
        assert!(ip(&format!(
            "link add {da} netns {a} type veth peer name {db} netns {b}"
        )));
        for (space, device, hosts) in [(a, da, &[1, 3][..]), (b, db, &[2])] {
            for host in hosts {
                assert!(ip(&format!(
                    "-n {space} addr add 10.77.0.{host}/24 dev {device}"
                )));
                // The stranger's address is used by nobody who does not ask for it.
                let life = if *host == 3 { "preferred_lft 0" } else { "" };
                let v6 = format!("-n {space} addr add fd77::{host}/64 dev {device} nodad {life}");
                assert!(ip(&v6));
            }
            assert!(ip(&format!("-n {space} link set {device} up")));
            assert!(ip(&format!("-n {space} link set lo up")));
            assert!(ip(&format!(
                "-n {space} route add 224.0.0.0/4 dev {device}"
            )));
        }
        Some(lab)
    }

    fn start(&self, side: usize, role: &str, folder: &std::path::Path) -> Process {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.spaces[side]])
            .arg(std::env::current_exe().unwrap())
            .args(["multicast_passes", "--nocapture"])
            .env(ROLE, role)
            .env(DEVICE, &self.devices[side]);
        Process::start(role, &mut command, folder)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for space in &self.spaces {
            ip(&format!("netns del {space}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn multicast_passes_between_network_namespaces_from_anybody_and_from_one_sender_alone() {
    match std::env::var(ROLE).as_deref() {
        Ok("send") => return send().await,
        Ok(_) => return receive().await,
        Err(_) => {}
    }
    let Some(lab) = Lab::build() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let sender = lab.start(0, "send", folder.path());
    let mut receiver = lab.start(1, "receive", folder.path());
    let ended = until("it has ended", || receiver.ended()).await;
    assert!(
        ended.success(),
        "{}\n{}",
        receiver.output(),
        sender.output()
    );
}

/// Sends to both groups, and has a stranger send to them too, until it is killed.
async fn send() {
    let device = std::env::var(DEVICE).unwrap();
    let mut kept = Vec::new();
    for way in &WAYS {
        // IPv4 leaves by an address of the interface, IPv6 by its name.
        let interface = if way.to.starts_with('[') {
            &device
        } else {
            way.sender
        };
        let (to, extra) = (way.to, format!(r#""interface":"{interface}","ttl":2"#));
        let driver = udp_output(&format!(r#"{{"to":"{to}",{extra}}}"#));
        let (engine, feed) = sending(driver).await;
        let feeder = Feeder::start(feed, numbered_ts(PACKETS), Duration::from_millis(2));
        kept.push((engine, feeder));
        let (stranger, to) = (
            way.stranger.to_owned(),
            way.to.parse::<SocketAddr>().unwrap(),
        );
        std::thread::spawn(move || {
            let socket = UdpSocket::bind(stranger).unwrap();
            loop {
                socket.send_to(&[0x47; 1316], to).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
    }
    core::future::pending::<()>().await;
}

async fn receive() {
    let device = std::env::var(DEVICE).unwrap();
    for way in &WAYS {
        let (from, sender) = (way.to, way.sender);
        let all = format!(r#"{{"from":"{from}","interface":"{device}"}}"#);
        let one = format!(r#"{{"from":"{from}","interface":"{device}","source":"{sender}"}}"#);
        // Both at once, as two programs of one machine would.
        let (anybody, alone) = (udp_source(&all), rtp_source(&one));
        tokio::join!(from_anybody(anybody), from_one(alone));
    }
    // An interface may be named by an IPv4 address it has.
    let one = format!(
        r#"{{"from":"{}","interface":"10.77.0.2","source":"{}"}}"#,
        WAYS[0].to, WAYS[0].sender
    );
    from_one(udp_source(&one)).await;
}

/// Whoever comes first is followed, and the other counted.
async fn from_anybody(driver: std::sync::Arc<dyn SourceDriver>) {
    let (engine, _reader) = receiving(driver).await;
    until("the other sender is counted", || {
        let ignored = detail(&engine, "/udp/ignored_packets").as_u64()?;
        (ignored > 20 && status(&engine).bitrate_bps > 0).then_some(())
    })
    .await;
    engine.shutdown().await;
}

/// The stranger is not heard at all: his packets would have stopped at a router.
async fn from_one(driver: std::sync::Arc<dyn SourceDriver>) {
    let kind = driver.kind();
    let (engine, mut reader) = receiving(driver).await;
    let mut got = Vec::new();
    until("enough has come", || {
        drain(&mut reader, &mut got);
        (got.len() >= ENOUGH * 188).then_some(())
    })
    .await;
    let stream = numbered_ts(PACKETS).repeat(3);
    let begin = stream
        .chunks(188)
        .position(|packet| packet == &got[..188])
        .unwrap();
    let expected = &stream[begin * 188..];
    assert!(
        got[..ENOUGH * 188] == expected[..ENOUGH * 188],
        "not one is missing"
    );
    assert_eq!(detail(&engine, &format!("/{kind}/ignored_packets")), 0);
    engine.shutdown().await;
}
