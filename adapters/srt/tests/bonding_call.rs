//! Outputs that call as a bonding group, over two relays of which one is cut.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Bed, Gathered, Over, PASSPHRASE, Receiving, Sender};
use serde_json::Value;
use tidegate_engine::Subject;
use tidegate_testkit::{LossyRelay, Process, eventually, free_udp_port, media, peers};

/// More than a change of legs takes, on a machine that has other work too.
const LATENCY_MS: u32 = 2000;

/// What the group is, and what its legs are to be seen as.
#[derive(Clone, Copy)]
struct Group {
    mode: &'static str,
    passphrase: &'static str,
    working: [&'static str; 2],
}

const BROADCAST: Group = Group {
    mode: "broadcast",
    passphrase: "",
    working: ["active", "active"],
};
const BACKUP: Group = Group {
    mode: "backup",
    passphrase: "",
    working: ["active", "idle"],
};

impl Group {
    fn encrypted(self) -> Self {
        Self {
            passphrase: PASSPHRASE,
            ..self
        }
    }

    /// The settings' field, if there is a passphrase.
    fn passphrase(&self) -> String {
        match self.passphrase {
            "" => String::new(),
            passphrase => format!(r#", "passphrase": "{passphrase}""#),
        }
    }
}

/// Two ways to whoever receives, which lose a few packets each.
fn relays(to: SocketAddr, per_mille: u64) -> [LossyRelay; 2] {
    [1, 2].map(|seed| LossyRelay::start(to, per_mille, seed))
}

fn call(bed: &Bed, relays: &[LossyRelay; 2], group: &Group) {
    let [first, second] = [relays[0].port(), relays[1].port()];
    let (mode, passphrase) = (group.mode, group.passphrase());
    let settings = format!(
        r#"{{
            "call": "srt://127.0.0.1:{first}?streamid=live/copy&latency={LATENCY_MS}",
            "bonding": {{ "mode": "{mode}", "legs": [{{ "call": "srt://127.0.0.1:{second}" }}] }}
            {passphrase}
        }}"#
    );
    bed.output("out", "cam", &settings);
}

fn output(bed: &Bed) -> Value {
    serde_json::to_value(bed.output_status("out")).unwrap()
}

/// How the legs are doing, in the order they are written in.
fn states(bed: &Bed) -> Vec<String> {
    let legs = output(bed)["detail"]["srt"]["legs"].as_array().cloned();
    let state = |leg: &Value| leg["state"].as_str().unwrap_or_default().to_owned();
    legs.unwrap_or_default().iter().map(state).collect()
}

/// Sends, cuts the first leg in mid-stream, and wants everything to arrive once.
fn cut_costs_nothing(bed: &Bed, relays: [LossyRelay; 2], group: &Group, copy: &Gathered) {
    let sent = media::numbered_ts(7 * 9000);
    let [first, _second] = relays;
    let mut sender = publisher(bed);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sender.send(&sent);
            // Legs are active while media comes; and of a stream that stops libsrt's group at
            // times does not hand out the end, which it has acknowledged.
            while !is_over.load(Ordering::Relaxed) {
                sender.send(&[]);
            }
        });
        let _over = Over(&is_over);
        eventually("both legs are there", || {
            (states(bed) == group.working).then_some(())
        });
        drop(first);
        eventually("the cut leg is seen to be down", || {
            (states(bed) == ["down", "active"]).then_some(())
        });
        eventually("the output says that a leg is missing", || {
            let said = bed.output_status("out").last_error?;
            said.contains("1 of 2 legs").then_some(())
        });
        copy.assert_carried(&sent);
    });
    let cam = serde_json::to_value(bed.source_status("cam")).unwrap();
    assert_eq!(cam["srt"]["packets_dropped"], 0, "nothing was lost before");
    let status = output(bed);
    let srt = &status["detail"]["srt"];
    assert_eq!(srt["group"], group.mode);
    assert_eq!(srt["packets_dropped"], 0);
    assert!(srt["legs"][0]["reason"].is_string(), "{}", srt["legs"][0]);
}

