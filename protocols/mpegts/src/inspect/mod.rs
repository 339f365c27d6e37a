//! A light look at a transport stream: what it contains and what is wrong with it.
//!
//! Every packet costs a few nanoseconds: its PID's counters. Only the packets in which
//! a picture or an audio packet begins are looked into, up to the first slice, and only so
//! many of them: whoever sends the stream pays with somebody else's time.

mod audio;
mod effort;
mod pid;
mod program;
mod pulse;
mod report;
mod video;

pub use report::{AudioReport, MediaReport, ProgramReport, TrackReport, VideoReport};

use tidegate_units::{Bitrate, Duration, Instant};

use self::effort::Effort;
use self::pid::{Content, PidState};
use self::program::ProgramClock;
use crate::continuity::Verdict;
use crate::packet::{NULL_PID, PACKET_BYTES, PAT_PID, Packet};
use crate::psi::Tables;
use crate::slicer::Slicer;
use crate::tr101290::flow::Flow;
use crate::tr101290::recurrence::Recurrence;
use crate::tr101290::{Pulse, TABLE_LATE, Tr101290};

/// Bitrates and the like are figures of windows this long.
const WINDOW: Duration = Duration::from_secs(1);
/// PIDs counted one by one; packets of further ones are counted together.
const MAX_COUNTED_PIDS: usize = 256;
/// Changes of the tables that are followed in a window; the rest wait for the next one. Each
/// costs as much as hundreds of packets, and the sender decides how many there are.
const MAX_FOLLOWED: u32 = 64;
const PIDS: usize = 8192;
const SLOT_NONE: u16 = u16::MAX;

/// Looks at a transport stream as it passes.
#[derive(Debug)]
pub struct Inspector {
    slicer: Slicer,
    core: Core,
}

#[derive(Debug)]
struct Core {
    tables: Tables,
    /// Where each PID's state is.
    slots: Box<[u16]>,
    pids: Vec<PidState>,
    clocks: Vec<ProgramClock>,
    /// Changes of the tables followed in this window, and whether one waits.
    followed: u32,
    unfollowed: bool,
    effort: Effort,
    window_start: Option<Instant>,
    /// Packets before the window that runs.
    old_packets: u64,
    bitrate: Bitrate,
    packets: u64,
    null_packets: u64,
    transport_errors: u64,
    scrambled_packets: u64,
    last_packet: Option<Instant>,
    flow: Flow,
    /// When the packets came that are being looked at.
    now: Moment,
    /// The stream's own time at the last packet.
    last_flow: Instant,
    /// When a sync byte was missing last.
    sync_lost: Option<Instant>,
    /// What is counted here; the rest is with the PIDs and clocks.
    counted: Tr101290,
}

/// When a packet came.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    arrived: Instant,
    /// By the stream's own time.
    flow: Instant,
}

impl Default for Inspector {
    fn default() -> Self {
        Self::new()
    }
}

impl Inspector {
    /// An inspector that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            slicer: Slicer::new(),
            core: Core::new(),
        }
    }

    /// Looks at bytes that arrived at `now`, divided anyhow.
    pub fn push(&mut self, now: Instant, bytes: &[u8]) {
        let Self { slicer, core } = self;
        core.roll_window(now);
        core.flow.advance(now);
        core.now = Moment {
            arrived: now,
            flow: core.flow.now(),
        };
        let before = core.packets;
        let sync_losses = slicer.sync_losses();
        slicer.push(bytes, |packet| core.packet(packet));
        if slicer.sync_losses() > sync_losses {
            core.sync_lost = Some(now);
        }
        if core.packets > before {
            core.last_packet = Some(now);
            core.last_flow = core.now.flow;
        }
    }

    /// What is known at `now`.
    #[must_use]
    pub fn report(&self, now: Instant) -> MediaReport {
        report::build(self, now)
    }

    /// What decides now whether the stream can be on air. Costs little, and allocates nothing.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        pulse::pulse(self)
    }

    /// What measuring instruments count, since the looking began.
    #[must_use]
    pub fn tr101290(&self) -> Tr101290 {
        pulse::tr101290(self)
    }

    /// Forgets everything: another stream follows.
    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

