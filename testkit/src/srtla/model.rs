//! Our own model of an SRTLA sender, made from the protocol's description alone. Nobody's
//! product behaves exactly like it; it stands for what they have in common.
//!
//! ```text
//!  REG1 ──REG2──▶ REG2 on every link ──REG3──▶ in use ──4 s unheard──▶ REG2 again
//!                       ▲   └─ "no such group" ──▶ REG1           │
//!                       └──────────────────────────────────────────┘
//! ```
//!
//! Without sockets and clocks, so that simulations use it as well (they include this file).

use std::collections::VecDeque;
use std::time::Duration;

use tidegate_units::Instant;

const HOUSEKEEPING: Duration = Duration::from_secs(1);
const UNHEARD_MAX: Duration = Duration::from_secs(4);
/// Packets a link may have under way, in thousandths.
const WINDOW_FIRST: i64 = 20_000;
const WINDOW_LEAST: i64 = 1_000;
const WINDOW_MOST: i64 = 60_000;
const WINDOW_LOST: i64 = 100;
const WINDOW_BUSY: i64 = 29;
const IN_FLIGHT_MAX: usize = 2048;

const KEEPALIVE: u16 = 0x9000;
const ACK: u16 = 0x9100;
const REG1: u16 = 0x9200;
const REG2: u16 = 0x9201;
const REG3: u16 = 0x9202;
const NO_GROUP: u16 = 0x9211;
const SRT_ACK: u16 = 0x8002;
const SRT_NAK: u16 = 0x8003;

/// Where a datagram is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// Over this link to the server.
    Server(usize, Vec<u8>),
    /// To the SRT caller.
    Caller(Vec<u8>),
}

/// What one link has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkFigures {
    /// Data packets sent over it.
    pub sent: u64,
    /// Data packets of it that SRTLA acknowledged.
    pub acknowledged: u64,
    /// Its keepalives that came back unchanged.
    pub keepalives: u64,
    /// SRT acknowledgements that came over it.
    pub srt_acks: u64,
}

#[derive(Debug)]
struct Link {
    in_use: bool,
    last_heard: Instant,
    window: i64,
    in_flight: VecDeque<u32>,
    keepalive: Vec<u8>,
    figures: LinkFigures,
}

/// A sender with several links.
#[derive(Debug)]
pub struct Sender {
    own_half: Vec<u8>,
    /// The bundle's name, once the server has given it.
    id: Option<Vec<u8>>,
    links: Vec<Link>,
    out: VecDeque<Out>,
    next_round: Instant,
    rounds: u64,
    refusals: u64,
}

impl Sender {
    /// A sender that registers from the first round on. `own_half` is its random number.
    #[must_use]
    pub fn new(now: Instant, links: usize, own_half: [u8; 256]) -> Self {
        Self {
            own_half: own_half.to_vec(),
            id: None,
            links: (0..links).map(|_| Link::new(now)).collect(),
            out: VecDeque::new(),
            next_round: now,
            rounds: 0,
            refusals: 0,
        }
    }

    /// Whether the server has taken this link.
    #[must_use]
    pub fn is_in_use(&self, link: usize) -> bool {
        self.links[link].in_use
    }

    /// What this link has seen.
    #[must_use]
    pub fn figures(&self, link: usize) -> LinkFigures {
        self.links[link].figures
    }

