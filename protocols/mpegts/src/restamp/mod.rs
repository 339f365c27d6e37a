//! One stream out of many, or out of the same again and again, whose clock and counters go on.
//!
//! ```text
//! file      pcr 10 11 12 13 ║ 10 11 12 13 ║ 10 …      restart() at each ║
//! out       pcr 10 11 12 13 ║ 14 15 16 17 ║ 18 …      everything moved by the same amount
//! counter       7  8  9 10  ║ 11 12 13 14 ║ 15 …      each PID for itself
//! ```
//!
//! Until the first restart packets pass as they are, to the bit. Behind it, times of program
//! clocks, of PES headers and of splices are moved and continuity counters are counted on;
//! nothing else is touched, and no packet is added or taken away.

pub(crate) mod patch;
mod pid;
mod schedule;
pub(crate) mod splice;
mod tail;

pub use schedule::{Schedule, Scheduled};

use crate::packet::{PACKET_BYTES, PAT_PID, Packet, Pcr};
use crate::psi::Tables;
use patch::{PesTimes, write_pcr};
use pid::{Clock, PidState};
use splice::Splice;
use std::collections::BTreeMap;
use tidegate_codecs::Codec;

/// Ticks of the program clock in one of the 90 kHz clock.
const PCR_TICKS: i64 = 300;
/// A clock that goes on by more than this between two packets of a file has jumped.
const JUMP_TICKS: i64 = 2 * 90_000;
/// Programs whose clocks are followed.
const CLOCKS_MAX: usize = 64;
/// What the clock of the stream may run on for behind the last unit, before it counts.
const TAIL_TICKS: i64 = 9000;

/// Restamps packets.
#[derive(Debug, Default)]
pub struct Restamp {
    /// Added to all times, in ticks of 90 kHz, so that the fraction of a clock stays as it is.
    offset: i64,
    pids: BTreeMap<u16, PidState>,
    /// Behind a restart, until the first time that tells the new offset.
    ends: Option<Ends>,
    /// The PIDs that carry clocks; the first paces.
    clocks: Vec<(u16, Clock)>,
    /// They say which do.
    tables: Tables,
    /// The PIDs that carry splice times.
    splices: Vec<(u16, Splice)>,
    /// Packets since the last restart.
    packets: u64,
    is_changed: bool,
    jumps: u64,
    missed: u64,
}

/// Where what came before the restart ends, as it went out, in ticks of 90 kHz.
#[derive(Clone, Copy, Debug)]
struct Ends {
    clock: Option<i64>,
    /// Of the units of any PID.
    units: Option<i64>,
}

/// What a packet turned out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restamped {
    /// The clock that paces the stream, unwrapped and moved, in ticks of 27 MHz.
    pub clock: Option<i64>,
}

impl Restamp {
    /// Nothing is moved until [`Restamp::restart`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How often the clock jumped where nobody said that the stream begins anew.
    #[must_use]
    pub const fn jumps(&self) -> u64 {
        self.jumps
    }

    /// Heads of PES packets and of splices that were cut in two, whose times were not moved.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// What comes now begins anew, and follows upon what there was.
    pub fn restart(&mut self) {
        let behind = self.offset + self.period();
        let clock = self.clocks.first().and_then(|(_, clock)| clock.first());
        let firsts = self.pids.values().filter_map(PidState::first);
        if let Some(first) = firsts.max().or(clock) {
            self.ends = Some(Ends {
                clock: clock.map(|first| first + behind),
                units: Some(first + behind),
            });
        }
        self.is_changed = true;
        self.packets = 0;
        self.clocks.clear();
        for state in self.pids.values_mut() {
            state.restart(behind);
        }
    }

    /// How long what came since the last restart lasts, in ticks of 90 kHz: so long that on no
    /// PID the next unit comes before the end of the last.
    fn period(&self) -> i64 {
        let units = self.pids.values().filter_map(PidState::period).max();
        let clocks = self.clocks.iter().map(|(_, clock)| clock);
        let least = clocks.clone().filter_map(Clock::period).max().unwrap_or(0);
        let run = clocks
            .filter_map(|clock| clock.extrapolated(self.packets))
            .max();
        match (units, run) {
            (Some(units), Some(run)) if run <= units + TAIL_TICKS => units.max(least),
            (units, run) => units.unwrap_or(0).max(run.unwrap_or(0)).max(least),
        }
    }