impl Core {
    fn new() -> Self {
        Self {
            tables: Tables::default(),
            slots: vec![SLOT_NONE; PIDS].into_boxed_slice(),
            pids: Vec::new(),
            clocks: Vec::new(),
            followed: 0,
            unfollowed: false,
            effort: Effort::default(),
            window_start: None,
            old_packets: 0,
            bitrate: Bitrate::ZERO,
            packets: 0,
            null_packets: 0,
            transport_errors: 0,
            scrambled_packets: 0,
            last_packet: None,
            flow: Flow::default(),
            now: Moment::default(),
            last_flow: Instant::ZERO,
            sync_lost: None,
            counted: Tr101290::default(),
        }
    }

    fn packet(&mut self, packet: Packet<'_>) {
        self.packets += 1;
        if packet.transport_error() {
            self.transport_errors += 1;
            self.counted.transport.last = Some(self.now.arrived);
            return; // nothing in it can be trusted, its PID included
        }
        let pid = packet.pid();
        if pid == NULL_PID {
            self.null_packets += 1;
            return;
        }
        let Some(index) = self.index_of(pid) else {
            return;
        };
        let state = &mut self.pids[index];
        let verdict = state.count(&self.now, packet);
        if packet.scrambled() {
            self.scrambled_packets += 1;
            if matches!(state.content, Content::Table(_)) {
                self.table_error(pid, 1);
            }
            return;
        }
        match &mut state.content {
            _ if verdict == Verdict::Repeats => {}
            Content::Table(_) => self.table_packet(index, packet, verdict),
            Content::Video(video) if video.wants(packet) => {
                video.packet(self.now, packet, verdict, &mut self.effort);
            }
            Content::Audio(audio) => audio.packet(self.now, packet, &mut self.effort),
            Content::Video(_) | Content::Other => {}
        }
        if packet.has_adaptation() {
            self.clock_packet(packet);
        }
    }

    fn index_of(&mut self, pid: u16) -> Option<usize> {
        match self.slots[usize::from(pid)] {
            SLOT_NONE => self.add_pid(pid),
            slot => Some(usize::from(slot)),
        }
    }

    #[cold]
    fn add_pid(&mut self, pid: u16) -> Option<usize> {
        if self.pids.len() == MAX_COUNTED_PIDS {
            return None;
        }
        let content = if pid == PAT_PID {
            Content::Table(Recurrence::default())
        } else {
            Content::Other
        };
        self.slots[usize::from(pid)] = u16::try_from(self.pids.len()).ok()?;
        self.pids.push(PidState::new(pid, content));
        Some(self.pids.len() - 1)
    }

    fn table_packet(&mut self, index: usize, packet: Packet<'_>, verdict: Verdict) {
        let now = self.now;
        if verdict == Verdict::Gap {
            self.tables.lost(packet.pid());
        }
        let taken = self.tables.take(packet);
        self.counted.crc.add(taken.damaged, now.arrived);
        let is_late = match &mut self.pids[index].content {
            Content::Table(recurrence) if taken.whole => recurrence.came(now.flow, TABLE_LATE),
            _ => false,
        };
        let wrong = u64::from(is_late) + u64::from(taken.foreign);
        self.table_error(packet.pid(), wrong);
        if taken.changed {
            self.unfollowed = true;
            self.follow_tables();
        }
    }

    fn table_error(&mut self, pid: u16, count: u64) {
        let tally = if pid == PAT_PID {
            &mut self.counted.pat
        } else {
            &mut self.counted.pmt
        };
        tally.add(count, self.now.arrived);
    }

    fn clock_packet(&mut self, packet: Packet<'_>) {
        let Some(adaptation) = packet.adaptation() else {
            return;
        };
        let Some(pcr) = adaptation.pcr else { return };
        for clock in self
            .clocks
            .iter_mut()
            .filter(|clock| clock.pid == packet.pid())
        {
            clock.tick(self.now.arrived, pcr, adaptation.discontinuity);
        }
    }

