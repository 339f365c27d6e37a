//! Bonding groups of a real libsrt, over two relays of which one is cut.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Bed, PASSPHRASE, Sender};
use serde_json::Value;
use tidegate_engine::ListenerAdapter;
use tidegate_testkit::{LossyRelay, eventually, media, peers};
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
struct Call {
    kind: &'static str,
    passphrase: &'static str,
    packet_filter: &'static str,
    working: [&'static str; 2],
}

const BROADCAST: Call = Call {
    kind: "broadcast",
    passphrase: "",
    packet_filter: "",
    working: ["active", "active"],
};

const SETTINGS: &str = r#"{ "listener": "ingest", "stream_id": "live/cam", "latency": "800ms" }"#;

fn server(bed: &Bed) -> SocketAddr {
    ([127, 0, 0, 1], bed.port).into()
}

/// Two ways to the server, which lose a few packets each.
fn relays(bed: &Bed, per_mille: u64) -> [LossyRelay; 2] {
    [1, 2].map(|seed| LossyRelay::start(server(bed), per_mille, seed))
}

/// A group caller over both relays that has reached the source. Of libsrt's own programs none
/// sends over a group, so a small script drives its library.
fn group(library: &Path, bed: &Bed, relays: &[LossyRelay; 2], call: &Call) -> Sender {
    let member = |at: usize| format!("{}:{}", relays[at].port(), 10 - at);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/group_sender.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(library);
    command.args([call.kind, "live/cam", "800", call.passphrase]);
    command.arg(call.packet_filter);
    command.args([member(0), member(1)]);
    let feed = bed.engine.feed("cam");
    let before = feed.carried().bytes;
    let arrives = || feed.carried().bytes > before;
    Sender::start_as("group", &mut command, bed.folder(), arrives)
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

/// Sends with both legs, cuts the first in mid-stream, and wants everything to arrive.
fn cut_costs_nothing(settings: &str, per_mille: u64, call: &Call) -> Option<Value> {
    let library = libsrt().filter(|_| peers::have(&["python3"]))?;
    let bed = Bed::new();
    bed.source("cam", settings);
    let gathered = bed.gather("cam");
    let relays = relays(&bed, per_mille);
    let mut caller = group(&library, &bed, &relays, call);
    let [first, second] = relays;
    let sent = media::numbered_ts(7 * 9000);
    std::thread::scope(|scope| {
        scope.spawn(|| caller.send(&sent));
        eventually("both legs are there", || {
            (states(&bed) == call.working).then_some(())
        });
        drop(first);
        eventually("the cut leg is seen to be down", || {
            (states(&bed) == ["active", "down"]).then_some(())
        });
    });
    gathered.assert_carried(&sent);
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
fn a_backup_group_loses_nothing_when_its_active_leg_is_cut() {
    let call = Call {
        kind: "backup",
        working: ["active", "idle"],
        ..BROADCAST
    };
    cut_costs_nothing(SETTINGS, 0, &call);
}

#[test]
fn an_encrypted_group_opens_with_the_keys_of_each_leg() {
    let settings = format!(
        r#"{{ "listener": "ingest", "stream_id": "live/cam", "latency": "800ms", "passphrase": "{PASSPHRASE}" }}"#
    );
    let call = Call {
        passphrase: PASSPHRASE,
        ..BROADCAST
    };
    cut_costs_nothing(&settings, 20, &call);
}

/// A leg of libsrt begins later than at the number its filter counts from, so most of its FEC
/// packets fit no row and no column: they must not rebuild anything wrong.
#[test]
fn a_packet_filter_on_the_legs_of_a_group_does_no_harm() {
    let call = Call {
        packet_filter: "fec,cols:10,rows:5",
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
    let _reader = tidegate_testkit::Process::start("reader", &mut command, bed.folder());
    let rejection = bed.rejection("watch/cam");
    assert_eq!(rejection.reason, "wrong_mode");
    assert!(rejection.advice.contains("without a group"));
}