    /// Moves one packet's times and counts it on. Damaged packets pass as they are.
    pub fn packet(&mut self, packet: &mut [u8; PACKET_BYTES]) -> Restamped {
        let Some(view) = Packet::new(packet).filter(|packet| !packet.transport_error()) else {
            return Restamped::default();
        };
        let (pid, pcr) = (view.pid(), view.adaptation().and_then(|found| found.pcr));
        let times = PesTimes::find(packet);
        if pcr.is_some_and(|pcr| self.has_jumped(pid, pcr)) || self.has_moved(view) {
            self.jumps += 1;
            self.restart();
        }
        self.packets += 1;
        let decoding = match times {
            PesTimes::At(times) => Some(times.decoding(packet).cast_signed()),
            PesTimes::CutOff => {
                self.missed += 1;
                None
            }
            PesTimes::None => None,
        };
        self.attach(pid, pcr, decoding);
        let clock = pcr.and_then(|pcr| self.clock(pid, pcr));
        if self.is_changed {
            if let Some(pcr) = pcr {
                write_pcr(packet, moved(pcr, self.offset));
            }
            if let PesTimes::At(times) = times {
                times.shift(packet, self.offset);
            }
            if let Some((_, splice)) = self.splices.iter_mut().find(|(known, _)| *known == pid) {
                self.missed += u64::from(!splice.shift(packet, self.offset));
            }
        }
        self.count(pid, packet, decoding);
        Restamped { clock }
    }

    /// The first time behind a restart tells by how much all of them move.
    fn attach(&mut self, pid: u16, pcr: Option<Pcr>, decoding: Option<i64>) {
        let Some(ends) = self.ends else {
            return;
        };
        let clock = pcr.map(to_90khz).zip(ends.clock);
        let unit = decoding.zip(self.pids.get(&pid).and_then(PidState::end).or(ends.units));
        if let Some((first, end)) = clock.or(unit) {
            self.offset = end - first;
            self.ends = None;
        }
    }

    /// Whether the clock cannot have come here by passing alone. With several clocks a jump of
    /// one says nothing about the others.
    fn has_jumped(&self, pid: u16, pcr: Pcr) -> bool {
        let [(clock_pid, clock)] = &self.clocks[..] else {
            return false;
        };
        *clock_pid == pid && clock.jumps(pcr, JUMP_TICKS * PCR_TICKS)
    }

    /// Whether a table says that the clock that paces is on another PID from here on.
    fn has_moved(&mut self, packet: Packet<'_>) -> bool {
        let pid = packet.pid();
        let is_table = pid == PAT_PID || self.tables.map_pids().any(|map| map == pid);
        if !is_table || packet.scrambled() || !self.tables.push(packet) {
            return false;
        }
        self.find_splices();
        let Some(&(pacing, _)) = self.clocks.first() else {
            return false;
        };
        let mut maps = self.tables.programs().filter_map(|(_, map)| map).peekable();
        maps.peek().is_some() && maps.all(|map| map.pcr_pid != pacing)
    }

    fn find_splices(&mut self) {
        let maps = self.tables.programs().filter_map(|(_, map)| map);
        let streams = maps.flat_map(|map| &map.streams);
        let pids = streams.filter(|stream| stream.codec == Codec::Scte35);
        let known = |pid| self.splices.iter().find(|(known, _)| *known == pid);
        let splice = |pid| (pid, known(pid).map_or(Splice::default(), |(_, it)| *it));
        self.splices = pids.map(|stream| splice(stream.pid)).collect();
    }

    /// Takes the clock over; its unwrapped and moved time if it is the one that paces.
    fn clock(&mut self, pid: u16, pcr: Pcr) -> Option<i64> {
        let place = match self.clocks.iter().position(|(known, _)| *known == pid) {
            Some(place) => place,
            None if self.clocks.len() < CLOCKS_MAX => {
                self.clocks.push((pid, Clock::default()));
                self.clocks.len() - 1
            }
            None => return None,
        };
        let time = self.clocks[place].1.see(pcr, self.packets);
        (place == 0).then(|| time + self.offset * PCR_TICKS)
    }

    /// Counts the packet on, and takes over when its unit is decoded.
    fn count(&mut self, pid: u16, packet: &mut [u8; PACKET_BYTES], decoding: Option<i64>) {
        if pid == crate::NULL_PID {
            return;
        }
        let state = self.pids.entry(pid).or_default();
        state.count(packet);
        if let Some(time) = decoding {
            state.see(time.cast_unsigned());
        }
    }
}

const fn to_90khz(pcr: Pcr) -> i64 {
    pcr.0.cast_signed() / PCR_TICKS
}

fn moved(pcr: Pcr, offset: i64) -> Pcr {
    let period = Pcr::PERIOD.cast_signed();
    let ticks = pcr.0.cast_signed() + (offset * PCR_TICKS).rem_euclid(period);
    Pcr(ticks.rem_euclid(period).cast_unsigned())
}
