//! What is on air, and what of it is emitted when.
//!
//! ```text
//!            order: the first key frame        order: a cut is found, and it is time
//! NOTHING ──────────────────────────────► A ─────────────────────────────────────────► B …
//!                                         ▲ order dropped: nothing has happened
//! ```
//!
//! Packets are emitted when they are due, and held until then: so it may be decided until then
//! what follows.

mod lane;
mod plan;
mod twins;
mod types;

pub use types::{Emitted, Event, LaneStatus, Options, Piece, Status, Switched};

use crate::twins::PrintKey;
use crate::{How, OnAir, Order};
use lane::Lane;
use plan::{Cut, Scene};
use std::collections::VecDeque;
use tidegate_mpegts::seam::{Intake, Seam, Stopped, Until};
use tidegate_units::{Duration, Instant};
use twins::Twins;

/// Inputs of one program; the slate comes on top.
pub const MAX_INPUTS: usize = 16;
/// Packets are handed over this long before they are to be played out.
const LEAD: Duration = Duration::from_millis(10);
/// While an order waits it is looked at so often at least.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// What is old is let go so often.
const TRIM_EVERY: Duration = Duration::from_millis(100);
/// What is on air may be so late before it counts as starved.
const STARVED_AFTER: Duration = Duration::from_millis(60);
/// Events kept for a caller that does not fetch them; older ones are dropped.
const MAX_EVENTS: usize = 1024;
/// Cuts in one turn; one order makes one, and what restarts all the time no more.
const MAX_CUTS: usize = 4;

/// One program.
#[derive(Clone, Debug)]
pub struct Program {
    delay: Duration,
    /// The inputs, and the slate last.
    lanes: Vec<Lane>,
    twins: Option<Twins>,
    on_air: OnAir,
    /// The run of what is on air.
    run: u64,
    order: Option<(OnAir, How)>,
    seam: Seam,
    /// How far decoding times are ahead of the moments at which they go out, in ticks.
    clock: Option<i64>,
    stopped: Stopped,
    deadline: Option<Instant>,
    trimmed: Instant,
    events: VecDeque<Event>,
    switches: u64,
}

