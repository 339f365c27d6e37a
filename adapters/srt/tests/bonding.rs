//! Bonding groups of a real libsrt, over two relays of which one is cut.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Bed, Over, PASSPHRASE, Sender};
use serde_json::Value;
use tidegate_engine::ListenerAdapter;
use tidegate_testkit::{LossyRelay, Process, eventually, media, peers};
use tidegate_units::NetworkSet;

fn srt_test_live() -> Option<PathBuf> {
    let what = "an srt-test-live of libsrt 1.5 with bonding";
    peers::from_environment("TIDEGATE_PEER_SRT_TEST_LIVE", what)
}

/// libsrt itself, which sends over groups.
fn libsrt() -> Option<PathBuf> {
    let what = "the shared library of a libsrt 1.5 with bonding";
    peers::from_environment("TIDEGATE_PEER_LIBSRT", what)
}

/// How the group is called, and what its legs are to be seen as.
struct Call<'a> {
    kind: &'static str,
    /// As in an SRT URL.
    options: &'a str,
    working: [&'static str; 2],
}

const BROADCAST: Call<'static> = Call {
    kind: "broadcast",
    options: "",
    working: ["active", "active"],
};

const BACKUP: Call<'static> = Call {
    kind: "backup",
    working: ["active", "idle"],
    ..BROADCAST
};

/// More latency than the networks need: machines that test are busy, and senders stall.
const SETTINGS: &str = r#"{ "listener": "ingest", "stream_id": "live/cam", "latency": "2s" }"#;

fn server(bed: &Bed) -> SocketAddr {
    ([127, 0, 0, 1], bed.port).into()
}

/// Two ways to the server, which lose a few packets each.
fn relays(bed: &Bed, per_mille: u64) -> [LossyRelay; 2] {
    [1, 2].map(|seed| LossyRelay::start(server(bed), per_mille, seed))
}

/// A group caller with a leg to each of these ports. Of libsrt's own programs none sends over a
/// group, so a small script drives its library.
fn command(library: &Path, ports: &[u16], call: &Call<'_>) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/group_sender.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(library).arg(call.kind);
    command.args(["streamid=live/cam", "latency=2000", "conntimeo=10000"]);
    command.args(call.options.split('&').filter(|option| !option.is_empty()));
    let weights = (1..=ports.len()).rev();
    command.args(
        ports
            .iter()
            .zip(weights)
            .map(|(port, weight)| format!("{port}:{weight}")),
    );
    command
}

/// A group caller over both relays that has reached the source.
fn group(library: &Path, bed: &Bed, relays: &[LossyRelay; 2], call: &Call<'_>) -> Sender {
    let ports = relays.each_ref().map(LossyRelay::port);
    let feed = bed.engine.feed("cam");
    let before = feed.carried().bytes;
    let arrives = || feed.carried().bytes > before;
    let mut command = command(library, &ports, call);
    Sender::start_as("group", &mut command, bed.folder(), arrives)
}

/// Two legs straight to the server.
fn direct(library: &Path, bed: &Bed, name: &str, arrives: impl Fn() -> bool) -> Sender {
    let call = Call {
        options: &format!("passphrase={PASSPHRASE}"),
        ..BROADCAST
    };
    let mut command = command(library, &[bed.port; 2], &call);
    Sender::start_as(name, &mut command, bed.folder(), arrives)
}

fn status(bed: &Bed) -> Value {
    serde_json::to_value(bed.source_status("cam")).unwrap()
}

fn states(bed: &Bed) -> Vec<String> {
    let legs = status(bed)["srt"]["legs"].as_array().cloned();
    let state = |leg: &Value| leg["state"].as_str().unwrap_or_default().to_owned();
    let mut states: Vec<String> = legs.unwrap_or_default().iter().map(state).collect();
    states.sort();
    states
}

/// Whether health says that a leg is missing.
fn warns(bed: &Bed) -> bool {
    let reasons = status(bed)["reasons"].as_array().cloned();
    let is_it = |reason: &Value| reason["code"] == "link_lost";
    reasons.unwrap_or_default().iter().any(is_it)
}

