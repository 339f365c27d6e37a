//! How much a lossy link costs: the recovery table, with libsrt's measured figures as bounds.
//!
//! Each cell streams 10 Mbit/s over a round trip of 100 ms with the same conditions both ways.
//! `unrecovered` is the share of payloads never delivered, `wire` the bytes of data packets on
//! the wire (lower headers included) for each byte of payload.
//!
//! The snapshot shows every change of the figures in review; the bounds say which are allowed.
//! `TIDEGATE_SIM_SECONDS=3600 cargo test -p tidegate-srt --test simulation recovery` runs longer.

use core::fmt::Write;
use core::time::Duration;

use crate::support::payload::PAYLOAD_BYTES;
use crate::support::{MS, SECOND, Scenario, Side, virtual_seconds};
use tidegate_netsim::{LinkConfig, Probability};

const ONE_WAY: Duration = Duration::from_millis(50);
const MEGABITS_PER_SECOND: f64 = 10.0;
const DEFAULT_SECONDS: u64 = 240;

struct Cell {
    name: &'static str,
    link: LinkConfig,
    latency: Duration,
    /// What libsrt 1.5.5 loses and puts on the wire under these conditions.
    libsrt_unrecovered_percent: f64,
    libsrt_wire: f64,
}

struct Outcome {
    unrecovered_percent: f64,
    wire: f64,
    payloads: u64,
}

fn random(percent: f64) -> LinkConfig {
    LinkConfig::delayed(ONE_WAY).losing(Probability::percent(percent))
}

fn run(cell: &Cell, seed: u64) -> Outcome {
    let seconds = virtual_seconds(DEFAULT_SECONDS);
    let mut pair = Scenario::new(seed)
        .link(cell.link.clone())
        .latency(cell.latency)
        .connect();
    pair.stream(
        Side::Caller,
        MEGABITS_PER_SECOND,
        Duration::from_secs(seconds),
    );
    let payloads = pair.sent(Side::Caller);
    // What was lost behind the last delivery counts too.
    let lost = payloads - pair.inbox(Side::Listener).delivered;
    let payload_bytes = payloads * PAYLOAD_BYTES as u64;
    Outcome {
        unrecovered_percent: lost as f64 * 100.0 / payloads as f64,
        wire: pair.wire(Side::Caller).data_bytes as f64 / payload_bytes as f64,
        payloads,
    }
}

/// Three standard deviations of a count of independent losses: a sender exactly as good as
/// libsrt exceeds libsrt's mean by less than this in a run of this length.
fn noise_percent(percent: f64, payloads: u64) -> f64 {
    let expected = percent / 100.0 * payloads as f64;
    3.0 * expected.sqrt() * 100.0 / payloads as f64
}

/// libsrt's wire figures are rounded to three digits, from runs of their own.
const WIRE_TOLERANCE: f64 = 0.002;

fn check(table: &str, seed: u64, cells: &[Cell]) {
    let mut text = String::from("conditions                     latency  unrecovered   wire\n");
    let mut worse = Vec::new();
    for cell in cells {
        let outcome = run(cell, seed);
        let line = format!(
            "{:<30} {:>4} ms   {:>8.4} %  {:.3}",
            cell.name,
            cell.latency.as_millis(),
            outcome.unrecovered_percent,
            outcome.wire
        );
        writeln!(text, "{line}").expect("a string takes everything");
        let libsrt = cell.libsrt_unrecovered_percent;
        let allowed = libsrt + noise_percent(libsrt, outcome.payloads);
        let wire_allowed = cell.libsrt_wire + WIRE_TOLERANCE;
        if outcome.unrecovered_percent > allowed || outcome.wire > wire_allowed {
            worse.push(format!(
                "{line}  (allowed: {allowed:.4} %, {wire_allowed:.3})"
            ));
        }
    }
    if virtual_seconds(DEFAULT_SECONDS) != DEFAULT_SECONDS {
        show(&text);
    }
    assert!(worse.is_empty(), "worse than libsrt:\n{}", worse.join("\n"));
    if virtual_seconds(DEFAULT_SECONDS) == DEFAULT_SECONDS {
        insta::assert_snapshot!(table, text);
    }
}

#[expect(
    clippy::print_stdout,
    reason = "whoever asks for a longer run wants to see its table"
)]
fn show(table: &str) {
    println!("{table}");
}

fn grid(name: &'static str, percent: f64, libsrt: [(f64, f64); 3]) -> Vec<Cell> {
    let latencies = [200 * MS, 300 * MS, 400 * MS];
    let cells = latencies.into_iter().zip(libsrt);
    let cells = cells.map(
        |(latency, (libsrt_unrecovered_percent, libsrt_wire))| Cell {
            name,
            link: random(percent),
            latency,
            libsrt_unrecovered_percent,
            libsrt_wire,
        },
    );
    cells.collect()
}

#[test]
fn ten_percent_random_loss_is_recovered_as_well_as_libsrt_does() {
    let libsrt = [(0.93, 1.149), (0.12, 1.150), (0.016, 1.149)];
    check(
        "random_10",
        101,
        &grid("10 % random, both ways", 10.0, libsrt),
    );
}

#[test]
fn twenty_percent_random_loss_is_recovered_as_well_as_libsrt_does() {
    let libsrt = [(3.9, 1.277), (1.05, 1.286), (0.25, 1.290)];
    check(
        "random_20",
        102,
        &grid("20 % random, both ways", 20.0, libsrt),
    );
}

#[test]
fn thirty_percent_random_loss_is_recovered_as_well_as_libsrt_does() {
    let libsrt = [(9.1, 1.415), (3.8, 1.451), (1.56, 1.466)];
    check(
        "random_30",
        103,
        &grid("30 % random, both ways", 30.0, libsrt),
    );
}

#[test]
fn bursts_and_jitter_are_recovered_as_well_as_libsrt_does() {
    let jitter = LinkConfig::delayed(ONE_WAY - 10 * MS).jittering(20 * MS);
    let cells = [
        Cell {
            name: "10 % in bursts of 5",
            link: LinkConfig::delayed(ONE_WAY).losing_in_bursts(Probability::percent(10.0), 5.0),
            latency: 300 * MS,
            libsrt_unrecovered_percent: 0.28,
            libsrt_wire: 1.145,
        },
        Cell {
            name: "0–20 ms reordering jitter, 5 %",
            link: jitter.clone().losing(Probability::percent(5.0)),
            latency: 300 * MS,
            libsrt_unrecovered_percent: 0.018,
            libsrt_wire: 1.80,
        },
        Cell {
            name: "0–20 ms reordering jitter",
            link: jitter,
            latency: 300 * MS,
            libsrt_unrecovered_percent: 0.0,
            libsrt_wire: 1.78,
        },
    ];
    check("bursts_and_jitter", 104, &cells);
}

#[test]
fn without_loss_nothing_is_sent_twice() {
    let mut pair = Scenario::new(105)
        .link(LinkConfig::delayed(ONE_WAY))
        .connect();
    pair.stream(Side::Caller, MEGABITS_PER_SECOND, 20 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    assert_eq!(pair.wire(Side::Caller).retransmissions, 0);
}
