//! A stream as an encoder makes it, and the legs on which it travels.

use crate::twins::{Incoming, Merge, Merged, PrintKey};
use tidegate_mpegts::PACKET_BYTES;
use tidegate_units::{Duration, Instant};

pub(super) const KEY: PrintKey = PrintKey::new([
    0x9E37_79B9_7F4A_7C15,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0x27D4_EB2F_1656_67C5,
]);

pub(super) const VIDEO: u16 = 0x100;
pub(super) const SOUND: u16 = 0x101;
const PMT: u16 = 0x1000;
const CLOCK: u16 = 0x1F0;
/// Packets from one clock reference to the next.
const CLOCK_EVERY: usize = 80;

pub(super) type Bytes188 = [u8; PACKET_BYTES];

/// A packet of the original and when it left.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) bytes: Bytes188,
    pub(super) at: Instant,
}

/// Random numbers that are the same in every run.
#[derive(Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let x = self.0 ^ (self.0 >> 33);
        x.wrapping_mul(0xFF51_AFD7_ED55_8CCD) >> 20
    }

    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.roll().is_multiple_of(many)
    }
}

/// Where a stream has its clock references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clocks {
    None,
    /// In packets that carry pictures.
    Along,
    /// In packets on a PID of their own.
    Alone,
}

/// What varies from stream to stream.
pub(super) struct Shape {
    /// Seeds of the contents of pictures and of sound.
    pub(super) picture: u64,
    pub(super) sound: u64,
    /// One in so many video packets only fills its PID and looks like all of them.
    pub(super) stuffing: Option<u64>,
    pub(super) nulls: bool,
    pub(super) clocks: Clocks,
    /// Micros between packets.
    pub(super) every: u64,
}

impl Shape {
    pub(super) const PLAIN: Self = Self {
        picture: 1,
        sound: 1,
        stuffing: None,
        nulls: false,
        clocks: Clocks::None,
        every: 500,
    };
}

/// `count` packets of a stream: pictures, every seventh packet sound, tables now and then.
pub(super) fn stream(shape: &Shape, count: usize) -> Vec<Sent> {
    let mut counters = std::collections::HashMap::<u16, u8>::new();
    let (mut picture, mut sound) = (Dice(shape.picture), Dice(shape.sound));
    let mut which = Dice(77);
    let mut sent = Vec::new();
    for number in 0..count {
        let (pid, fill) = match number % 200 {
            0 => (0, Some(1)),
            1 => (PMT, Some(2)),
            _ if shape.clocks == Clocks::Alone && number % CLOCK_EVERY == 5 => (CLOCK, Some(0xFF)),
            _ if shape.clocks == Clocks::Along && number % CLOCK_EVERY == 5 => (VIDEO, None),
            _ if shape.nulls && which.one_in(5) => (0x1FFF, Some(3)),
            _ if which.one_in(7) => (SOUND, None),
            _ => match shape.stuffing {
                Some(many) if number / 100 % 3 == 0 && !which.one_in(many) => (VIDEO, Some(0xFF)),
                _ => (VIDEO, None),
            },
        };
        let counter = counters.entry(pid).or_insert(0xFF);
        *counter = counter.wrapping_add(u8::from(pid != CLOCK));
        let mut bytes = [fill.unwrap_or(0); PACKET_BYTES];
        bytes[0] = 0x47;
        bytes[1] = (pid >> 8) as u8;
        bytes[2] = pid as u8;
        bytes[3] = 0x10 | *counter & 0x0F;
        if fill.is_none() {
            let dice = if pid == SOUND {
                &mut sound
            } else {
                &mut picture
            };
            bytes[4..12].copy_from_slice(&dice.roll().to_be_bytes());
        }
        if pid == CLOCK || shape.clocks == Clocks::Along && number % CLOCK_EVERY == 5 {
            let payload = bytes[4..12].to_owned();
            bytes[3] = if pid == CLOCK { 0x20 } else { 0x30 } | *counter & 0x0F;
            bytes[4] = if pid == CLOCK { 183 } else { 7 };
            bytes[5] = 0x10;
            set_clock(&mut bytes, number as i64 * shape.every as i64 * 27);
            bytes[12..20].copy_from_slice(&payload);
        }
        let at = Instant::from_millis(10_000) + Duration::from_micros(shape.every * number as u64);
        sent.push(Sent { bytes, at });
    }
    sent
}

fn set_clock(bytes: &mut Bytes188, ticks: i64) {
    let ticks = ticks.cast_unsigned();
    let field = (ticks / 300) << 15 | 0x7E00 | (ticks % 300);
    bytes[6..12].copy_from_slice(&field.to_be_bytes()[2..]);
}

/// What the clock reference of a packet says, in microseconds.
pub(super) fn clock(bytes: &Bytes188) -> Option<i64> {
    let packet = tidegate_mpegts::Packet::new(bytes)?;
    let pcr = packet.adaptation()?.pcr?;
    Some(pcr.0 as i64 / 27)
}