    /// Gives every PID the role the tables give it. What a PID has counted stays.
    fn follow_tables(&mut self) {
        if !self.unfollowed || self.followed == MAX_FOLLOWED {
            return;
        }
        self.unfollowed = false;
        self.followed += 1;
        let mut named: Vec<u16> = self.tables.map_pids().collect();
        let maps: Vec<_> = self
            .tables
            .programs()
            .filter_map(|(program, map)| Some((program.number, map?.clone())))
            .collect();
        named.extend(
            maps.iter()
                .flat_map(|(_, map)| map.streams.iter().map(|s| s.pid)),
        );
        self.make_room(&named);
        for pid in self.tables.map_pids().collect::<Vec<_>>() {
            if let Some(index) = self.index_of(pid) {
                let content = &mut self.pids[index].content;
                if !matches!(content, Content::Table(_)) {
                    *content = Content::Table(Recurrence::default());
                }
            }
        }
        for (_, map) in &maps {
            for stream in &map.streams {
                if let Some(index) = self.index_of(stream.pid) {
                    let late = self.pids[index].play(self.now, stream);
                    self.counted.pts.merge(late);
                }
            }
        }
        let clocks = maps.iter().map(|(number, map)| {
            let known = self
                .clocks
                .iter()
                .find(|c| (c.program, c.pid) == (*number, map.pcr_pid));
            known
                .cloned()
                .unwrap_or_else(|| ProgramClock::new(*number, map.pcr_pid))
        });
        let clocks: Vec<_> = clocks.collect();
        for old in core::mem::replace(&mut self.clocks, clocks) {
            let same = |clock: &ProgramClock| (clock.program, clock.pid) == (old.program, old.pid);
            if !self.clocks.iter().any(same) {
                self.counted.pcr_repetition.merge(old.late);
                self.counted.pcr_discontinuity.merge(old.jumps);
            }
        }
    }

    /// Forgets PIDs no table names, where they would keep named ones from being counted.
    fn make_room(&mut self, named: &[u16]) {
        let new = named
            .iter()
            .filter(|&&pid| self.slots[usize::from(pid)] == SLOT_NONE)
            .count();
        if self.pids.len() + new <= MAX_COUNTED_PIDS {
            return;
        }
        let forgotten = |state: &PidState| state.pid != PAT_PID && !named.contains(&state.pid);
        for state in self.pids.iter().filter(|state| forgotten(state)) {
            self.counted.continuity.merge(state.gaps);
            self.counted.pts.merge(state.late_times());
        }
        self.pids.retain(|state| !forgotten(state));
        self.slots.fill(SLOT_NONE);
        for (slot, state) in (0_u16..).zip(&self.pids) {
            self.slots[usize::from(state.pid)] = slot;
        }
    }

    fn roll_window(&mut self, now: Instant) {
        let Some(start) = self.window_start else {
            self.window_start = Some(now);
            return;
        };
        let elapsed = now.saturating_since(start);
        if elapsed < WINDOW {
            return;
        }
        self.bitrate = rate(self.packets - self.old_packets, elapsed);
        self.old_packets = self.packets;
        self.window_start = Some(now);
        let flow = self.flow.now();
        for state in &mut self.pids {
            state.roll(elapsed);
            if state.stays_away(flow) {
                self.counted.pid.add(1, now);
            }
        }
        for clock in &mut self.clocks {
            clock.roll();
        }
        self.effort.renew();
        self.followed = 0;
        self.follow_tables();
    }
}

