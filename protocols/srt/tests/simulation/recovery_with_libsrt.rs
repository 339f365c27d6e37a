//! Recovery with libsrt on one end, or on both: models of libsrt 1.5.5 (see
//! `support::libsrt`) under the conditions of the recovery tables.

use core::fmt::Write;
use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use crate::recovery::{
    Bound, Cell, LIBSRT, LIBSRT_BURSTS_AND_JITTER, MEGABITS_PER_SECOND, ONE_WAY, Outcome, PROMISED,
    PROMISED_BURSTS_AND_JITTER, bursts_and_jitter, conclude, grid, length, noise_percent,
};
use crate::support::libsrt::{ReceiverModel, SenderModel, note_handshakes, take_over};
use crate::support::payload::PAYLOAD_BYTES;
use crate::support::{Pair, SECOND, Side};
use tidegate_netsim::LinkConfig;
use tidegate_srt::SequenceNumber;

/// Two runs differ by less than this on the wire, bursts included.
const WIRE_NOISE: f64 = 0.008;

/// Far from the wrap, which the models do not know.
const FIRST_SEQUENCE: u32 = 1000;
const STEADY_JITTER: Duration = Duration::from_micros(500);

/// A pair whose ends are, where asked for, models of libsrt.
struct Mixed {
    pair: Pair,
    receiver: Option<Rc<RefCell<ReceiverModel>>>,
    sender: Option<Rc<RefCell<SenderModel>>>,
}

impl Mixed {
    fn new(cell: &Cell, seed: u64, sends: bool, receives: bool) -> Self {
        let calm = LinkConfig::delayed(ONE_WAY);
        let mut scenario = cell.scenario(seed).link(calm);
        scenario.first_sequence = Some(SequenceNumber::new(FIRST_SEQUENCE));
        let mut pair = scenario.build();
        let stamps = note_handshakes(&mut pair);
        pair.call();
        assert!(pair.await_connection(20 * SECOND), "{:#?}", pair.events());
        // Both ends are looked at before one of them forgets the other.
        let [caller, listener] =
            [Side::Caller, Side::Listener].map(|side| take_over(&mut pair, side, &stamps));
        let sender = sends.then(|| {
            let model = SenderModel::new(caller, pair.world.now, interval(), length());
            Rc::new(RefCell::new(model))
        });
        let receiver = receives.then(|| {
            let model = ReceiverModel::new(listener, cell.latency);
            Rc::new(RefCell::new(model))
        });
        let link = unsteady(&cell.link);
        for (from, to) in [(caller, listener), (listener, caller)] {
            let (from, to) = (from.ends.own, to.ends.own);
            pair.world.network.configure(from, to, link.clone());
        }
        pair.node_mut(Side::Caller).down = sends;
        pair.node_mut(Side::Listener).down = receives;
        pair.world
            .models
            .extend(sender.clone().map(|model| model as _));
        pair.world
            .models
            .extend(receiver.clone().map(|model| model as _));
        pair.world.discards_deliveries = sends;
        Self {
            pair,
            receiver,
            sender,
        }
    }

    fn run(mut self) -> Outcome {
        if self.sender.is_none() {
            let pair = &mut self.pair;
            pair.publish(Side::Caller, MEGABITS_PER_SECOND, length());
        }
        self.pair.world.run_for(length() + 3 * SECOND);
        let payloads = match &self.sender {
            Some(model) => model.borrow().sent,
            None => self.pair.sent(Side::Caller),
        };
        let lost = match &self.receiver {
            Some(model) => model.borrow().unrecovered(payloads),
            None => payloads - self.delivered(),
        };
        Outcome::of(&self.pair, payloads, lost)
    }

    fn delivered(&mut self) -> u64 {
        let total = self.pair.statistics(Side::Listener).total;
        total.packets_received_unique
    }
}

/// On a link that takes exactly 50 ms, libsrt's timers fall in step with the round trip: its
/// sender is asked again just before it would listen again. Half a millisecond of jitter, as
/// every real link has, ends that.
fn unsteady(link: &LinkConfig) -> LinkConfig {
    if link.jitter.is_zero() {
        link.clone().jittering(STEADY_JITTER)
    } else {
        link.clone()
    }
}

fn interval() -> Duration {
    let seconds = PAYLOAD_BYTES as f64 * 8.0 / (MEGABITS_PER_SECOND * 1e6);
    Duration::from_micros((seconds * 1e6).round() as u64)
}

/// What one cell came to, by who sends and who receives.
struct Row {
    libsrt: Outcome,
    to_libsrt: Outcome,
    to_libsrt_copied: Outcome,
    from_libsrt: Outcome,
}

