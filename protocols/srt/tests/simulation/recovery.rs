//! How much a lossy link costs: the recovery tables.
//!
//! Without copies of last repetitions the bounds are what libsrt does; with them, as it is by
//! default, they are what Tidegate promises. Each cell streams 10 Mbit/s over a round trip of 100 ms with the same conditions both ways.
//! `unrecovered` is the share of payloads never delivered, `wire` the bytes of data packets on
//! the wire (lower headers included) for each byte of payload.
//!
//! The snapshot shows every change of the figures in review; the bounds say which are allowed.
//! `TIDEGATE_SIM_SECONDS=3600 cargo test -p tidegate-srt --test simulation recovery` runs longer.
#![allow(unreachable_pub, reason = "a test's modules have no outside")]

use core::fmt::Write;
use core::time::Duration;

use crate::support::inbox::Inbox;
use crate::support::payload::PAYLOAD_BYTES;
use crate::support::{MS, Pair, SECOND, Scenario, Side, virtual_seconds};
use tidegate_netsim::{LinkConfig, Probability};

pub const ONE_WAY: Duration = Duration::from_millis(50);
pub const MEGABITS_PER_SECOND: f64 = 10.0;
const DEFAULT_SECONDS: u64 = 240;
/// The time base begins with the way of a single packet, which may be off by the link's
/// jitter; by then it is the mean of some hundred.
const SETTLING: Duration = Duration::from_secs(30);
const PLAY_OUT_TOLERANCE: Duration = Duration::from_millis(2);

pub struct Cell {
    pub name: &'static str,
    pub link: LinkConfig,
    pub latency: Duration,
    pub bound: Bound,
}

/// What may be lost and what may be on the wire.
#[derive(Clone, Copy)]
pub enum Bound {
    /// What libsrt 1.5.5 was measured with; last repetitions are not copied.
    Libsrt(f64, f64),
    /// What we promise; last repetitions are copied.
    Promised(f64, f64),
}

impl Bound {
    pub const fn figures(self) -> (f64, f64) {
        match self {
            Self::Libsrt(percent, wire) | Self::Promised(percent, wire) => (percent, wire),
        }
    }

    /// Whether a run shows that the bound is kept. libsrt's figures are means of runs of
    /// their own, so a run may exceed them by its noise; a promise has to be kept with as
    /// much to spare.
    pub fn admits(self, outcome: &Outcome) -> bool {
        let measured = outcome.unrecovered_percent;
        match self {
            Self::Libsrt(percent, wire) => {
                let allowed = percent + noise_percent(percent, outcome.payloads);
                measured <= allowed && outcome.wire <= wire + WIRE_TOLERANCE
            }
            Self::Promised(percent, wire) => {
                let worst = measured + noise_percent(measured, outcome.payloads);
                worst <= percent && outcome.wire <= wire
            }
        }
    }
}

pub struct Outcome {
    pub unrecovered_percent: f64,
    pub wire: f64,
    pub payloads: u64,
}

fn random(percent: f64) -> LinkConfig {
    LinkConfig::delayed(ONE_WAY).losing(Probability::percent(percent))
}

fn run(cell: &Cell, seed: u64) -> Outcome {
    let mut pair = cell.scenario(seed).connect();
    pair.publish(Side::Caller, MEGABITS_PER_SECOND, length());
    pair.world.run_for(SETTLING);
    pair.restart_timing();
    pair.world.run_for(length() - SETTLING + 3 * SECOND);
    assert_play_out(cell, &pair.inbox(Side::Listener));
    let payloads = pair.sent(Side::Caller);
    // What was lost behind the last delivery counts too, and what came out too late.
    let inbox = pair.inbox(Side::Listener);
    let lost = payloads - inbox.delivered + inbox.late;
    Outcome::of(&pair, payloads, lost)
}

