use core::time::Duration;
use std::collections::VecDeque;

use tidegate_netsim::{Chance, Probability};
use tidegate_units::Instant;

use super::machine::{Input, Machine, Role, Side, Turn};
use crate::media;

/// How long a datagram is under way.
const DELAY: Duration = Duration::from_millis(10);
/// Handshakes are over and estimates have settled.
const WARM_UP: Duration = Duration::from_secs(1);

/// A conversation between two machines.
pub(super) struct Talk {
    /// Payloads handed over at once, and how far apart.
    pub(super) burst: usize,
    pub(super) interval: Duration,
    /// Of the caller's datagrams.
    pub(super) loss: Probability,
    pub(super) length: Duration,
}

/// Everything that happened to one side of a talk. A machine is a function of its inputs, so
/// that it does the same again whenever they are played to it, without the other side.
pub(super) struct Tape {
    pub(super) before: Vec<Turn>,
    pub(super) counted: Vec<Turn>,
}

impl Talk {
    /// Lets a caller send to a listener, and records what happens to `side`.
    pub(super) fn record(&self, side: Side, role: impl Fn(Side) -> Role) -> Tape {
        let mut world = World {
            ends: [Side::Caller, Side::Listener].map(|side| End {
                machine: Machine::new(role(side)),
                under_way: VecDeque::new(),
            }),
            chance: Chance::new(1),
            loss: self.loss,
        };
        let mut turns = Vec::new();
        let mut payloads = Payloads::of(self);
        let end = Instant::ZERO + WARM_UP + self.length;
        let mut now = Instant::ZERO;
        while now < end {
            for here in [Side::Caller, Side::Listener] {
                let mut inputs = world.arrivals(here, now);
                if here == Side::Caller && world.is_connected() {
                    inputs.extend(payloads.due(now));
                }
                let turn = Turn { at: now, inputs };
                if world.turn(here, &turn) && here == side {
                    turns.push(turn);
                }
            }
            let next = world.next().into_iter().chain(payloads.next());
            // Time goes on even where somebody asks to be woken at once.
            now = next
                .min()
                .unwrap_or(end)
                .max(now + Duration::from_micros(1));
        }
        let counted = turns.partition_point(|turn| turn.at < Instant::ZERO + WARM_UP);
        let counted = turns.split_off(counted);
        Tape {
            before: turns,
            counted,
        }
    }
}

struct World {
    /// By [`Side`].
    ends: [End; 2],
    chance: Chance,
    loss: Probability,
}

struct End {
    machine: Machine,
    /// What comes to it, and when: in order, because every datagram takes the same time.
    under_way: VecDeque<(Instant, Box<[u8]>)>,
}

impl World {
    fn is_connected(&self) -> bool {
        let connected = |end: &End| !end.machine.connections.is_empty();
        self.ends.iter().all(connected)
    }

    /// What has come to `side`.
    fn arrivals(&mut self, side: Side, now: Instant) -> Vec<Input> {
        let under_way = &mut self.ends[side as usize].under_way;
        let next = || under_way.pop_front_if(|(at, _)| *at <= now);
        core::iter::from_fn(next)
            .map(|(_, bytes)| Input::Datagram(bytes))
            .collect()
    }

    /// Whether there was anything to do.
    fn turn(&mut self, side: Side, turn: &Turn) -> bool {
        let [caller, listener] = &mut self.ends;
        let (here, there) = match side {
            Side::Caller => (caller, listener),
            Side::Listener => (listener, caller),
        };
        let due = here.machine.next_due().is_some_and(|due| due <= turn.at);
        if turn.inputs.is_empty() && !due {
            return false;
        }
        here.machine.turn(turn, |datagram| {
            // Only media gets lost: how a handshake goes is not the matter here.
            let is_media = datagram.len() > media::PAYLOAD_BYTES;
            if !is_media || !self.chance.happens(self.loss) {
                there
                    .under_way
                    .push_back((turn.at + DELAY, datagram.into()));
            }
        });
        true
    }

    fn next(&self) -> Option<Instant> {
        let arrival = |end: &End| end.under_way.front().map(|(at, _)| *at);
        let times = |end: &End| [arrival(end), end.machine.next_due()];
        self.ends.iter().flat_map(times).flatten().min()
    }
}

/// What the caller sends, and when.
struct Payloads<'a> {
    talk: &'a Talk,
    next: Instant,
    number: u64,
}

impl<'a> Payloads<'a> {
    const fn of(talk: &'a Talk) -> Self {
        Self {
            talk,
            // When both sides are connected.
            next: Instant::from_millis(100),
            number: 0,
        }
    }

    fn next(&self) -> Option<Instant> {
        (self.talk.burst > 0).then_some(self.next)
    }

    fn due(&mut self, now: Instant) -> Vec<Input> {
        let mut due = Vec::new();
        while self.next().is_some_and(|at| at <= now) {
            for _ in 0..self.talk.burst {
                due.push(Input::Payload(media::payload(self.number)));
                self.number += 1;
            }
            self.next += self.talk.interval;
        }
        due
    }
}
