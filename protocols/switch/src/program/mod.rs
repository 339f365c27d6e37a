//! What is on air, and what of it is emitted when.

mod types;

pub use types::{Emitted, Event, LaneStatus, Options, Piece, Status, Switched};

use crate::{How, OnAir, Order};
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// Inputs of one program; the slate comes on top.
pub const MAX_INPUTS: usize = 16;
/// Packets are handed over this long before they are to be played out.
const LEAD: Duration = Duration::from_millis(10);
/// Events kept for a caller that does not fetch them; older ones are dropped.
const MAX_EVENTS: usize = 1024;
/// What one input holds back at most.
const MAX_LANE_BYTES: usize = 64 * 1024 * 1024;

/// One program.
#[derive(Debug)]
pub struct Program {
    delay: Duration,
    lanes: Vec<Lane>,
    on_air: OnAir,
    order: Option<(OnAir, How)>,
    events: VecDeque<Event>,
    switches: u64,
}

/// What belongs to one input, which does not know which one it is.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Piece>,
    bytes: usize,
}

impl Program {
    /// A program that shows nothing yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let lanes = options.inputs.min(MAX_INPUTS) + 1;
        Self {
            delay: options.delay,
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            on_air: OnAir::Nothing,
            order: None,
            events: VecDeque::new(),
            switches: 0,
        }
    }

    /// Takes what came of an input, or of the slate. `restarted`: it begins anew here, its times
    /// and counters do not go on.
    pub fn push(&mut self, from: OnAir, mut piece: Piece, _restarted: bool) {
        piece.due += self.delay;
        if let Some(lane) = self.lane_mut(from) {
            lane.bytes += piece.bytes.len();
            lane.waiting.push_back(piece);
            while lane.bytes > MAX_LANE_BYTES {
                let dropped = lane.waiting.pop_front();
                lane.bytes -= dropped.map_or(lane.bytes, |piece| piece.bytes.len());
            }
        }
    }

    /// Nothing more comes of an input before a [`push`](Self::push) that is `restarted`.
    pub fn ended(&mut self, _from: OnAir) {}

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
    }

    /// Appends what is to be handed on now.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Emitted>) {
        if let Some((to, _)) = self.order.take() {
            let from = core::mem::replace(&mut self.on_air, to);
            self.switches += 1;
            self.tell(Event::Switched(Switched {
                from,
                to,
                at: now,
                gap: Duration::ZERO,
                repeated: Duration::ZERO,
                skipped: Duration::ZERO,
                delay: Duration::ZERO,
            }));
        }
        let on_air = self.on_air;
        for lane in 0..self.lanes.len() {
            let is_on_air = self.place(on_air) == Some(lane);
            let lane = &mut self.lanes[lane];
            while lane
                .waiting
                .front()
                .is_some_and(|piece| piece.due <= now + LEAD)
            {
                let Some(piece) = lane.waiting.pop_front() else {
                    break;
                };
                lane.bytes -= piece.bytes.len();
                if is_on_air {
                    out.push(Emitted {
                        bytes: piece.bytes,
                        due: piece.due,
                    });
                }
            }
        }
    }

    /// When [`poll`](Self::poll) has something to do, if nothing is pushed before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let fronts = self.lanes.iter().filter_map(|lane| lane.waiting.front());
        fronts.map(|piece| piece.due - LEAD).min()
    }

    /// What happened, oldest first.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self, _now: Instant) -> Status {
        Status {
            on_air: self.on_air,
            order: self.order,
            is_starved: false,
            delay: Duration::ZERO,
            switches: self.switches,
            slate_wanted: None,
        }
    }

    /// How an input stands, or the slate.
    #[must_use]
    pub fn lane(&self, of: OnAir, _now: Instant) -> LaneStatus {
        let lane = self.place(of).and_then(|place| self.lanes.get(place));
        LaneStatus {
            queue_bytes: lane.map_or(0, |lane| lane.bytes),
            ..LaneStatus::default()
        }
    }

    fn place(&self, of: OnAir) -> Option<usize> {
        let inputs = self.lanes.len() - 1;
        match of {
            OnAir::Nothing => None,
            OnAir::Input(index) => Some(index).filter(|&index| index < inputs),
            OnAir::Slate => Some(inputs),
        }
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