/// The stream behind a device that sets its clock anew: so many microseconds are added to what
/// the packet of a number says.
pub(super) fn with_clock_anew(sent: &[Sent], micros: impl Fn(usize) -> i64) -> Vec<Sent> {
    let mut all = sent.to_vec();
    for (number, sent) in all.iter_mut().enumerate() {
        if let Some(clock) = clock(&sent.bytes) {
            set_clock(&mut sent.bytes, (clock + micros(number)) * 27);
        }
    }
    all
}

/// A row or a stream, with no clock reference saying anything.
pub(super) fn without_clocks(sent: &[Sent]) -> Vec<Sent> {
    with_clock_anew(sent, |number| -clock(&sent[number].bytes).unwrap_or(0))
}

/// A way from the sender to us.
#[derive(Clone)]
pub(super) struct Leg {
    pub(super) delay: Duration,
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    /// Packets that came in one datagram are due together.
    pub(super) chunk: usize,
    /// Whether it carries the packet of this number.
    pub(super) carries: Vec<bool>,
}

impl Leg {
    pub(super) fn whole(count: usize, delay: u64, latency: u64) -> Self {
        Self {
            delay: Duration::from_millis(delay),
            latency: Duration::from_millis(latency),
            jitter: Duration::ZERO,
            chunk: 7,
            carries: vec![true; count],
        }
    }

    pub(super) fn without(mut self, range: core::ops::Range<usize>) -> Self {
        self.carries[range].fill(false);
        self
    }
}

/// One packet at a leg's end.
#[derive(Clone, Copy)]
struct Arrival {
    input: usize,
    arrived: Instant,
    due: Instant,
    bytes: Bytes188,
}

fn arrivals(input: usize, leg: &Leg, sent: &[Sent]) -> Vec<Arrival> {
    let mut dice = Dice(input as u64 + 5);
    let mut last = Instant::ZERO;
    let mut all = Vec::new();
    for (number, chunk) in sent.chunks(leg.chunk).enumerate() {
        let Some(end) = chunk.last() else { continue };
        let jitter = dice.roll() % (leg.jitter.as_micros() as u64 + 1);
        let arrived = end.at + leg.delay + Duration::from_micros(jitter);
        last = last.max(arrived);
        for (at, sent) in chunk.iter().enumerate() {
            if leg.carries.get(number * leg.chunk + at) == Some(&true) {
                // Without a latency of its own it is due as it arrives.
                let due = if leg.latency.is_zero() {
                    last
                } else {
                    end.at + leg.delay + leg.latency
                };
                all.push(Arrival {
                    input,
                    arrived: last,
                    due,
                    bytes: sent.bytes,
                });
            }
        }
    }
    all
}

/// What a lane handed on, each with the moment it did.
pub(super) type Row = Vec<(Instant, Merged<Bytes188>)>;

/// Sends each stream along its leg and takes every lane's packets each millisecond.
pub(super) fn run(
    merge: &mut Merge<Bytes188>,
    legs: &[(&[Sent], Leg)],
    mut each: impl FnMut(Instant, &mut Merge<Bytes188>),
) -> Vec<Row> {
    let legs_of = legs.iter().enumerate();
    let mut all: Vec<_> = legs_of
        .flat_map(|(input, (sent, leg))| arrivals(input, leg, sent))
        .collect();
    all.sort_by_key(|it| it.arrived);
    let mut rows = vec![Row::new(); legs.len()];
    let Some(mut now) = all.first().map(|it| it.arrived) else {
        return rows;
    };
    let end = all.last().map_or(now, |it| it.arrived) + Duration::from_secs(3);
    let mut all = all.into_iter().peekable();
    while now < end {
        while let Some(it) = all.next_if(|it| it.arrived <= now) {
            merge.push(
                it.input,
                Incoming {
                    bytes: &it.bytes,
                    packet: it.bytes,
                    arrived: it.arrived,
                    due: it.due,
                    lost_before: 0,
                },
            );
        }
        for (lane, row) in rows.iter_mut().enumerate() {
            while let Some(merged) = merge.poll(now, lane) {
                row.push((now, merged));
            }
        }
        each(now, merge);
        now += Duration::from_millis(1);
    }
    rows
}

/// Where two rows first differ; `None` if they do not.
pub(super) fn difference(row: &Row, sent: &[Sent]) -> Option<String> {
    let name = |bytes: Option<&Bytes188>| {
        let number = bytes.and_then(|bytes| sent.iter().position(|it| it.bytes == *bytes));
        format!("{number:?}")
    };
    for at in 0..row.len().max(sent.len()) {
        let (is, should) = (
            row.get(at).map(|it| &it.1.packet),
            sent.get(at).map(|it| &it.bytes),
        );
        if is != should {
            let next = row.get(at + 1).map(|it| &it.1.packet);
            return Some(format!(
                "at {at} of {} / {}: is {}, then {}, should be {}",
                row.len(),
                sent.len(),
                name(is),
                name(next),
                name(should)
            ));
        }
    }
    None
}
