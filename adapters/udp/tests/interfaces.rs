//! Interfaces that come, go and come back, in a network namespace of its own. The tests run this
//! program once more in there, told by the environment what it is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

mod common;

use common::*;
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tidegate_rtp::Header;
use tidegate_testkit::{Process, media::numbered_ts};
use tidegate_udp::{Interface, Options, Run, Socket};

const INSIDE: &str = "TIDEGATE_TEST_INSIDE";
const GROUP: &str = "232.7.7.7:5000";
/// The interfaces of the two legs, and an address of each.
const LEGS: [(&str, Ipv4Addr); 2] = [
    ("tgx", Ipv4Addr::new(10, 78, 0, 1)),
    ("tgy", Ipv4Addr::new(10, 78, 1, 1)),
];

fn ip(arguments: &str) -> bool {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        .output();
    output.is_ok_and(|output| output.status.success())
}

struct Space(String);

impl Drop for Space {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_leg_hears_its_own_interface_alone_and_again_when_that_comes_back() {
    if std::env::var(INSIDE).is_ok() {
        return inside().await;
    }
    let space = Space(format!("tg-interfaces-{}", std::process::id()));
    if !ip(&format!("netns add {}", space.0)) {
        eprintln!("SKIPPED: network namespaces cannot be made here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", &space.0])
        .arg(std::env::current_exe().unwrap())
        .args(["each_leg_hears", "--nocapture"])
        .env(INSIDE, "yes");
    let mut process = Process::start("inside", &mut command, folder.path());
    let ended = until("it has ended", || process.ended()).await;
    assert!(ended.success(), "{}", process.output());
}

async fn inside() {
    let [(x, _), (y, _)] = LEGS;
    // The second leg's interface is not there yet.
    plug(0);
    let both = format!(
        r#"{{"from":"{GROUP}","interface":"{x}","and":{{"from":"{GROUP}","interface":"{y}"}}}}"#
    );
    let (engine, _reader) = receiving(rtp_source(&both)).await;
    let leg = |number: usize, field: &str| detail(&engine, &format!("/rtp/legs/{number}/{field}"));
    let works = |number: usize| leg(number, "working") == true;
    let first = Looped::start(0);
    until("the first leg works alone", || works(0).then_some(())).await;
    assert!(!works(1));
    plug(1);
    let _second = Looped::start(1);
    until("the second leg works", || works(1).then_some(())).await;
    // What comes in at the second's interface is not heard by the first.
    drop(first);
    until("the first leg's sender is gone", || {
        leg(0, "peer").is_null().then_some(())
    })
    .await;
    let before = [0, 1].map(|number| leg(number, "received").as_u64().unwrap());
    until("the second goes on", || {
        (leg(1, "received").as_u64()? > before[1] + 1000).then_some(())
    })
    .await;
    assert_eq!(leg(0, "received"), before[0]);
    // An interface that comes back is another one to the kernel.
    assert!(ip(&format!("link del {x}")));
    plug(0);
    let _first = Looped::start(0);
    until("the first leg works again", || works(0).then_some(())).await;
    assert_eq!(detail(&engine, "/rtp/order/restarts"), 0);
    engine.shutdown().await;
}

/// Makes the interface of a leg.
fn plug(leg: usize) {
    let (name, address) = LEGS[leg];
    assert!(ip(&format!("link add {name} type veth peer name {name}p")));
    assert!(ip(&format!("addr add {address}/24 dev {name}")));
    assert!(ip(&format!("link set {name} up")));
    assert!(ip(&format!("link set {name}p up")));
}

/// Sends RTP out of a leg's interface, which loops it back; one number each millisecond, the
/// same on both legs, until it is dropped.
struct Looped(Arc<AtomicBool>);

impl Looped {
    fn start(leg: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        std::thread::spawn(move || {
            let own = LEGS[leg].1;
            let socket = Socket::bind((IpAddr::V4(own), 0).into(), &Options::default()).unwrap();
            let leaves = Interface::Address(own);
            socket.set_multicast_interface(leaves).unwrap();
            socket.set_multicast_loop(true).unwrap();
            let media = numbered_ts(7);
            while !asked.load(Ordering::Relaxed) {
                let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
                let header = Header {
                    payload_type: 33,
                    sequence: since.as_millis() as u16,
                    timestamp: since.as_millis() as u32,
                    ssrc: 7,
                    marker: false,
                };
                let bytes = header.packet(&media);
                let run = Run {
                    to: GROUP.parse().unwrap(),
                    from: None,
                    bytes: &bytes,
                    segment_bytes: bytes.len(),
                };
                socket.send(&[run]);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self(stop)
    }
}

impl Drop for Looped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
