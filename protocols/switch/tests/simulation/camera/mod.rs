//! A synthetic encoder with its line: transport packets that arrive, and when they are due.
//!
//! ```text
//!  a picture's time   sent (clock = sent − start)      arrived              due
//!  ├────────────────────┤── network, jitter, stalls ────┤                    │
//!                       ├────────────── latency ─────────────────────────────┤
//! ```
//!
//! Every access unit and every frame of sound has a number, by which the checker finds what it
//! was when it was made.

pub mod elementary;
pub mod make;
pub mod packets;

use core::ops::Range;
use core::time::Duration;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bytes::Bytes;
use tidegate_netsim::{Chance, Probability};
use tidegate_units::Instant;

use elementary::Kind;
use make::Make;
use packets::Counters;

/// Packets of a datagram.
const DATAGRAM: usize = 7;
/// Units are known to the checker for so long.
pub const REMEMBERED: Duration = Duration::from_secs(60);

/// What a unit was when it was made.
#[derive(Clone, Debug)]
pub struct Unit {
    pub camera: usize,
    /// Counts the starts of the camera.
    pub session: u32,
    /// 0 is the picture, then the sounds.
    pub track: usize,
    /// In the order of the stream.
    pub index: u64,
    pub kind: Kind,
    pub pts: i64,
    pub bytes: usize,
    /// In ticks of 90 kHz.
    pub length: f64,
    /// When its first packet is due.
    pub due: Instant,
    /// Part of it, or all, did not arrive in time.
    pub is_lost: bool,
    /// When it was filmed.
    pub filmed: Instant,
    pub make: Rc<Make>,
}

/// Everything that was made lately.
pub type Registry = Rc<RefCell<Units>>;

/// By their numbers.
pub type Units = BTreeMap<u64, Unit>;

/// Bytes that arrive.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub bytes: Bytes,
    pub arrived: Instant,
    pub due: Instant,
    pub lost_before: u64,
    /// The first of a session.
    pub restarted: bool,
    /// The numbers of the units that it has a part of.
    units: Range<u64>,
}

/// A time in which something is wrong.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    pub from: Instant,
    pub until: Instant,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Nothing arrives; afterwards everything that is not too late does.
    Stall,
    /// The encoder is gone; afterwards it begins anew.
    Gone,
}

pub struct Camera {
    pub number: usize,
    pub troubles: Vec<Trouble>,
    make: Rc<Make>,
    chance: Chance,
    registry: Registry,
    session: Option<Session>,
    sessions: u32,
    next_unit: u64,
    /// Made and not arrived yet.
    on_the_way: VecDeque<Arrival>,
    lost: u64,
    last_arrival: Instant,
}

struct Session {
    start: Instant,
    counters: Counters,
    /// Pictures decoded, and frames of each sound.
    pictures: u64,
    sounds: Vec<u64>,
    next_tables: Instant,
    next_clock: Instant,
    began: bool,
    last_sent: Instant,
}

impl Camera {
    pub fn new(number: usize, make: Make, chance: Chance, registry: Registry) -> Self {
        Self {
            number,
            troubles: Vec::new(),
            make: Rc::new(make),
            chance,
            registry,
            session: None,
            sessions: 0,
            next_unit: 1,
            on_the_way: VecDeque::new(),
            lost: 0,
            last_arrival: Instant::ZERO,
        }
    }

    pub fn make(&self) -> &Make {
        &self.make
    }

    /// Whether a trouble of this kind is under way.
    pub fn is_in(&self, what: What, now: Instant) -> bool {
        let mut troubles = self.troubles.iter();
        troubles.any(|trouble| trouble.what == what && trouble.from <= now && now < trouble.until)
    }