/// Hidden delay is no recovery: what is due when does not move, whatever is lost, repeated or
/// reordered.
fn assert_play_out(cell: &Cell, inbox: &Inbox) {
    let promised = cell.latency + ONE_WAY;
    let delays = [inbox.shortest_delay, inbox.longest_delay].map(Option::unwrap_or_default);
    for delay in delays {
        assert!(
            delay.abs_diff(promised) <= PLAY_OUT_TOLERANCE,
            "{}: play-out after {delays:?} instead of {promised:?}",
            cell.name
        );
    }
}

/// How long a cell streams.
pub fn length() -> Duration {
    Duration::from_secs(virtual_seconds(DEFAULT_SECONDS))
}

impl Cell {
    pub fn scenario(&self, seed: u64) -> Scenario {
        let mut scenario = Scenario::new(seed)
            .link(self.link.clone())
            .latency(self.latency);
        if let Bound::Libsrt(..) = self.bound {
            scenario.connection.max_duplicate_percent = 0;
        }
        scenario
    }
}

impl Outcome {
    pub fn of(pair: &Pair, payloads: u64, lost: u64) -> Self {
        let payload_bytes = payloads * PAYLOAD_BYTES as u64;
        Self {
            unrecovered_percent: lost as f64 * 100.0 / payloads as f64,
            wire: pair.wire(Side::Caller).data_bytes as f64 / payload_bytes as f64,
            payloads,
        }
    }
}

/// Three standard deviations of a count of independent losses: in a run of this length, a
/// sender whose mean is `percent` stays within this of it.
pub fn noise_percent(percent: f64, payloads: u64) -> f64 {
    let expected = percent / 100.0 * payloads as f64;
    3.0 * expected.sqrt() * 100.0 / payloads as f64
}

/// libsrt's wire figures are rounded to three digits, from runs of their own.
const WIRE_TOLERANCE: f64 = 0.002;
/// How many packets bursts of five take varies by 2 % from run to run (one standard
/// deviation in 240 s), and what is repeated with it.
pub const BURST_WIRE_NOISE: f64 = 0.002;

/// Runs every cell and fails if a bound is not kept.
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
        if !cell.bound.admits(&outcome) {
            let (percent, wire) = cell.bound.figures();
            worse.push(format!("{line}  (bound: {percent:.4} %, {wire:.3})"));
        }
    }
    conclude(table, &text, &worse);
}

