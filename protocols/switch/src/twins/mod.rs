//! Inputs that carry the same packets: merged, so that what one lacks the other brings.
//!
//! ```text
//!  input 0 ─► History ─┬─► Lane 0 ─► row of input 0, its holes filled from its twins
//!                      ╳                 and continued by them where it ends
//!  input 1 ─► History ─┴─► Lane 1 ─► row of input 1, likewise
//! ```
//!
//! Nobody has to tell which inputs are twins: a fingerprint of every packet is kept for the
//! search window, and where two inputs have had most of their packets in common, on every PID,
//! each becomes a leg of the other's lane. Clock references may differ a little ([`clock`]), as
//! they do behind devices that set them anew. A lane puts what its legs bring into one row
//! ([`weave`]): in the same order, nothing twice. What it hands on has the times of the input
//! whose lane it is ([`leg`]); whoever takes a lane's packets need not know which leg brought
//! them. Two twins may change lanes at any packet ([`Merge::swap`]).
//!
//! An input without twins passes straight through. Looking a packet up costs the same whatever
//! it contains; what is kept is bounded by [`HISTORY_PACKETS`] for each input and lane.

mod chain;
mod clock;
mod history;
mod lane;
mod leap;
mod leg;
mod members;
mod pairs;
mod print;
mod pump;
mod recognise;
#[cfg(test)]
mod tests;
mod weave;

pub use print::PrintKey;

use history::{Entry, History};
use lane::Lane;
use leap::Watch;
use leg::Leg;
use print::Print;
use tidegate_mpegts::PACKET_BYTES;
use tidegate_units::{Duration, Instant};

/// How much later than the first a twin may bring a packet.
pub const SEARCH: Duration = Duration::from_secs(2);
/// Packets that are remembered of an input, and held in a lane.
pub const HISTORY_PACKETS: usize = 1 << 16;
/// A leg is waited for as long as it was silent for less than this.
const PATIENCE: Duration = Duration::from_millis(150);
/// How long before it is due a packet behind a hole is handed on at the latest.
const URGENT: Duration = Duration::from_millis(15);
/// The same for any other packet: the unit it begins has to become whole in that time.
const MARGIN: Duration = Duration::from_millis(100);
/// A leg that brings nothing that others bring for so long is no twin any more.
const STRANGE_AFTER: Duration = Duration::from_millis(2500);
/// Packets of a PID that differ from which on a leg may be no twin any more.
const DISPUTED: u32 = 32;
/// Without any latency twins may be so far apart; with it, as far as that reaches.
const SKEW_WITHOUT_LATENCY: Duration = Duration::from_millis(200);
/// One in so many packets is looked for in other inputs.
const SAMPLED: u64 = 8;
/// Until two inputs are compared once more; doubled each time up to a ceiling.
const COMPARE_AGAIN: Duration = Duration::from_millis(50);
const COMPARE_AGAIN_CEILING: Duration = Duration::from_secs(2);

/// One packet that comes in.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a, P> {
    /// What it says.
    pub bytes: &'a [u8; PACKET_BYTES],
    /// What is handed on for it.
    pub packet: P,
    /// When it arrived.
    pub arrived: Instant,
    /// When it is due at play-out.
    pub due: Instant,
    /// Packets lost in front of it.
    pub lost_before: u64,
}

/// Packets that come in at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Together<'a> {
    /// What they say.
    pub packets: &'a [[u8; PACKET_BYTES]],
    /// When they arrived.
    pub arrived: Instant,
    /// When they are due at play-out.
    pub due: Instant,
    /// Packets lost in front of the first.
    pub lost_before: u64,
}

/// The first of some packets, which are not asked for: they have to be handed on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// How many.
    pub count: usize,
    /// When they are due, in the times of their lane.
    pub due: Instant,
    /// They do not go on from what the lane had before.
    pub fresh: bool,
    /// They may be handed on in other lanes later.
    pub is_remembered: bool,
}

/// One packet of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged<P> {
    /// What came in with it.
    pub packet: P,
    /// When it first arrived.
    pub arrived: Instant,
    /// When it is due, in the times of the lane.
    pub due: Instant,
    /// Which input brought it.
    pub from: usize,
    /// Packets that are missing in front of it, as far as is known.
    pub lost_before: u64,
    /// It does not go on from what the lane had before.
    pub fresh: bool,
}

impl<P: Clone> Merged<P> {
    fn of(entry: &Entry<P>, from: usize, due: Instant) -> Self {
        Self {
            packet: entry.packet.clone(),
            arrived: entry.arrived,
            due,
            from,
            lost_before: 0,
            fresh: false,
        }
    }
}

/// The inputs of a program, each filled up from its twins.
#[derive(Clone, Debug)]
pub struct Merge<P> {
    key: PrintKey,
    inputs: Vec<History<P>>,
    /// When each input last brought something.
    came: Vec<Option<Instant>>,
    watches: Vec<Watch>,
    lanes: Vec<Lane<P>>,
    pairs: Vec<Pair>,
    on_air: Option<usize>,
    leaving: bool,
    too_late: u64,
}