/// Sends with both legs, cuts the first in mid-stream, and wants everything to arrive.
/// The source's status at the end, unless the peer is missing.
fn cut_costs_nothing(settings: &str, per_mille: u64, call: &Call<'_>) -> Option<Value> {
    let library = libsrt().filter(|_| peers::have(&["python3"]))?;
    let bed = Bed::new();
    bed.source("cam", settings);
    let gathered = bed.gather("cam");
    let relays = relays(&bed, per_mille);
    let mut caller = group(&library, &bed, &relays, call);
    let [first, second] = relays;
    let sent = media::numbered_ts(7 * 9000);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            caller.send(&sent);
            // Legs are active while media comes.
            while !is_over.load(Ordering::Relaxed) {
                caller.send(&[]);
            }
        });
        let _over = Over(&is_over);
        eventually("both legs are there", || {
            (states(&bed) == call.working).then_some(())
        });
        drop(first);
        eventually("the cut leg is seen to be down", || {
            (states(&bed) == ["active", "down"]).then_some(())
        });
        gathered.assert_carried(&sent);
    });
    let status = status(&bed);
    assert_eq!(status["connection"], "connected");
    assert_eq!(status["reconnects"], 0);
    assert_eq!(status["srt"]["packets_dropped"], 0);
    assert!(second.lost() > 0 || per_mille == 0);
    Some(status)
}

#[test]
fn a_broadcast_group_loses_nothing_when_a_leg_is_cut_over_lossy_links() {
    cut_costs_nothing(SETTINGS, 20, &BROADCAST);
}

#[test]
fn a_leg_that_is_cut_is_a_warning_of_the_source() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3", "ffmpeg"])) else {
        return;
    };
    let bed = Bed::new();
    bed.source("cam", SETTINGS);
    let picture = std::fs::read(media::h264_aac(bed.folder(), 30)).unwrap();
    let relays = relays(&bed, 0);
    let mut caller = group(&library, &bed, &relays, &BROADCAST);
    let [first, _second] = relays;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                caller.send(&picture);
            }
        });
        let _over = Over(&is_over);
        eventually("both legs carry the picture", || {
            let seen = status(&bed)["media"]["video"]["codec"] == "h264";
            (seen && states(&bed) == BROADCAST.working && !warns(&bed)).then_some(())
        });
        drop(first);
        eventually("the warning stands", || warns(&bed).then_some(()));
    });
    assert_eq!(status(&bed)["connection"], "connected");
}

#[test]
fn a_backup_group_loses_nothing_when_its_active_leg_is_cut() {
    cut_costs_nothing(SETTINGS, 0, &BACKUP);
}

#[test]
fn an_encrypted_group_opens_with_the_keys_of_each_leg() {
    let settings = format!(
        r#"{{ "listener": "ingest", "stream_id": "live/cam", "latency": "2s", "passphrase": "{PASSPHRASE}" }}"#
    );
    for (kind, cipher, options) in [
        (BROADCAST, "aes-128-ctr", ""),
        (BROADCAST, "aes-256-ctr", "&pbkeylen=32"),
        (BACKUP, "aes-256-gcm", "&pbkeylen=32&cryptomode=2"),
    ] {
        let call = Call {
            options: &format!(
                "passphrase={PASSPHRASE}&kmrefreshrate=2000&kmpreannounce=500{options}"
            ),
            ..kind
        };
        let status = cut_costs_nothing(&settings, 20, &call);
        if let Some(status) = status {
            assert_eq!(status["srt"]["encryption"], cipher);
            let total = &status["srt"]["total"];
            assert!(
                total["key_refreshes"].as_u64() > Some(3),
                "{cipher}: {total}"
            );
            assert_eq!(total["packets_undecrypted"], 0, "{cipher}");
        }
    }
}

fn guarded(policy: &str) -> Bed {
    let bed = Bed::new();
    bed.source(
        "cam",
        &format!(
            r#"{{ "listener": "ingest", "stream_id": "live/cam", "latency": "2s",
                "passphrase": "{PASSPHRASE}", "second_publisher": "{policy}" }}"#
        ),
    );
    bed
}

/// The peers of the legs that are there.
fn peers_of(bed: &Bed) -> Vec<Value> {
    let legs = status(bed)["srt"]["legs"].as_array().cloned();
    let living = |leg: &Value| leg["state"] != "down";
    let legs = legs.unwrap_or_default().into_iter().filter(living);
    legs.map(|leg| leg["peer"].clone()).collect()
}

/// Whether two legs are there, and none of those before.
fn are_others(bed: &Bed, before: &[Value]) -> bool {
    let now = peers_of(bed);
    now.len() == 2 && now.iter().all(|peer| !before.contains(peer))
}