/// Feeds `cam`, which has got the first packets.
fn publisher(bed: &Bed) -> Sender {
    let feed = bed.engine.feed("cam");
    let before = feed.carried().bytes;
    let arrives = || feed.carried().bytes > before;
    let url = bed.url(&format!("streamid=live/cam&latency={LATENCY_MS}"));
    Sender::start("cam", &url, bed.folder(), arrives)
}

fn bed() -> Bed {
    let bed = Bed::new();
    let settings = r#"{ "listener": "ingest", "stream_id": "live/cam" }"#;
    bed.source("cam", settings);
    bed
}

/// From our output to our own listener.
fn to_ourselves(group: &Group, per_mille: u64) {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    let passphrase = group.passphrase();
    let copy = format!(r#"{{ "listener": "ingest", "stream_id": "live/copy"{passphrase} }}"#);
    bed.source("copy", &copy);
    let gathered = bed.gather("copy");
    let relays = relays(([127, 0, 0, 1], bed.port).into(), per_mille);
    call(&bed, &relays, group);
    bed.wait_connected("copy");
    cut_costs_nothing(&bed, relays, group, &gathered);
    let copy = serde_json::to_value(bed.source_status("copy")).unwrap();
    assert_eq!(copy["srt"]["packets_dropped"], 0);
    assert_eq!(copy["reconnects"], 0);
    assert_eq!(copy["srt"]["group"], group.mode);
    eventually("the source shows which leg is gone", || {
        let copy = serde_json::to_value(bed.source_status("copy")).unwrap();
        let legs = copy["srt"]["legs"].as_array().cloned()?;
        let down = legs.iter().filter(|leg| leg["state"] == "down").count();
        (legs.len() == 2 && down == 1).then_some(())
    });
}

#[test]
fn a_broadcast_group_to_ourselves_loses_nothing_when_a_leg_is_cut() {
    to_ourselves(&BROADCAST, 20);
}

#[test]
fn an_encrypted_backup_group_to_ourselves_loses_nothing_when_its_active_leg_is_cut() {
    to_ourselves(&BACKUP.encrypted(), 0);
}

fn libsrt() -> Option<PathBuf> {
    let what = "the shared library of a libsrt 1.5 with bonding";
    peers::from_environment("TIDEGATE_PEER_LIBSRT", what)
}

/// From our output to a group of libsrt, which a small script drives.
fn to_libsrt(group: &Group, per_mille: u64) {
    let Some(library) = libsrt() else { return };
    if !peers::have(&["python3", "srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    let port = free_udp_port();
    let received = bed.folder().join("received.ts");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/group_receiver.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(&library);
    let latency = LATENCY_MS.to_string();
    command.args([&port.to_string(), &latency, group.passphrase]);
    command.arg(&received);
    let _receiver = Process::start("receiver", &mut command, bed.folder());
    let relays = relays(([127, 0, 0, 1], port).into(), per_mille);
    call(&bed, &relays, group);
    eventually("the group is connected", || {
        (states(&bed).iter().any(|state| state != "down")).then_some(())
    });
    let gathered = Gathered::of_file(received);
    cut_costs_nothing(&bed, relays, group, &gathered);
}

#[test]
fn a_broadcast_group_to_libsrt_loses_nothing_when_a_leg_is_cut() {
    to_libsrt(&BROADCAST, 20);
}

#[test]
fn a_backup_group_to_libsrt_loses_nothing_when_its_active_leg_is_cut() {
    to_libsrt(&BACKUP, 0);
}

#[test]
fn an_encrypted_broadcast_group_to_libsrt_loses_nothing_when_a_leg_is_cut() {
    to_libsrt(&BROADCAST.encrypted(), 20);
}

#[test]
fn an_encrypted_backup_group_to_libsrt_loses_nothing_when_its_active_leg_is_cut() {
    to_libsrt(&BACKUP.encrypted(), 0);
}

/// From our output to our own listener, with both legs there.
fn standing_group(bed: &Bed, group: &Group, settings: &str) -> [LossyRelay; 2] {
    bed.source("copy", settings);
    let relays = relays(([127, 0, 0, 1], bed.port).into(), 0);
    call(bed, &relays, group);
    eventually("both legs are there", || (standing(bed) == 2).then_some(()));
    relays
}

/// How many legs are there, whether they carry media or not.
fn standing(bed: &Bed) -> usize {
    states(bed).iter().filter(|state| *state != "down").count()
}

/// Whether the output has an alarm that legs are missing.
fn has_alarm(bed: &Bed) -> bool {
    let alarms = bed.engine.alarms();
    alarms.iter().any(|standing| {
        standing.subject == Subject::output("out") && standing.alarm.code == "link_lost"
    })
}

#[test]
fn the_alarm_that_a_leg_is_missing_ends_with_the_last_leg() {
    let bed = bed();
    let settings = r#"{ "listener": "ingest", "stream_id": "live/copy" }"#;
    let relays = standing_group(&bed, &BROADCAST, settings);
    relays[0].cut();
    eventually("the alarm stands", || has_alarm(&bed).then_some(()));
    relays[1].cut();
    // There are no others that carry the stream.
    eventually("it calls anew without the alarm", || {
        let calls_anew = output(&bed)["state"] == "reconnecting";
        (calls_anew && !has_alarm(&bed)).then_some(())
    });
    relays.iter().for_each(LossyRelay::restore);
    eventually("both legs are back", || (standing(&bed) == 2).then_some(()));
    eventually("nothing is missing", || (!has_alarm(&bed)).then_some(()));
}

#[test]
fn a_leg_comes_back_to_its_group_when_its_passphrase_has_another_label_by_now() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    let settings = |passphrase: &str| {
        format!(
            r#"{{ "listener": "ingest", "stream_id": "live/copy", "second_publisher": "take_over",
                {passphrase} }}"#
        )
    };
    let before = settings(&format!(r#""passphrase": "{PASSPHRASE}""#));
    let relays = standing_group(&bed, &BROADCAST.encrypted(), &before);
    let mut sender = publisher(&bed);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                sender.send(&[]);
            }
        });
        let _over = Over(&is_over);
        let labelled = format!(r#""passphrases": {{ "old": "{PASSPHRASE}" }}"#);
        bed.change_source("copy", &settings(&labelled));
        relays[0].cut();
        eventually("the cut leg is down", || {
            (standing(&bed) == 1).then_some(())
        });
        relays[0].restore();
        eventually("both legs carry the stream", || {
            (states(&bed) == BROADCAST.working).then_some(())
        });
    });
    let copy = serde_json::to_value(bed.source_status("copy")).unwrap();
    assert_eq!(copy["srt"]["takeovers"], 0, "{}", copy["srt"]);
    assert_eq!(copy["srt"]["legs"].as_array().unwrap().len(), 2);
    assert_eq!(copy["reconnects"], 0);
    assert_eq!(output(&bed)["reconnects"], 0);
}

#[test]
fn a_far_side_that_knows_no_groups_is_named_with_what_to_do() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed();
    let port = free_udp_port();
    let url = format!("srt://127.0.0.1:{port}?mode=listener");
    let _plain = Receiving::start("receiver", &url, bed.folder());
    let relays = relays(([127, 0, 0, 1], port).into(), 0);
    call(&bed, &relays, &BROADCAST);
    let error = eventually("the refusal is told", || {
        let error = bed.output_status("out").last_error?;
        error.contains("takes no bonding groups").then_some(error)
    });
    assert!(error.contains("`bonding`"), "{error}");
}