    /// The bundle's name, once the server has given it.
    #[must_use]
    pub fn id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }

    /// Answers that were neither a name nor a welcome.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refusals
    }

    /// This link has a new address: it registers anew.
    pub fn renew(&mut self, now: Instant, link: usize) {
        let figures = self.links[link].figures;
        self.links[link] = Link {
            figures,
            ..Link::new(now)
        };
        self.register(link);
    }

    /// The next datagram to be sent.
    pub fn poll_output(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        self.next_round
    }

    /// Registers what is not registered, and keeps the rest alive.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.next_round {
            return;
        }
        self.next_round = now + HOUSEKEEPING;
        self.rounds += 1;
        if self.id.is_none() {
            // One link asks, another one next time.
            let link = (self.rounds - 1) as usize % self.links.len();
            let asked = registration(REG1, &self.own_half);
            self.out.push_back(Out::Server(link, asked));
            return;
        }
        for at in 0..self.links.len() {
            let link = &mut self.links[at];
            if link.in_use && now.saturating_since(link.last_heard) < UNHEARD_MAX {
                link.keepalive = keepalive(self.rounds);
                let bytes = link.keepalive.clone();
                self.out.push_back(Out::Server(at, bytes));
            } else {
                link.in_use = false;
                link.in_flight.clear();
                link.window = WINDOW_FIRST;
                self.register(at);
            }
        }
    }

    /// The caller sends an SRT packet: it leaves over the link with the most room.
    pub fn hear_caller(&mut self, bytes: &[u8]) {
        let room = |link: &Link| link.window / (link.in_flight.len() as i64 + 1);
        let best = (0..self.links.len())
            .filter(|at| self.links[*at].in_use)
            .max_by_key(|at| (room(&self.links[*at]), usize::MAX - at));
        let Some(best) = best else { return };
        if bytes.first().is_some_and(|first| first & 0x80 == 0) {
            let link = &mut self.links[best];
            link.figures.sent += 1;
            link.in_flight.push_back(word(bytes, 0));
            if link.in_flight.len() > IN_FLIGHT_MAX {
                link.in_flight.pop_front();
            }
        }
        self.out.push_back(Out::Server(best, bytes.to_vec()));
    }

    /// The server sends something over a link.
    pub fn hear_server(&mut self, now: Instant, at: usize, bytes: &[u8]) {
        let Some(kind) = bytes.first_chunk().map(|kind| u16::from_be_bytes(*kind)) else {
            return;
        };
        self.links[at].last_heard = now;
        match kind {
            KEEPALIVE => {
                let link = &mut self.links[at];
                link.figures.keepalives += u64::from(link.keepalive == bytes);
            }
            REG2 if self.id.is_none() && bytes[2..130] == self.own_half[..128] => {
                self.id = Some(bytes[2..].to_vec());
                (0..self.links.len()).for_each(|link| self.register(link));
            }
            REG3 => self.links[at].in_use = true,
            ACK => self.acknowledged(at, bytes),
            NO_GROUP => {
                self.refusals += 1;
                self.id = None;
                self.links.iter_mut().for_each(|link| link.in_use = false);
                self.next_round = now;
            }
            _ if (0x9000..=0x92FF).contains(&kind) => self.refusals += 1,
            _ => self.hear_srt(at, kind, bytes),
        }
    }

    fn hear_srt(&mut self, at: usize, kind: u16, bytes: &[u8]) {
        if kind == SRT_ACK && bytes.len() >= 20 {
            self.links[at].figures.srt_acks += 1;
            let next = word(bytes, 4);
            let before = |sequence: u32| next.wrapping_sub(sequence) & 0x7FFF_FFFF < 1 << 30;
            for link in &mut self.links {
                link.in_flight
                    .retain(|sequence| *sequence == next || !before(*sequence));
            }
        }
        if kind == SRT_NAK {
            self.reported_lost(bytes);
        }
        self.out.push_back(Out::Caller(bytes.to_vec()));
    }

    fn acknowledged(&mut self, at: usize, bytes: &[u8]) {
        for index in 1..bytes.len() / 4 {
            let sequence = word(bytes, index);
            let link = &mut self.links[at];
            link.figures.acknowledged += 1;
            // SRT may have acknowledged it before.
            let Some(place) = link.in_flight.iter().position(|sent| *sent == sequence) else {
                continue;
            };
            link.in_flight.remove(place);
            if link.in_flight.len() as i64 * 1000 > link.window {
                link.window += WINDOW_BUSY;
            }
            for link in self.links.iter_mut().filter(|link| link.in_use) {
                link.window = (link.window + 1).min(WINDOW_MOST);
            }
        }
    }

    fn reported_lost(&mut self, bytes: &[u8]) {
        let mut index = 4;
        while index < bytes.len() / 4 {
            let first = word(bytes, index);
            let is_range = first & 1 << 31 != 0 && index + 1 < bytes.len() / 4;
            let last = if is_range {
                word(bytes, index + 1)
            } else {
                first
            };
            index += 1 + usize::from(is_range);
            let first = first & 0x7FFF_FFFF;
            for link in &mut self.links {
                let before = link.in_flight.len();
                link.in_flight
                    .retain(|sequence| !(first..=last).contains(sequence));
                let lost = (before - link.in_flight.len()) as i64;
                link.window = (link.window - lost * WINDOW_LOST).max(WINDOW_LEAST);
            }
        }
    }

    fn register(&mut self, link: usize) {
        if let Some(id) = &self.id {
            self.out
                .push_back(Out::Server(link, registration(REG2, id)));
        }
    }
}

impl Link {
    fn new(now: Instant) -> Self {
        Self {
            in_use: false,
            last_heard: now,
            window: WINDOW_FIRST,
            in_flight: VecDeque::new(),
            keepalive: Vec::new(),
            figures: LinkFigures::default(),
        }
    }
}

fn registration(kind: u16, id: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), id].concat()
}

/// As newer senders do, with something behind the type.
fn keepalive(round: u64) -> Vec<u8> {
    [&KEEPALIVE.to_be_bytes()[..], &round.to_be_bytes()].concat()
}

fn word(bytes: &[u8], index: usize) -> u32 {
    let word = bytes.get(index * 4..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |word| u32::from_be_bytes(*word))
}