/// A group by two legs that both work.
fn working(library: &Path, bed: &Bed) -> Sender {
    let first = direct(library, bed, "first", || peers_of(bed).len() == 2);
    assert!(!bed.has_rejections());
    first
}

#[test]
fn a_group_whose_sender_is_killed_comes_back_with_another_number() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3"])) else {
        return;
    };
    for policy in ["reject", "take_over", "stand_by"] {
        let bed = guarded(policy);
        let gathered = bed.gather("cam");
        let mut first = working(&library, &bed);
        let before = peers_of(&bed);
        // It says no goodbye.
        first.process.kill();
        let mut second = direct(&library, &bed, "second", || are_others(&bed, &before));
        let sent = media::numbered_ts(7 * 500);
        second.send(&sent);
        gathered.assert_carried(&sent);
        assert!(!bed.has_rejections(), "{policy}");
        assert!(bed.is_connected("cam"));
    }
}

#[test]
fn a_second_group_is_refused_while_the_first_sends() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3"])) else {
        return;
    };
    let bed = guarded("reject");
    let mut first = working(&library, &bed);
    let mut second = command(
        &library,
        &[bed.port],
        &Call {
            options: &format!("passphrase={PASSPHRASE}"),
            ..BROADCAST
        },
    );
    let sent = media::numbered_ts(7 * 4000);
    std::thread::scope(|scope| {
        scope.spawn(|| first.send(&sent));
        let _second = Process::start("second", &mut second, bed.folder());
        assert_eq!(bed.rejection("live/cam").reason, "already_publishing");
    });
    assert!(first.process.ended().is_none());
    assert_eq!(peers_of(&bed).len(), 2);
}

#[test]
fn a_second_group_takes_over_with_all_its_legs() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3"])) else {
        return;
    };
    let bed = guarded("take_over");
    let gathered = bed.gather("cam");
    let mut first = working(&library, &bed);
    let before = peers_of(&bed);
    let mut second = std::thread::scope(|scope| {
        // It ends because it is sent away.
        scope.spawn(|| first.send_until_it_ends());
        direct(&library, &bed, "second", || {
            status(&bed)["srt"]["takeovers"] == 1 && are_others(&bed, &before)
        })
    });
    let sent = media::numbered_ts(7 * 500);
    second.send(&sent);
    gathered.assert_carried(&sent);
    assert_eq!(status(&bed)["reconnects"], 0);
    assert!(!bed.has_rejections());
}

#[test]
fn a_group_that_stands_by_steps_in_with_all_its_legs() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3"])) else {
        return;
    };
    let bed = guarded("stand_by");
    let gathered = bed.gather("cam");
    let first = RefCell::new(working(&library, &bed));
    let before = peers_of(&bed);
    let mut second = direct(&library, &bed, "second", || {
        first.borrow_mut().send(&[]);
        status(&bed)["srt"]["standby"]["packets_received"].as_u64() > Some(10)
    });
    assert_eq!(peers_of(&bed), before);
    first.borrow_mut().process.kill();
    eventually("it steps in", || {
        second.send(&[]);
        are_others(&bed, &before).then_some(())
    });
    let sent = media::numbered_ts(7 * 500);
    second.send(&sent);
    gathered.assert_carried(&sent);
    assert!(!bed.has_rejections());
}

#[test]
fn a_ninth_leg_is_refused_and_the_journal_says_why() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3"])) else {
        return;
    };
    let bed = Bed::new();
    bed.source("cam", SETTINGS);
    let mut command = command(&library, &[bed.port; 9], &BROADCAST);
    let arrives = || peers_of(&bed).len() == 8;
    let _caller = Sender::start_as("group", &mut command, bed.folder(), arrives);
    let rejection = bed.rejection("live/cam");
    assert_eq!(rejection.reason, "overloaded");
    assert!(rejection.advice.contains("legs"), "{rejection:?}");
    assert_eq!(rejection.expected.as_deref(), Some("at most 8 legs"));
    let counters = bed.adapter.listener_status("ingest").unwrap().counters;
    assert_eq!(
        (&counters["groups"], &counters["group_legs"]),
        (&1.into(), &8.into())
    );
}

/// A leg of libsrt begins later than at the number its filter counts from, so most of its FEC
/// packets fit no row and no column: they must not rebuild anything wrong.
#[test]
fn a_packet_filter_on_the_legs_of_a_group_does_no_harm() {
    let call = Call {
        options: "packetfilter=fec,cols:10,rows:5",
        ..BROADCAST
    };
    let Some(status) = cut_costs_nothing(SETTINGS, 20, &call) else {
        return;
    };
    let total = &status["srt"]["total"];
    let counted = |name: &str| total[name].as_u64().unwrap();
    let came = counted("filter_packets_received") + counted("control_ignored");
    assert!(came > 500, "the filter is in use: {total}");
}