/// Two inputs.
#[derive(Clone, Copy, Debug)]
struct Pair {
    twins: bool,
    /// They are not compared before.
    again_at: Instant,
    pause: Duration,
}

impl<P: Clone> Merge<P> {
    /// For so many inputs.
    #[must_use]
    pub fn new(inputs: usize, key: PrintKey) -> Self {
        let pair = Pair {
            twins: false,
            again_at: Instant::ZERO,
            pause: COMPARE_AGAIN,
        };
        Self {
            key,
            inputs: (0..inputs).map(|_| History::new()).collect(),
            came: vec![None; inputs],
            watches: vec![Watch::default(); inputs],
            lanes: (0..inputs).map(|input| Lane::new(input, inputs)).collect(),
            pairs: vec![pair; inputs * inputs],
            on_air: None,
            leaving: false,
            too_late: 0,
        }
    }

    /// What is handed on of a lane is due so much later than its times say.
    pub fn set_hold(&mut self, lane: usize, hold: Duration) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.hold = hold;
        }
    }

    /// The row of this lane must not break off: where its own input goes its own way, it is
    /// [told](Self::leaves_for) instead of done.
    pub fn set_on_air(&mut self, lane: Option<usize>) {
        self.leaving &= self.on_air == lane;
        self.on_air = lane;
    }

    /// What is on air has another stream by now, and its lane the old one, which this twin
    /// carries on: they have to change places.
    #[must_use]
    pub fn leaves_for(&self, now: Instant) -> Option<usize> {
        self.on_air
            .filter(|_| self.leaving)
            .and_then(|lane| self.stand_in(now, lane))
    }

    /// A twin that carries an input's row on at this moment.
    #[must_use]
    pub fn stand_in(&self, now: Instant, input: usize) -> Option<usize> {
        let lane = self.lanes.get(input)?;
        (0..self.inputs.len())
            .find(|other| *other != input && lane.is_carried_by(*other, now, &self.inputs))
    }

    /// An input begins anew: whatever it was the twin of, it may be something else now. Its lane
    /// has its own packets alone.
    pub fn restart(&mut self, now: Instant, input: usize) {
        let Some(lane) = self.lanes.get_mut(input) else {
            return;
        };
        lane.begin_anew(&self.inputs);
        self.inputs[input].begin_anew();
        self.watches[input] = Watch::default();
        for other in 0..self.inputs.len() {
            self.part(now, input, other);
        }
    }

    /// Takes an input's next packet.
    pub fn push(&mut self, input: usize, incoming: Incoming<'_, P>) {
        let Incoming {
            bytes,
            packet,
            arrived,
            due,
            lost_before,
        } = incoming;
        if input >= self.inputs.len() {
            return;
        }
        let print = if self.may_have_twin(arrived, input) {
            Print::of(&self.key, bytes)
        } else {
            None
        };
        let Some(print) = print else {
            for lane in &mut self.lanes {
                lane.fill(input, &packet, (arrived, due), lost_before);
            }
            return;
        };
        let index = self.inputs[input].push(print, arrived, due, packet);
        let leap = self.watches[input].leaps(arrived, index, &print, bytes);
        self.came(arrived, input, index, leap, lost_before);
        self.part_strangers(arrived, input);
        self.recognise(arrived, input, index, print.hash);
    }

    /// Takes packets of an input that came together, as [`push`](Self::push) does one by one. The
    /// first of them need not be asked for by [`poll`](Self::poll) if they have to be handed on
    /// at once and alone. `packet`: what is handed on for each.
    pub fn push_together(
        &mut self,
        input: usize,
        together: &Together<'_>,
        packet: impl Fn(usize) -> P,
    ) -> Option<Passed> {
        if input >= self.inputs.len() {
            return None;
        }
        let &Together {
            packets,
            arrived,
            due,
            mut lost_before,
        } = together;
        let is_remembered = self.may_have_twin(arrived, input);
        // Also where all that comes only fills, of which nothing is remembered.
        self.inputs[input].forget(arrived);
        let mut passed = None;
        if self.is_alone(input) {
            let (due, fresh) = self.lanes[input].pass(input, arrived, due);
            let count = if is_remembered {
                self.remember(input, together, &packet)
            } else {
                packets.len()
            };
            lost_before = 0;
            passed = Some(Passed {
                count,
                due,
                fresh,
                is_remembered,
            });
        }
        let from = passed.map_or(0, |passed| passed.count);
        for (place, bytes) in packets.iter().enumerate().skip(from) {
            let incoming = Incoming {
                bytes,
                packet: packet(place),
                arrived,
                due,
                lost_before: core::mem::take(&mut lost_before),
            };
            self.push(input, incoming);
        }
        passed
    }

    /// Remembers packets of an input that is alone, up to the one that shows its twin; how many.
    fn remember(
        &mut self,
        input: usize,
        together: &Together<'_>,
        packet: impl Fn(usize) -> P,
    ) -> usize {
        let (arrived, due) = (together.arrived, together.due);
        for (place, bytes) in together.packets.iter().enumerate() {
            let Some(print) = Print::of(&self.key, bytes) else {
                continue;
            };
            let index = self.inputs[input].push(print, arrived, due, packet(place));
            self.watches[input].leaps(arrived, index, &print, bytes);
            if self.recognise(arrived, input, index, print.hash) {
                return place + 1;
            }
        }
        together.packets.len()
    }

    /// Packet `index` of an input has come: every lane that takes packets of it has to know.
    fn came(
        &mut self,
        now: Instant,
        input: usize,
        index: u64,
        leap: Option<u64>,
        lost_before: u64,
    ) {
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            if lane.has(input) {
                if let Some(from) = leap.filter(|_| !lane.is_plain()) {
                    lane.hold_back(now, input, from, index);
                }
                lane.came(now, input, index, lost_before, &self.inputs);
                let late = core::mem::take(&mut lane.too_late);
                self.too_late += if self.on_air == Some(place) { late } else { 0 };
            }
        }
    }

    /// Whether an input is in no lane but its own, which has nobody else and nothing left.
    fn is_alone(&self, input: usize) -> bool {
        let mut lanes = self.lanes.iter().enumerate();
        lanes.all(|(place, lane)| {
            if place == input {
                lane.is_plain() && lane.ready.is_empty()
            } else {
                !lane.has(input)
            }
        })
    }

    /// Whether a lane has nothing that [`poll`](Self::poll) could hand on.
    #[must_use]
    pub fn is_idle(&self, lane: usize) -> bool {
        let lane = self.lanes.get(lane);
        lane.is_none_or(|lane| lane.is_plain() && lane.ready.is_empty())
    }

    /// The oldest packet of an input that may still be handed on.
    #[must_use]
    pub fn oldest(&self, input: usize) -> Option<&P> {
        self.inputs.get(input)?.oldest()
    }

    /// Notes that an input brings something. Whether there is any other that may be its twin.
    fn may_have_twin(&mut self, now: Instant, input: usize) -> bool {
        self.came[input] = Some(now);
        let is_there = |came: &Option<Instant>| came.is_some_and(|came| now <= came + SEARCH);
        let mut others = self.came.iter().enumerate();
        others.any(|(other, came)| other != input && is_there(came))
            || self.lanes.get(input).is_some_and(|lane| !lane.is_plain())
    }

    /// The next packet of a lane, if it has to be handed on by now.
    pub fn poll(&mut self, now: Instant, lane: usize) -> Option<Merged<P>> {
        let place = lane;
        let lane = self.lanes.get_mut(place)?;
        if lane.ready.is_empty() {
            lane.pump(now, &self.inputs);
        }
        let late = core::mem::take(&mut lane.too_late);
        self.too_late += if self.on_air == Some(place) { late } else { 0 };
        lane.ready.pop_front()
    }

    /// When a lane may have something without anything having come in.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let lanes = self.lanes.iter();
        lanes
            .filter_map(|lane| lane.next_deadline(&self.inputs))
            .min()
    }

    /// The inputs that carry what this one does.
    pub fn twins(&self, input: usize) -> impl Iterator<Item = usize> {
        let others = 0..self.inputs.len();
        others.filter(move |other| *other != input && self.are_twins(input, *other))
    }

    /// Whether two inputs carry the same packets.
    #[must_use]
    pub fn are_twins(&self, a: usize, b: usize) -> bool {
        let pair = self.pairs.get(self.pair(a, b));
        pair.is_some_and(|pair| pair.twins)
    }

    /// The inputs that a lane takes packets from.
    pub fn legs(&self, lane: usize) -> impl Iterator<Item = usize> {
        let lane = self.lanes.get(lane);
        (0..self.inputs.len()).filter(move |input| lane.is_some_and(|lane| lane.has(*input)))
    }

    /// Whether a lane has nothing left that waits.
    #[must_use]
    pub fn is_done(&self, lane: usize) -> bool {
        let lane = self.lanes.get(lane);
        lane.is_none_or(|lane| lane.is_plain() || lane.next_node().is_none())
    }

    const fn pair(&self, a: usize, b: usize) -> usize {
        if a < b {
            a * self.inputs.len() + b
        } else {
            b * self.inputs.len() + a
        }
    }

    /// Packets that were missing on air although a twin had them: it brought them when what
    /// follows them had been handed on. With more latency they would have been in time.
    #[must_use]
    pub const fn too_late(&self) -> u64 {
        self.too_late
    }

    /// Two twins change places: what was the row of one goes on as the row of the other. Whether
    /// they are twins.
    pub fn swap(&mut self, a: usize, b: usize) -> bool {
        let may = a != b && self.are_twins(a, b);
        if may {
            self.part_from_others(a, b);
            self.lanes.swap(a, b);
            self.lanes[a].primary = a;
            self.lanes[b].primary = b;
        }
        may
    }
}