impl Program {
    /// A program that shows nothing yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let lanes = options.inputs.min(MAX_INPUTS) + 1;
        Self {
            delay: options.delay,
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            twins: None,
            on_air: OnAir::Nothing,
            run: 0,
            order: None,
            seam: Seam::new(),
            clock: None,
            stopped: Stopped::Dark,
            deadline: None,
            trimmed: Instant::ZERO,
            events: VecDeque::new(),
            switches: 0,
        }
    }

    /// A copy in which only these inputs go on, and what is held of others is left out: it takes
    /// time for each chunk that is held, though their bytes are shared. Nothing is ordered in it.
    pub(crate) fn copy_of(&self, inputs: impl Fn(usize) -> bool) -> Self {
        let lanes = self.lanes.iter().enumerate();
        let lanes = lanes.map(|(place, lane)| {
            let is_input = place + 1 < self.lanes.len();
            let goes_on = is_input && inputs(place);
            if goes_on {
                lane.clone()
            } else {
                Lane::default()
            }
        });
        Self {
            lanes: lanes.collect(),
            twins: self.twins.clone(),
            order: None,
            seam: self.seam.clone(),
            events: VecDeque::new(),
            ..*self
        }
    }

    /// Holds what comes back for so long from now on. What comes next of each input has to begin
    /// anew, for it goes out at other times than what came before.
    pub const fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }

    /// Whether inputs that carry the same packets are found and merged from now on: what one
    /// lacks the other brings, and a switch between them is none that anybody could see.
    pub fn set_merging(&mut self, key: Option<PrintKey>) {
        let inputs = self.lanes.len() - 1;
        let key = key.filter(|_| inputs > 1);
        self.twins = key.map(|key| Twins::new(inputs, key));
    }

    /// An input that carries the same packets as this one.
    #[must_use]
    pub fn twin_of(&self, input: usize) -> Option<usize> {
        self.twins.as_ref()?.twin_of(input)
    }

    /// Packets that were missing on air although an input that carries the same had them: it
    /// brought them too late. With more latency they would have been in time.
    #[must_use]
    pub fn late_packets(&self) -> u64 {
        self.twins.as_ref().map_or(0, Twins::too_late)
    }

    /// Takes what came of an input, or of the slate. `restarted`: it begins anew here, its times
    /// and counters do not go on.
    pub fn push(&mut self, from: OnAir, piece: Piece, restarted: bool) {
        // What is made here is made for the moment at which it goes out.
        let delay = if from == OnAir::Slate {
            Duration::ZERO
        } else {
            self.delay
        };
        let piece = Piece {
            due: piece.due + delay,
            ..piece
        };
        if let (OnAir::Input(input), Some(twins)) = (from, &mut self.twins) {
            let now = piece.arrived;
            if restarted
                && from == self.on_air
                && let Some(to) = twins.stand_in(now, input)
            {
                self.change_places(input, to, now);
            }
            let Some(twins) = &mut self.twins else { return };
            twins.push(&mut self.lanes, input, piece, restarted);
            twins.hand_on(&mut self.lanes, now);
            self.deadline = Some(Instant::ZERO);
            return;
        }
        if let Some(lane) = self.lane_mut(from) {
            if restarted {
                lane.restart();
            }
            lane.push(piece.bytes, piece.arrived, piece.due, piece.lost_before);
        }
        if from == self.on_air || self.order.is_some_and(|(to, _)| to == from) {
            self.deadline = Some(Instant::ZERO);
        }
    }

    /// Nothing more comes of an input before a [`push`](Self::push) that is `restarted`.
    pub fn ended(&mut self, from: OnAir) {
        if let (OnAir::Input(input), Some(twins)) = (from, &mut self.twins) {
            twins.end(input);
        } else if let Some(lane) = self.lane_mut(from) {
            lane.end();
        }
        self.deadline = Some(Instant::ZERO);
    }

    /// Carries an order out as soon as it can be.
    pub fn order(&mut self, order: Order) {
        match order {
            Order::SwitchTo { to, how } => self.order = Some((to, how)),
            Order::Drop => {
                if let Some((to, _)) = self.order.take() {
                    self.tell(Event::Averted { to });
                }
            }
        }
        self.deadline = Some(Instant::ZERO);
    }

    /// Appends what is to be handed on now.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Emitted>) {
        if now.saturating_since(self.trimmed) >= TRIM_EVERY {
            self.trimmed = now;
            self.trim(now);
        }
        self.merge(now);
        let mut at = None;
        for _ in 0..MAX_CUTS {
            let planned = self.planned(now);
            self.stopped = self.play(now, planned.map(|(_, cut)| cut), out);
            at = planned.map(|(_, cut)| cut.at);
            match planned {
                Some((to, cut)) if self.stopped == Stopped::AtIndex && cut.at <= now + LEAD => {
                    self.carry_out(to, cut, now, out);
                }
                None if self.start(now) => {}
                _ => break,
            }
        }
        self.deadline = self.deadline_after(now, at);
    }

    /// When [`poll`](Self::poll) has something to do, if nothing is pushed before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let merged = self.twins.as_ref().and_then(Twins::next_deadline);
        [self.deadline, merged].into_iter().flatten().min()
    }

    /// What happened, oldest first.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        Status {
            on_air: self.on_air,
            order: self.order,
            is_starved: self.is_starved(now),
            is_over: self.is_over() && self.is_starved(now),
            delay: micros(self.seam.delay_micros()),
            switches: self.switches,
            slate_wanted: self.slate_wanted(now),
        }
    }

    /// How an input stands, or the slate.
    #[must_use]
    pub fn lane(&self, of: OnAir, now: Instant) -> LaneStatus {
        let lane = self.place(of).and_then(|place| self.lanes.get(place));
        lane.map_or_else(LaneStatus::default, |lane| lane.status(now))
    }

    /// Hands on what twins have of each other, and changes their places if that was ordered: the
    /// very next packet is that of the other, whichever it is.
    fn merge(&mut self, now: Instant) {
        let place = self.place(self.on_air);
        let hold = micros(self.seam.delay_micros());
        let Some(twins) = &mut self.twins else {
            return;
        };
        twins.set_on_air(place, hold);
        twins.hand_on(&mut self.lanes, now);
        let OnAir::Input(from) = self.on_air else {
            return;
        };
        let ordered = match self.order {
            Some((OnAir::Input(to), _)) => Some(to),
            _ => None,
        };
        if let Some(to) = ordered.or_else(|| twins.leaves_for(now)) {
            self.change_places(from, to, now);
        }
    }

    /// What is on air goes on under another name, if the two are twins.
    fn change_places(&mut self, from: usize, to: usize, now: Instant) {
        let twins = self.twins.as_mut();
        if !twins.is_some_and(|twins| twins.swap(&mut self.lanes, from, to)) {
            return;
        }
        let to = OnAir::Input(to);
        self.order = self.order.filter(|(ordered, _)| *ordered != to);
        self.on_air = to;
        self.switches += 1;
        self.tell(Event::Switched(Switched {
            from: OnAir::Input(from),
            to,
            at: now,
            gap: Duration::ZERO,
            repeated: Duration::ZERO,
            skipped: Duration::ZERO,
            delay: micros(self.seam.delay_micros()),
        }));
    }

    /// The cut that comes next, and what comes with it: what was ordered, else what is on air if
    /// it began anew.
    fn planned(&self, now: Instant) -> Option<(OnAir, Cut)> {
        let on_air = self.intake()?;
        let ordered = self
            .order
            .and_then(|(to, how)| self.plan(on_air, to, how, now));
        ordered.or_else(|| {
            let is_behind = self.place(self.on_air)?;
            let has_begun_anew = self.lanes[is_behind].newest().number != self.run;
            has_begun_anew
                .then(|| self.plan(on_air, self.on_air, How::Starved, now))
                .flatten()
        })
    }

    fn plan(&self, on_air: &Intake, to: OnAir, how: How, now: Instant) -> Option<(OnAir, Cut)> {
        let next = self.lanes.get(self.place(to)?)?.newest();
        if to == self.on_air && next.number == self.run {
            return None;
        }
        let scene = Scene {
            seam: &self.seam,
            on_air,
            next,
            how,
            clock: self.clock,
            now,
            until: now + LEAD,
        };
        Some((to, scene.cut()?))
    }

    /// Plays what is due, in front of a cut.
    fn play(&mut self, now: Instant, cut: Option<Cut>, out: &mut Vec<Emitted>) -> Stopped {
        let is_leaving = matches!(self.order, Some((_, How::Starved | How::Gone)));
        let Self {
            lanes, seam, run, ..
        } = self;
        let place = place(lanes.len(), self.on_air);
        let Some(intake) = place.and_then(|place| lanes.get(place)?.run(*run)) else {
            return Stopped::Dark;
        };
        let until = Until {
            due: now + LEAD,
            index: cut.map_or(u64::MAX, |cut| cut.index),
            gives_up: cut.is_some() && is_leaving,
        };
        seam.play(intake, until, now, |bytes, due| {
            out.push(Emitted { bytes, due });
        })
    }

    /// Begins the program with what was ordered; whether it did.
    fn start(&mut self, now: Instant) -> bool {
        let Some((to, _)) = self.order.filter(|_| self.on_air == OnAir::Nothing) else {
            return false;
        };
        let Some(lane) = self.place(to).and_then(|place| self.lanes.get(place)) else {
            return false;
        };
        let run = lane.newest();
        let Some((key, delay)) = plan::start(run, now, now + LEAD) else {
            return false;
        };
        let delay_micros = delay.as_micros() as i64;
        self.seam.enter(&run.intake, key, 0, delay_micros);
        self.run = run.number;
        self.order = None;
        self.on_air = to;
        self.switches += 1;
        self.tell(Event::Switched(Switched {
            from: OnAir::Nothing,
            to,
            at: key.due + delay,
            gap: Duration::ZERO,
            repeated: Duration::ZERO,
            skipped: Duration::ZERO,
            delay,
        }));
        self.trim(now);
        true
    }

    fn carry_out(&mut self, to: OnAir, cut: Cut, now: Instant, out: &mut Vec<Emitted>) {
        let before = self.seam.delay_micros();
        let from = self.on_air;
        let Self {
            lanes, seam, run, ..
        } = self;
        let lane = |of| place(lanes.len(), of).and_then(|place| lanes.get(place));
        if let Some(intake) = lane(from).and_then(|lane| lane.run(*run)) {
            seam.finish(intake, cut.end, now, |bytes, due| {
                out.push(Emitted { bytes, due });
            });
        }
        if let Some(lane) = lane(to) {
            let newest = lane.newest();
            let offset = cut.begin - cut.key.begins;
            seam.enter(&newest.intake, cut.key, offset, cut.delay_micros);
            *run = newest.number;
        }
        self.on_air = to;
        self.clock = Some(cut.clock);
        let gap = micros((cut.begin - cut.end) * 100 / 9);
        let switched = Switched {
            from,
            to,
            at: cut.key.due.offset_micros(cut.delay_micros).max(cut.at),
            gap,
            repeated: micros(cut.delay_micros - before),
            skipped: micros(before - cut.delay_micros) + gap,
            delay: micros(cut.delay_micros),
        };
        if self.order.is_some_and(|(ordered, _)| ordered == to) {
            self.order = None;
        }
        if from == to {
            self.tell(Event::Rejoined(switched));
        } else {
            self.switches += 1;
            self.tell(Event::Switched(switched));
        }
        // What is on air is the oldest run of its lane, which is never given up.
        self.trim(now);
    }

    fn is_starved(&self, now: Instant) -> bool {
        let is_dry = matches!(self.stopped, Stopped::Dry | Stopped::Waiting);
        let picture = self.intake().map_or(0, Intake::picture) * 100 / 9;
        let due = self.seam.main_due().map(|due| due.offset_micros(picture));
        is_dry && due.is_some_and(|due| now >= due + STARVED_AFTER)
    }

    /// Whether all is there of what is on air, or of the run of it.
    fn is_over(&self) -> bool {
        let lane = self.place(self.on_air).and_then(|it| self.lanes.get(it));
        lane.is_some_and(|lane| {
            let is_newest = lane.newest().number == self.run;
            !is_newest || lane.run(self.run).is_none_or(Intake::is_ended)
        })
    }

    /// On air at once, where nothing is left; else where what is left ends.
    fn slate_wanted(&self, now: Instant) -> Option<Instant> {
        if self.on_air == OnAir::Slate {
            return Some(now);
        }
        let (_, how) = self.order.filter(|(to, _)| *to == OnAir::Slate)?;
        let end = self
            .intake()
            .and_then(Intake::last_place)
            .filter(|edge| edge.clean)
            .map(|edge| edge.due);
        let end = end.map(|due| due.offset_micros(self.seam.delay_micros()));
        Some(
            end.filter(|_| how == How::Starved)
                .map_or(now, |end| end.max(now)),
        )
    }

    fn deadline_after(&self, now: Instant, at: Option<Instant>) -> Option<Instant> {
        let due = match self.stopped {
            Stopped::NotDue(due) => Some(due - LEAD),
            _ => None,
        };
        let at = at.map(|at| (at - LEAD).max(now + Duration::from_millis(1)));
        let again = self.order.map(|_| now + LOOK_AGAIN);
        [due, at, again].into_iter().flatten().min()
    }

    fn trim(&mut self, now: Instant) {
        let on_air = self.place(self.on_air);
        let next = self.seam.next_index();
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            let playing = next.filter(|_| on_air == Some(place));
            lane.trim(now, playing.map(|next| (self.run, next)));
        }
    }

    fn intake(&self) -> Option<&Intake> {
        self.lanes.get(self.place(self.on_air)?)?.run(self.run)
    }

    fn place(&self, of: OnAir) -> Option<usize> {
        place(self.lanes.len(), of)
    }

    fn lane_mut(&mut self, of: OnAir) -> Option<&mut Lane> {
        let place = self.place(of)?;
        self.lanes.get_mut(place)
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

/// Where the lane is; the slate's is the last.
fn place(lanes: usize, of: OnAir) -> Option<usize> {
    let inputs = lanes.saturating_sub(1);
    match of {
        OnAir::Nothing => None,
        OnAir::Input(index) => Some(index).filter(|&index| index < inputs),
        OnAir::Slate => Some(inputs),
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(micros.max(0).cast_unsigned())
}