/// How many legs are there.
fn standing(bed: &Bed) -> usize {
    states(bed).iter().filter(|state| *state != "down").count()
}

fn admitted(bed: &Bed) -> Value {
    let status = bed.adapter.listener_status("ingest").unwrap();
    status.counters["connections_admitted"].clone()
}

fn ban(bed: &Bed, networks: &[&str]) {
    let set: NetworkSet = networks.iter().map(|text| text.parse().unwrap()).collect();
    bed.runtime.block_on(bed.adapter.set_bans(set));
}

#[test]
fn a_ban_cuts_the_legs_from_there_and_each_leg_has_a_place_while_it_lives() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3"])) else {
        return;
    };
    let bed = Bed::new();
    bed.source("cam", SETTINGS);
    let relays = ["127.0.0.2", "127.0.0.3"];
    let relays = relays.map(|address| LossyRelay::calling_from(address, server(&bed)));
    let _caller = group(&library, &bed, &relays, &BROADCAST);
    eventually("both legs are there", || {
        (standing(&bed) == 2 && admitted(&bed) == 2).then_some(())
    });
    ban(&bed, &["127.0.0.3", "192.0.2.0/24"]);
    eventually("the banned leg is cut and its place is free", || {
        (standing(&bed) == 1 && admitted(&bed) == 1).then_some(())
    });
    assert!(bed.is_connected("cam"), "the other leg goes on");
    ban(&bed, &["127.0.0.2/31"]);
    eventually("the source is free", || {
        (!bed.is_connected("cam") && admitted(&bed) == 0).then_some(())
    });
}

#[test]
fn a_banned_founder_leaves_its_group_to_the_other_legs() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3"])) else {
        return;
    };
    let bed = Bed::new();
    bed.source("cam", SETTINGS);
    let relays = ["127.0.0.2", "127.0.0.3"];
    let relays = relays.map(|address| LossyRelay::calling_from(address, server(&bed)));
    let _caller = group(&library, &bed, &relays, &BROADCAST);
    eventually("both legs are there", || {
        (standing(&bed) == 2).then_some(())
    });
    let founder = status(&bed)["srt"]["legs"][0]["peer"].clone();
    let (address, _) = founder.as_str().unwrap().split_once(':').unwrap();
    ban(&bed, &[address]);
    eventually("the founder is cut and its place is free", || {
        (standing(&bed) == 1 && admitted(&bed) == 1).then_some(())
    });
    assert!(bed.is_connected("cam"));
    assert_eq!(status(&bed)["reconnects"], 0);
}

#[test]
fn legs_count_among_the_connections_of_one_address() {
    let Some(library) = libsrt().filter(|_| peers::have(&["python3"])) else {
        return;
    };
    let bed = Bed::with_listener(r#"{ "bind": "127.0.0.1:0", "max_connections_per_address": 1 }"#);
    bed.source("cam", SETTINGS);
    let relays = relays(&bed, 0);
    let _caller = group(&library, &bed, &relays, &BROADCAST);
    let rejection = bed.rejection("live/cam");
    assert_eq!(rejection.reason, "overloaded");
    assert!(rejection.advice.contains("max_connections_per_address"));
    assert_eq!(admitted(&bed), 1);
}

#[test]
fn a_group_that_wants_to_read_is_refused_and_the_journal_says_why() {
    let Some(program) = srt_test_live() else {
        return;
    };
    let bed = Bed::new();
    bed.source(
        "cam",
        r#"{ "listener": "ingest", "stream_id": "live/cam" }"#,
    );
    bed.output(
        "out",
        "cam",
        r#"{ "listener": "ingest", "stream_id": "watch/cam", "open": true }"#,
    );
    let port = bed.port;
    let from = format!("srt:////group?nodes=127.0.0.1:{port}&type=broadcast&streamid=watch/cam");
    let mut command = Command::new(program);
    command.args([&from, "file://con"]);
    let _reader = Process::start("reader", &mut command, bed.folder());
    let rejection = bed.rejection("watch/cam");
    assert_eq!(rejection.reason, "wrong_mode");
    assert!(rejection.advice.contains("without a group"));
}