/// Shows the table of a longer run, fails with what is worse than it may be, and compares the
/// table of a run of the usual length with its snapshot.
pub fn conclude(table: &str, text: &str, worse: &[String]) {
    if virtual_seconds(DEFAULT_SECONDS) != DEFAULT_SECONDS {
        show(text);
    }
    assert!(
        worse.is_empty(),
        "worse than the bound:\n{}",
        worse.join("\n")
    );
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

pub fn grid(name: &'static str, percent: f64, bounds: [Bound; 3]) -> Vec<Cell> {
    let latencies = [200 * MS, 300 * MS, 400 * MS];
    let cells = latencies.into_iter().zip(bounds);
    let cells = cells.map(|(latency, bound)| Cell {
        name,
        link: random(percent),
        latency,
        bound,
    });
    cells.collect()
}

/// What libsrt 1.5.5 loses of random 10, 20 and 30 %, and puts on the wire.
pub const LIBSRT: [[Bound; 3]; 3] = [
    [
        Bound::Libsrt(0.93, 1.149),
        Bound::Libsrt(0.12, 1.150),
        Bound::Libsrt(0.016, 1.149),
    ],
    [
        Bound::Libsrt(3.9, 1.277),
        Bound::Libsrt(1.05, 1.286),
        Bound::Libsrt(0.25, 1.290),
    ],
    [
        Bound::Libsrt(9.1, 1.415),
        Bound::Libsrt(3.8, 1.451),
        Bound::Libsrt(1.56, 1.466),
    ],
];

/// The same for bursts, and for jitter with and without loss.
pub const LIBSRT_BURSTS_AND_JITTER: [Bound; 3] = [
    Bound::Libsrt(0.28, 1.145 + BURST_WIRE_NOISE),
    Bound::Libsrt(0.018, 1.80),
    Bound::Libsrt(0.0, 1.78),
];

/// What we promise for the same conditions.
pub const PROMISED: [[Bound; 3]; 3] = [
    [
        Bound::Promised(0.25, 1.27),
        Bound::Promised(0.03, 1.18),
        Bound::Promised(0.004, 1.16),
    ],
    [
        Bound::Promised(1.6, 1.50),
        Bound::Promised(0.3, 1.35),
        Bound::Promised(0.08, 1.31),
    ],
    [
        Bound::Promised(4.5, 1.75),
        Bound::Promised(1.3, 1.58),
        Bound::Promised(0.5, 1.53),
    ],
];

pub const PROMISED_BURSTS_AND_JITTER: [Bound; 3] = [
    Bound::Promised(0.1, 1.18),
    Bound::Promised(0.02, 1.13),
    Bound::Promised(0.0, 1.07),
];

#[test]
fn ten_percent_random_loss_is_recovered_as_well_as_libsrt_does() {
    let cells = grid("10 % random, both ways", 10.0, LIBSRT[0]);
    check("random_10", 101, &cells);
}

#[test]
fn twenty_percent_random_loss_is_recovered_as_well_as_libsrt_does() {
    let cells = grid("20 % random, both ways", 20.0, LIBSRT[1]);
    check("random_20", 102, &cells);
}

#[test]
fn thirty_percent_random_loss_is_recovered_as_well_as_libsrt_does() {
    let cells = grid("30 % random, both ways", 30.0, LIBSRT[2]);
    check("random_30", 103, &cells);
}

#[test]
fn last_repetitions_sent_twice_recover_more_of_ten_percent() {
    let cells = grid("10 % random, both ways", 10.0, PROMISED[0]);
    check("random_10_copied", 111, &cells);
}

#[test]
fn last_repetitions_sent_twice_recover_more_of_twenty_percent() {
    let cells = grid("20 % random, both ways", 20.0, PROMISED[1]);
    check("random_20_copied", 112, &cells);
}

#[test]
fn last_repetitions_sent_twice_recover_more_of_thirty_percent() {
    let cells = grid("30 % random, both ways", 30.0, PROMISED[2]);
    check("random_30_copied", 113, &cells);
}

fn in_bursts() -> LinkConfig {
    LinkConfig::delayed(ONE_WAY).losing_in_bursts(Probability::percent(10.0), 5.0)
}

/// 40 to 60 ms each way, evenly distributed, each packet for itself.
fn jitter() -> LinkConfig {
    LinkConfig::delayed(ONE_WAY - 10 * MS).jittering(20 * MS)
}

pub fn bursts_and_jitter(bounds: [Bound; 3]) -> Vec<Cell> {
    let conditions = [
        ("10 % in bursts of 5", in_bursts()),
        (
            "0–20 ms reordering jitter, 5 %",
            jitter().losing(Probability::percent(5.0)),
        ),
        ("0–20 ms reordering jitter", jitter()),
    ];
    let cells = conditions.into_iter().zip(bounds);
    let cells = cells.map(|((name, link), bound)| Cell {
        name,
        link,
        latency: 300 * MS,
        bound,
    });
    cells.collect()
}

#[test]
fn bursts_and_jitter_are_recovered_as_well_as_libsrt_does() {
    let cells = bursts_and_jitter(LIBSRT_BURSTS_AND_JITTER);
    check("bursts_and_jitter", 104, &cells);
}

#[test]
fn last_repetitions_sent_twice_recover_more_of_bursts_and_jitter() {
    let cells = bursts_and_jitter(PROMISED_BURSTS_AND_JITTER);
    check("bursts_and_jitter_copied", 114, &cells);
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