    /// What has arrived until now.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Arrival>) {
        if self.is_in(What::Gone, now) {
            if self.session.take().is_some() {
                // What the line still carries is gone with it.
                let mut registry = self.registry.borrow_mut();
                for arrival in self.on_the_way.drain(..) {
                    for (_, unit) in registry.range_mut(arrival.units) {
                        unit.is_lost = true;
                    }
                }
            }
        } else if self.session.is_none() {
            self.start(now);
        }
        self.film(now);
        while self
            .on_the_way
            .front()
            .is_some_and(|first| first.arrived <= now)
        {
            out.extend(self.on_the_way.pop_front());
        }
        self.troubles
            .retain(|trouble| trouble.until + Duration::from_secs(1) > now);
    }

    fn start(&mut self, now: Instant) {
        if self.sessions > 0 {
            let mut make = Make::clone(&self.make);
            make.base = make::random_base(&mut self.chance);
            self.make = Rc::new(make);
        }
        self.sessions += 1;
        self.session = Some(Session {
            start: now + Duration::from_millis(1),
            counters: Counters::default(),
            pictures: 0,
            sounds: vec![0; self.make.sounds.len()],
            next_tables: now,
            next_clock: now,
            began: false,
            last_sent: now,
        });
    }

    /// Makes what is sent until then, in the order of sending.
    fn film(&mut self, until: Instant) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        let make = self.make.clone();
        loop {
            let picture =
                session.start + ticks(session.pictures as f64 * make.look.frame_ticks as f64);
            let sounds = make.sounds.iter().zip(&session.sounds).enumerate();
            let next_sound = sounds.map(|(track, (sound, frames))| {
                let together = u64::from(sound.together);
                (
                    session.start + ticks(sound_ticks(sound.rate, frames + together)),
                    track,
                )
            });
            let next_sound = next_sound.min();
            match next_sound {
                Some((at, track)) if at < picture && at <= until => {
                    self.film_sound(&mut session, track, at);
                }
                _ if picture <= until => self.film_picture(&mut session, picture),
                _ => break,
            }
        }
        self.session = Some(session);
    }

    fn film_picture(&mut self, session: &mut Session, at: Instant) {
        let make = self.make.clone();
        let frame = make.look.frame_ticks;
        let (kind, display) = order(&make, session.pictures);
        let dts = make.base + make.lead_ticks + session.pictures as i64 * frame;
        let reorder = i64::from(make.look.reordered) * frame;
        let pts = make.base + make.lead_ticks + display as i64 * frame + reorder;
        let id = self.id();
        let with_sets = kind == Kind::Key && (make.look.repeats_sets || session.pictures == 0);
        let size = make.picture_bytes * if kind == Kind::Key { 4 } else { 1 };
        let bytes = size / 2 + self.chance.below(size as u64) as usize;
        let unit = elementary::picture(&make.look, kind, id, bytes, with_sets);
        let pes = packets::pes(0xE0, pts, Some(dts), &unit);
        let pcr = (!make.own_clock).then(|| clock_at(&make, session.start, at));
        let mut packets = self.tables(session, at);
        if make.own_clock {
            let pcr = clock_at(&make, session.start, at);
            packets.push(session.counters.clock(make.pids[0], pcr));
        }
        packets.extend(
            session
                .counters
                .pes(make.pids[1], &pes, pcr, kind == Kind::Key),
        );
        session.next_clock = at;
        let spread = ticks(frame as f64 * f64::from(make.spread_percent) / 100.0);
        let (due, is_lost) = self.send(session, &packets, id..id + 1, at, spread);
        let unit = Unit {
            camera: self.number,
            session: self.sessions,
            track: 0,
            index: session.pictures,
            kind,
            pts,
            bytes,
            length: frame as f64,
            due,
            is_lost,
            filmed: session.start + ticks(display as f64 * frame as f64),
            make,
        };
        self.registry.borrow_mut().insert(id, unit);
        session.pictures += 1;
    }

    fn film_sound(&mut self, session: &mut Session, track: usize, at: Instant) {
        let make = self.make.clone();
        let sound = &make.sounds[track];
        let first = session.sounds[track];
        let start = make.base + make.lead_ticks + sound.offset_ticks;
        let pts_of = |frame: u64| start + sound_ticks(sound.rate, frame).round() as i64;
        let mut payload = Vec::new();
        let mut units = Vec::new();
        for index in first..first + u64::from(sound.together) {
            let id = self.id();
            let bytes = 60 + self.chance.below(60) as usize;
            payload.extend(elementary::sound(id, sound.rate_index, bytes));
            let unit = Unit {
                camera: self.number,
                session: self.sessions,
                track: track + 1,
                index,
                kind: Kind::Sound,
                pts: pts_of(index),
                bytes,
                length: sound_ticks(sound.rate, 1),
                due: at,
                is_lost: false,
                filmed: session.start + ticks(sound_ticks(sound.rate, index)),
                make: make.clone(),
            };
            units.push((id, unit));
        }
        session.sounds[track] += u64::from(sound.together);
        let pes = packets::pes(0xC0 + track as u8, pts_of(first), None, &payload);
        let packets = session.counters.pes(make.pids[2 + track], &pes, None, true);
        let ids = units[0].0..units[0].0 + units.len() as u64;
        let (due, is_lost) = self.send(session, &packets, ids, at, Duration::ZERO);
        let mut registry = self.registry.borrow_mut();
        for (id, mut unit) in units {
            (unit.due, unit.is_lost) = (due, is_lost);
            registry.insert(id, unit);
        }
    }

    fn tables(&self, session: &mut Session, at: Instant) -> Vec<[u8; 188]> {
        if at < session.next_tables {
            return Vec::new();
        }
        session.next_tables = at + Duration::from_millis(50);
        let make = &self.make;
        let mut streams = vec![(0x1B, make.pids[1], None)];
        for (sound, pid) in make.sounds.iter().zip(&make.pids[2..]) {
            streams.push((0x0F, *pid, sound.language));
        }
        let clock = make.pids[usize::from(!make.own_clock)];
        let pat = packets::pat(make.program, make.pmt_pid);
        let pmt = packets::pmt(make.program, clock, &streams);
        let pat = session.counters.section(0, &pat);
        let pmt = session.counters.section(make.pmt_pid, &pmt);
        vec![pat, pmt]
    }

    /// Sends packets in datagrams over a time; when the first of them is due, and whether any was
    /// lost.
    fn send(
        &mut self,
        session: &mut Session,
        packets: &[[u8; 188]],
        units: Range<u64>,
        at: Instant,
        over: Duration,
    ) -> (Instant, bool) {
        let make = self.make.clone();
        let mut is_lost = false;
        let begun = at.max(session.last_sent);
        let groups = packets.len().div_ceil(DATAGRAM).max(1) as u32;
        for (group, datagram) in packets.chunks(DATAGRAM).enumerate() {
            let sent = (at + over * group as u32 / groups).max(session.last_sent);
            session.last_sent = sent;
            let (least, most) = make.network;
            let mut arrived = sent + least + self.chance.duration(most - least);
            let due = sent + make.latency.max(most);
            for trouble in &self.troubles {
                if trouble.what == What::Stall && trouble.from <= arrived && arrived < trouble.until
                {
                    arrived = trouble.until;
                }
            }
            let arrived = arrived.max(self.last_arrival);
            let is_unlucky = self.chance.happens(Probability::percent(make.loss_percent));
            if arrived > due || is_unlucky {
                self.lost += datagram.len() as u64;
                is_lost = true;
                continue;
            }
            self.last_arrival = arrived;
            self.on_the_way.push_back(Arrival {
                bytes: Bytes::from(datagram.concat()),
                arrived,
                due,
                lost_before: core::mem::take(&mut self.lost),
                restarted: !core::mem::replace(&mut session.began, true),
                units: units.clone(),
            });
        }
        (begun + make.latency.max(make.network.1), is_lost)
    }

    fn id(&mut self) -> u64 {
        self.next_unit += 1;
        (self.number as u64) << 56 | self.next_unit
    }
}

/// What is decoded as the `n`th, and as which it is shown.
fn order(make: &Make, n: u64) -> (Kind, u64) {
    let gop = u64::from(make.gop);
    let (start, at) = (n / gop * gop, n % gop);
    if at == 0 {
        return (Kind::Key, start);
    }
    // Behind the key frame come groups: the last one shown is decoded first.
    let group = u64::from(make.between) + 1;
    let (first, within) = ((at - 1) / group * group + 1, (at - 1) % group);
    let last = (first + group - 1).min(gop - 1);
    if within == 0 {
        (Kind::Reference, start + last)
    } else {
        (Kind::Between, start + first + within - 1)
    }
}

fn clock_at(make: &Make, start: Instant, at: Instant) -> u64 {
    let since = at.saturating_since(start).as_micros() as u64;
    make.base as u64 * 300 + since * 27
}

/// Ticks of 90 kHz that frames of sound last.
pub fn sound_ticks(rate: u32, frames: u64) -> f64 {
    frames as f64 * 1024.0 * 90_000.0 / f64::from(rate)
}

/// Ticks of 90 kHz as a time.
pub fn ticks(ticks: f64) -> Duration {
    Duration::from_secs_f64(ticks.max(0.0) / 90_000.0)
}