fn rate(packets: u64, elapsed: Duration) -> Bitrate {
    Bitrate::of(packets * PACKET_BYTES as u64, elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crc32;

    const PMT_PID: u16 = 0x100;

    fn table_packet(pid: u16, counter: u8, table: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut packet = vec![0x47, 0x40 | high, low, 0x10 | (counter & 15), 0];
        packet.extend(table);
        packet.extend(crc32(table).to_be_bytes());
        packet.resize(PACKET_BYTES, 0xFF);
        packet
    }

    const PAT: [u8; 12] = [0x00, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 1, 0xE1, 0x00];
    const H264: u8 = 0x1B;
    const LATM: u8 = 0x11;

    /// A program map that names one PID.
    fn map(version: u8, stream_type: u8, pid: u8) -> Vec<u8> {
        let mut table = vec![0x02, 0xB0, 18, 0, 1, 0xC1 | ((version & 31) << 1), 0, 0];
        table.extend([0xE1, pid, 0xF0, 0, stream_type, 0xE1, pid, 0xF0, 0]);
        table
    }

    /// A packet of PID 0x101 in which something with a time stamp begins.
    fn beginning(counter: u32, content: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x47, 0x41, 1, 0x10 | (counter & 15) as u8];
        packet.extend([0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1]);
        packet.extend(content);
        packet.resize(PACKET_BYTES, 0x59);
        packet
    }

    /// Looks at a stream of one PID in each of whose packets something begins; twice as many
    /// as are looked into.
    fn flooded(stream_type: u8, content: &[u8]) -> Inspector {
        let mut inspector = Inspector::new();
        let now = Instant::ZERO;
        inspector.push(now, &table_packet(PAT_PID, 0, &PAT));
        inspector.push(now, &table_packet(PMT_PID, 0, &map(0, stream_type, 1)));
        for counter in 0..2 * effort::MAX_LOOKS {
            inspector.push(now, &beginning(counter, content));
        }
        inspector
    }

    const SPS_PPS_IDR: &[u8] = &[
        0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0, 0, 3,
        0, 4, 0, 0, 3, 0, 0xC8, 0x3C, 0x60, 0xC6, 0x58, 0, 0, 1, 0x68, 0xEB, 0xE3, 0xCB, 0x22,
        0xC0, 0, 0, 1, 0x65, 0x88, 0x84, 0x00, 0x33,
    ];

    #[test]
    fn a_sender_of_a_picture_in_every_packet_is_looked_at_now_and_then() {
        let slice = [0, 0, 1, 0x41, 0x9A, 0x24];
        let mut inspector = flooded(H264, &slice);
        let looks = u64::from(effort::MAX_LOOKS);
        assert_eq!(inspector.core.effort.overlooked, looks);
        inspector.push(Instant::ZERO, &beginning(0, SPS_PPS_IDR));
        let report = inspector.report(Instant::ZERO);
        assert_eq!(report.overlooked, looks + 1);
        assert_eq!(report.video.and_then(|video| video.width), None);
        // Those who send in the next window are looked at again.
        let later = Instant::from_millis(1000);
        inspector.push(later, &beginning(1, SPS_PPS_IDR));
        let report = inspector.report(later);
        assert_eq!(report.video.and_then(|video| video.width), Some(1920));
        assert_eq!(
            (report.overlooked, report.continuity_errors),
            (looks + 1, 0)
        );
    }

    #[test]
    fn a_sender_whose_audio_never_begins_with_a_header_is_searched_now_and_then() {
        let inspector = flooded(LATM, &[]);
        let looked = effort::MAX_LOOKS;
        let overlooked = u64::from(looked + (looked - effort::MAX_SEARCHES));
        assert_eq!(inspector.report(Instant::ZERO).overlooked, overlooked);
    }

    #[test]
    fn a_sender_that_changes_its_tables_all_the_time_is_followed_now_and_then() {
        let mut inspector = Inspector::new();
        let now = Instant::from_millis(0);
        inspector.push(now, &table_packet(PAT_PID, 0, &PAT));
        for change in 0..200 {
            let map = map(change, H264, 1 + change);
            inspector.push(now, &table_packet(PMT_PID, change, &map));
        }
        assert_eq!(inspector.core.followed, MAX_FOLLOWED);
        let last = usize::from(PMT_PID) + 200;
        assert_eq!(inspector.core.slots[last], SLOT_NONE);
        inspector.push(Instant::from_millis(1000), &[0xFF; 4]);
        assert_eq!(inspector.core.followed, 1);
        assert_ne!(inspector.core.slots[last], SLOT_NONE);
    }
}
