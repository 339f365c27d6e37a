//! A rendezvous between two hosts that are both behind a NAT, with a real peer.
//!
//! ```text
//!   ours ── nat ──┐                  ┌── nat ── srt-live-transmit
//!  10.1.0.2   203.0.113.1 ─ bridge ─ 203.0.113.2   10.2.0.2
//! ```
//!
//! Each box is a network namespace of its own: it takes root, `ip` and `nft`.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Bed, PASSPHRASE, TAIL_PACKETS};
use tempfile::TempDir;
use tidegate_testkit::{Process, eventually, media, peers};

const PORT: u16 = 9000;
/// Set for the part of the test that runs inside a namespace.
const INSIDE: &str = "TIDEGATE_TEST_BEHIND_NAT";
/// A NAT that lets nobody in uninvited. Without the drop on the way in it would answer the
/// peer's first wave itself, and then have to give the answer another port.
const NAT: &str = "
table ip nat {
  chain post { type nat hook postrouting priority 100; oifname \"wan0\" masquerade; };
}
table ip filter {
  chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname \"lan0\" accept; };
  chain input { type filter hook input priority 0; policy accept; iifname \"wan0\" drop; };
}
";

fn sent() -> Vec<u8> {
    media::numbered_ts(7 * 300)
}

/// Two private networks, their NATs and the network between them; gone with this value.
struct Lab {
    /// Host, NAT, NAT, host, and the bridge between the NATs.
    spaces: [String; 5],
}

impl Lab {
    /// `None`, loudly, where it may not be built.
    fn build() -> Option<Self> {
        if !peers::have(&["ip", "nft", "srt-live-transmit"]) {
            return None;
        }
        let name = |part| format!("tg{}{part}", std::process::id());
        let spaces = ["a", "ra", "rb", "b", "s"].map(name);
        let lab = Self { spaces };
        for space in &lab.spaces {
            if !run("ip", &["netns", "add", space]) {
                let mut err = std::io::stderr().lock();
                let _ = writeln!(
                    err,
                    "SKIPPED: making network namespaces takes root (CAP_SYS_ADMIN, CAP_NET_ADMIN)"
                );
                return None;
            }
        }
        let [a, near, far, b, between] = lab.spaces.each_ref();
        lab.connect(a, near, "10.1.0", "203.0.113.1", "w1");
        lab.connect(b, far, "10.2.0", "203.0.113.2", "w2");
        lab.ip(between, "link add br0 type bridge");
        for device in ["w1", "w2"] {
            lab.ip(between, &format!("link set {device} master br0 up"));
        }
        lab.ip(between, "link set br0 up");
        Some(lab)
    }

    /// A host with its NAT, whose outside is a port of the bridge.
    fn connect(&self, host: &str, nat: &str, inside: &str, outside: &str, device: &str) {
        let between = &self.spaces[4];
        must(
            "ip",
            &format!("link add eth0 netns {host} type veth peer name lan0 netns {nat}"),
        );
        must(
            "ip",
            &format!("link add wan0 netns {nat} type veth peer name {device} netns {between}"),
        );
        self.ip(host, "link set lo up");
        self.ip(host, &format!("address add {inside}.2/24 dev eth0"));
        self.ip(host, "link set eth0 up");
        self.ip(host, &format!("route add default via {inside}.1"));
        self.ip(nat, &format!("address add {inside}.1/24 dev lan0"));
        self.ip(nat, &format!("address add {outside}/24 dev wan0"));
        self.ip(nat, "link set lan0 up");
        self.ip(nat, "link set wan0 up");
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        assert!(run("ip", &["netns", "exec", nat, "sh", "-c", forward]));
        let mut nft = Command::new("ip")
            .args(["netns", "exec", nat, "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        nft.stdin.take().unwrap().write_all(NAT.as_bytes()).unwrap();
        assert!(nft.wait().unwrap().success(), "nft takes the rules");
    }

    fn ip(&self, space: &str, arguments: &str) {
        must("ip", &format!("-n {space} {arguments}"));
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for space in &self.spaces {
            run("ip", &["netns", "del", space]);
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn must(program: &str, arguments: &str) {
    let split: Vec<_> = arguments.split(' ').collect();
    assert!(run(program, &split), "{program} {arguments}");
}

#[test]
fn two_behind_nats_meet_and_media_arrives_bit_exact() {
    let Some(lab) = Lab::build() else { return };
    let folder = TempDir::new().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let url =
        format!("srt://203.0.113.1:{PORT}?mode=rendezvous&port={PORT}&passphrase={PASSPHRASE}");
    let mut command = Command::new("ip");
    command.args([
        "netns",
        "exec",
        &lab.spaces[3],
        "srt-live-transmit",
        "-q",
        "-a:no",
    ]);
    command.args(["-buffering:1", "-chunk:1316", "file://con", &url]);
    let (_sender, mut input) = Process::with_input("behind-nat", &mut command, folder.path());
    let ended = Arc::clone(&done);
    let feeding = std::thread::spawn(move || {
        let null = [0x47, 0x1F, 0xFF, 0x10]
            .repeat(47)
            .repeat(7)
            .repeat(TAIL_PACKETS);
        let round = [sent(), null].concat();
        // Over and over: what comes before the connection the program throws away.
        'all: loop {
            for chunk in round.chunks(1316) {
                if ended.load(Ordering::Acquire) || input.write_all(chunk).is_err() {
                    break 'all;
                }
                std::thread::sleep(Duration::from_micros(1316));
            }
        }
    });
    let mut ours = Command::new("ip");
    ours.args(["netns", "exec", &lab.spaces[0]]);
    ours.arg(std::env::current_exe().unwrap());
    ours.args(["--exact", "inside_the_private_network", "--nocapture"]);
    let output = ours.env(INSIDE, "1").output().unwrap();
    done.store(true, Ordering::Release);
    feeding.join().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// Our side of the test above, which starts it behind the NAT; by itself it has nothing to do.
#[test]
fn inside_the_private_network() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let bed = Bed::new();
    let settings = format!(
        r#"{{ "call": "srt://203.0.113.2:{PORT}?mode=rendezvous&passphrase={PASSPHRASE}" }}"#
    );
    bed.source("met", &settings);
    let gathered = bed.gather("met");
    eventually("the two have met", || bed.is_connected("met").then_some(()));
    let sent = sent();
    eventually("a whole round arrives bit-exact", || {
        let media = gathered.media();
        let start = media
            .chunks(188)
            .position(|packet| packet == &sent[..188])?
            * 188;
        let round = media.get(start..start + sent.len())?;
        assert!(round == sent, "what arrived is not what was sent");
        Some(())
    });
}