impl Row {
    fn run(cell: &Cell, seed: u64) -> Self {
        let copied = Cell {
            bound: Bound::Promised(0.0, 0.0),
            name: cell.name,
            link: cell.link.clone(),
            latency: cell.latency,
        };
        Self {
            libsrt: Mixed::new(cell, seed, true, true).run(),
            to_libsrt: Mixed::new(cell, seed, false, true).run(),
            to_libsrt_copied: Mixed::new(&copied, seed, false, true).run(),
            from_libsrt: Mixed::new(cell, seed, true, false).run(),
        }
    }

    fn show(&self, cell: &Cell) -> String {
        let outcomes = [
            &self.libsrt,
            &self.to_libsrt,
            &self.to_libsrt_copied,
            &self.from_libsrt,
        ];
        let columns = outcomes
            .map(|outcome| format!("{:>8.4} {:.3}", outcome.unrecovered_percent, outcome.wire));
        let millis = cell.latency.as_millis();
        format!("{:<30} {millis:>4} ms{}", cell.name, columns.join(""))
    }
}

const HEAD: &str = "unrecovered %, wire            latency  libsrt–libsrt   ours–libsrt   ours copying   libsrt–ours";

/// Runs the cells for all who may be on either end. Fails if the models do not do what libsrt
/// was measured to do, if we do worse than they do under the very same conditions, or if
/// copies do not bring a libsrt what they bring Tidegate: `copied`.
fn check_with_libsrt(table: &str, seed: u64, cells: &[Cell], copied: &[Bound]) {
    let mut text = format!("{HEAD}\n");
    let mut worse = Vec::new();
    for (cell, copied) in cells.iter().zip(copied) {
        let row = Row::run(cell, seed);
        let line = row.show(cell);
        writeln!(text, "{line}").expect("a string takes everything");
        if !is_like(&row.libsrt, cell.bound.figures()) {
            worse.push(format!("not like libsrt: {line}"));
        }
        if !is_no_worse(&row.to_libsrt, &row.libsrt) {
            worse.push(format!("to libsrt: {line}"));
        }
        if !is_no_worse(&row.from_libsrt, &row.libsrt) {
            worse.push(format!("from libsrt: {line}"));
        }
        let (percent, wire) = copied.figures();
        let ours = &row.to_libsrt_copied;
        if ours.unrecovered_percent > percent || ours.wire > wire {
            worse.push(format!("copies, bound {percent}, {wire}: {line}"));
        }
    }
    conclude(table, &text, &worse);
}

/// Whether a model comes to what libsrt was measured with on real time and sockets.
fn is_like(model: &Outcome, (percent, wire): (f64, f64)) -> bool {
    let noise = noise_percent(percent, model.payloads);
    let unrecovered = model.unrecovered_percent;
    let is_like = unrecovered >= percent * 0.7 - noise && unrecovered <= percent * 1.4 + noise;
    is_like && (model.wire - wire).abs() <= 0.06
}

/// Whether `ours` is no worse than `theirs`, but for the noise of both runs.
fn is_no_worse(ours: &Outcome, theirs: &Outcome) -> bool {
    let noise = noise_percent(theirs.unrecovered_percent, ours.payloads) * 2_f64.sqrt();
    ours.unrecovered_percent <= theirs.unrecovered_percent + noise
        && ours.wire <= theirs.wire + WIRE_NOISE
}

#[test]
fn with_libsrt_on_one_end_ten_percent_is_recovered_as_well_as_with_it_on_both() {
    let cells = grid("10 % random, both ways", 10.0, LIBSRT[0]);
    check_with_libsrt("with_libsrt_10", 121, &cells, &PROMISED[0]);
}

#[test]
fn with_libsrt_on_one_end_twenty_percent_is_recovered_as_well_as_with_it_on_both() {
    let cells = grid("20 % random, both ways", 20.0, LIBSRT[1]);
    check_with_libsrt("with_libsrt_20", 122, &cells, &PROMISED[1]);
}

#[test]
fn with_libsrt_on_one_end_thirty_percent_is_recovered_as_well_as_with_it_on_both() {
    let cells = grid("30 % random, both ways", 30.0, LIBSRT[2]);
    check_with_libsrt("with_libsrt_30", 123, &cells, &PROMISED[2]);
}

#[test]
fn with_libsrt_on_one_end_bursts_and_jitter_are_recovered_as_well_as_with_it_on_both() {
    let cells = bursts_and_jitter(LIBSRT_BURSTS_AND_JITTER);
    check_with_libsrt(
        "with_libsrt_others",
        124,
        &cells,
        &PROMISED_BURSTS_AND_JITTER,
    );
}
