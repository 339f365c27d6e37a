//! Cuts a transport stream into segments, at key frames.
//!
//! ```text
//!  … P P P a P PAT PMT I P a P P … P a PAT PMT I P …       a: audio, P I: pictures
//!            │                         │
//!            └────── a segment ────────┘   every packet of every PID, in its order
//! ```
//!
//! A segment begins with the tables, so that each can be played by itself. Where the tables
//! do not stand before the key frame, the last ones are repeated there (a repeated packet
//! keeps its counter, ISO/IEC 13818-1, section 2.4.3.3). Nothing else is added or left out.

use crate::tables::Tables;
use bytes::Bytes;
use core::time::Duration;
use tidegate_mpegts::{PACKET_BYTES, Packet, Pcr};
use tidegate_units::Instant;

/// A clock that goes on by more than this between two packets has jumped.
const JUMP_TICKS: u64 = 2 * Pcr::HERTZ;
/// A key frame this much before its time is taken: frame distances are no round numbers.
const EARLY_PERCENT: u32 = 10;

/// How to cut.
#[derive(Clone, Copy, Debug)]
pub struct CutConfig {
    /// How long a segment should be: it ends at the first key frame from then on.
    pub target: Duration,
    /// Without a key frame it ends here.
    pub longest: Duration,
    /// And here, however short it is.
    pub segment_bytes_max: usize,
}

impl CutConfig {
    /// From when on a segment ends at a key frame.
    #[must_use]
    pub fn earliest(&self) -> Duration {
        self.target * (100 - EARLY_PERCENT) / 100
    }
}

/// A segment that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutSegment {
    /// Whole packets, tables first.
    pub data: Bytes,
    /// By the stream's clock.
    pub duration: Duration,
    /// It does not continue what was before.
    pub discontinuity: bool,
    /// It begins with a key frame.
    pub key: bool,
}

/// Cuts one stream.
#[derive(Debug)]
pub struct Cutter {
    config: CutConfig,
    tables: Tables,
    open: Option<Open>,
    /// Since when a key frame is waited for to begin.
    waiting_since: Option<Instant>,
    discontinuity: bool,
    clock: Option<(u16, Pcr)>,
    /// Ticks of 27 MHz since the beginning, over all jumps.
    ticks: u64,
    skipped: u64,
}

/// The segment in the making.
#[derive(Debug)]
struct Open {
    data: Vec<u8>,
    began_ticks: u64,
    began: Instant,
    discontinuity: bool,
    key: bool,
}

impl Cutter {
    /// A cutter that waits for its first key frame.
    #[must_use]
    pub fn new(config: CutConfig) -> Self {
        Self {
            config,
            tables: Tables::default(),
            open: None,
            waiting_since: None,
            discontinuity: false,
            clock: None,
            ticks: 0,
            skipped: 0,
        }
    }

    /// Takes packets that arrived at `now`; every whole segment goes to `finished`.
    pub fn push(&mut self, now: Instant, bytes: &[u8], mut finished: impl FnMut(CutSegment)) {
        for packet in bytes.chunks_exact(PACKET_BYTES) {
            let Some(view) = packet.try_into().ok().and_then(Packet::new) else {
                self.skipped += 1;
                continue;
            };
            self.tables.see(view);
            if self.jumps(view) {
                self.close(now, &mut finished);
                self.discontinuity = true;
            }
            let is_entry = self.tables.is_entry(view);
            if self.open.is_none() {
                if is_entry || self.is_hopeless(now) {
                    self.begin(now, is_entry);
                }
            } else if self.is_time(now, is_entry) {
                let tables = self.take_tables();
                self.close(now, &mut finished);
                self.begin(now, is_entry);
                if let (Some(open), Some(tables)) = (&mut self.open, tables) {
                    open.data = tables;
                }
            }
            match &mut self.open {
                Some(open) => open.data.extend_from_slice(packet),
                None => self.skipped += 1,
            }
        }
    }

    /// The stream broke off, or packets are missing: what comes next begins anew.
    pub fn end(&mut self, now: Instant, mut finished: impl FnMut(CutSegment)) {
        self.close(now, &mut finished);
        self.discontinuity = true;
        self.clock = None;
    }

    /// Something is missing here, but the stream goes on.
    pub const fn lost(&mut self) {
        self.clock = None;
    }

    /// Packets that are in no segment: broken ones, and those before the first key frame.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Follows the clock, also where the tables move it to another PID; whether it has jumped.
    fn jumps(&mut self, packet: Packet<'_>) -> bool {
        let Some(pcr) = packet.adaptation().and_then(|found| found.pcr) else {
            return false;
        };
        let Some((pid, last)) = self.clock else {
            self.clock = Some((packet.pid(), pcr));
            return false;
        };
        if pid != packet.pid() && self.tables.clock_pid() != Some(packet.pid()) {
            return false;
        }
        self.clock = Some((packet.pid(), pcr));
        let step = pcr.since(last);
        if step > JUMP_TICKS {
            return true;
        }
        self.ticks += step;
        false
    }

    /// No key frame has come for so long that none is waited for any more.
    fn is_hopeless(&mut self, now: Instant) -> bool {
        let since = *self.waiting_since.get_or_insert(now);
        now.saturating_since(since) > self.config.longest
    }

    fn begin(&mut self, now: Instant, is_entry: bool) {
        self.waiting_since = None;
        self.open = Some(Open {
            data: self.tables.packets(),
            began_ticks: self.ticks,
            began: now,
            discontinuity: core::mem::take(&mut self.discontinuity),
            key: is_entry,
        });
    }

    fn is_time(&self, now: Instant, is_entry: bool) -> bool {
        let Some(open) = &self.open else { return false };
        let lasted = self.lasted(open, now);
        (is_entry && lasted >= self.config.earliest())
            || lasted >= self.config.longest
            || open.data.len() + PACKET_BYTES > self.config.segment_bytes_max
    }

    /// By the stream's clock; without one, by ours.
    fn lasted(&self, open: &Open, now: Instant) -> Duration {
        if self.clock.is_none() {
            return now.saturating_since(open.began);
        }
        Duration::from_micros((self.ticks - open.began_ticks) / (Pcr::HERTZ / 1_000_000))
    }

    /// The tables at the end of the open segment, which belong to the next one.
    fn take_tables(&mut self) -> Option<Vec<u8>> {
        let open = self.open.as_mut()?;
        let packets = open.data.chunks_exact(PACKET_BYTES).rev();
        let is_table = |packet: &&[u8]| self.tables.is_table(packet);
        let at = open.data.len() - packets.take_while(is_table).count() * PACKET_BYTES;
        // The segment keeps its own.
        let own = self.tables.packets().len();
        let holds_all = at >= own && self.tables.is_complete(&open.data[at..]);
        holds_all.then(|| open.data.split_off(at))
    }

    fn close(&mut self, now: Instant, finished: &mut impl FnMut(CutSegment)) {
        let Some(open) = self.open.take() else { return };
        let lasted = self.lasted(&open, now);
        finished(CutSegment {
            data: open.data.into(),
            duration: lasted.max(Duration::from_millis(1)),
            discontinuity: open.discontinuity,
            key: open.key,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tidegate_mpegts::{Inspector, PAT_PID};

    const CONFIG: CutConfig = CutConfig {
        target: Duration::from_secs(1),
        longest: Duration::from_secs(3),
        segment_bytes_max: 1 << 20,
    };

    fn packet(pid: u16, counter: u8, start: bool) -> [u8; PACKET_BYTES] {
        let mut packet = [0xaa; PACKET_BYTES];
        let [high, low] = pid.to_be_bytes();
        packet[..4].copy_from_slice(&[0x47, high | u8::from(start) << 6, low, 0x10 | counter]);
        packet
    }

    /// A picture's first packet with the clock at so many milliseconds.
    fn picture(millis: u64, key: bool) -> [u8; PACKET_BYTES] {
        let mut first = packet(0x100, 0, true);
        first[3] |= 0x20;
        let word = (millis * 90) << 15 | 0x3f << 9;
        first[4..6].copy_from_slice(&[7, 0x10 | u8::from(key) << 6]);
        first[6..12].copy_from_slice(&word.to_be_bytes()[2..]);
        first
    }

    fn table(pid: u16, section: &[u8]) -> [u8; PACKET_BYTES] {
        let mut packet = packet(pid, 0, true);
        packet[4..].fill(0xff);
        packet[4] = 0;
        let mut section = section.to_vec();
        section.extend_from_slice(&tidegate_mpegts::crc32(&section).to_be_bytes());
        packet[5..5 + section.len()].copy_from_slice(&section);
        packet
    }

    fn tables() -> Vec<u8> {
        tables_of(0)
    }

    /// Tables of a picture, and its clock, on PID 0x100 and so many more.
    fn tables_of(more: u8) -> Vec<u8> {
        let pat = [0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0];
        let pmt = [
            2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, more, 0xf0, 0, 0x1b, 0xe1, more, 0xf0, 0,
        ];
        [table(PAT_PID, &pat), table(0x1000, &pmt)].concat()
    }

    /// Seconds with 25 pictures each, the first a key frame; tables before each where asked.
    fn stream(seconds: u64, tables_each: bool) -> Vec<u8> {
        let mut stream = tables();
        for number in 0..seconds * 25 {
            if tables_each && number > 0 && number % 25 == 0 {
                stream.extend(tables());
            }
            stream.extend(picture(number * 40, number % 25 == 0));
            stream.extend(packet(0x1ff0, 0, false));
        }
        stream
    }

    fn cut(bytes: &[u8], size: usize) -> Vec<CutSegment> {
        let (mut cutter, mut segments) = (Cutter::new(CONFIG), Vec::new());
        for chunk in bytes.chunks(size * PACKET_BYTES) {
            cutter.push(Instant::ZERO, chunk, |segment| segments.push(segment));
        }
        cutter.end(Instant::ZERO, |segment| segments.push(segment));
        segments
    }

    #[test]
    fn segments_begin_with_tables_and_a_key_frame_and_hold_every_packet() {
        let bytes = stream(4, true);
        let segments = cut(&bytes, 7);
        let durations: Vec<_> = segments.iter().map(|it| it.duration.as_millis()).collect();
        assert_eq!(durations, [1000, 1000, 1000, 960]);
        let joined: Vec<u8> = segments.iter().flat_map(|it| it.data.to_vec()).collect();
        assert!(joined == bytes, "nothing is added, nothing left out");
        for segment in &segments {
            assert!(segment.data.starts_with(&tables()) && segment.key);
            assert!(!segment.discontinuity);
        }
    }

    #[test]
    fn tables_that_come_only_once_are_repeated_in_every_segment() {
        let segments = cut(&stream(3, false), 7);
        assert_eq!(segments.len(), 3);
        assert!(segments.iter().all(|it| it.data.starts_with(&tables())));
        let mut inspector = Inspector::new();
        inspector.push(Instant::ZERO, &segments[2].data);
        assert!(inspector.report(Instant::ZERO).has_pmt);
    }

    #[test]
    fn a_clock_that_jumps_ends_a_segment_and_the_next_says_so() {
        let mut bytes = stream(2, true);
        bytes.extend(stream(2, true));
        let segments = cut(&bytes, 7);
        let breaks: Vec<_> = segments.iter().map(|it| it.discontinuity).collect();
        assert_eq!(breaks, [false, false, true, false]);
        assert!(
            segments
                .iter()
                .all(|it| it.duration <= Duration::from_secs(1))
        );
    }

    #[test]
    fn a_picture_that_moves_to_another_pid_takes_its_clock_along() {
        let mut bytes = stream(2, true);
        bytes.extend(tables_of(1));
        for number in 50..125 {
            let mut moved = picture(number * 40, number % 25 == 0);
            moved[2] = 1;
            bytes.extend(moved);
        }
        let durations: Vec<_> = cut(&bytes, 7)
            .iter()
            .map(|it| it.duration.as_millis())
            .collect();
        assert_eq!(durations, [1000, 1000, 1000, 1000, 960]);
    }

    #[test]
    fn without_key_frames_segments_end_at_the_longest() {
        let mut bytes = tables();
        bytes.extend((0..250).flat_map(|number| picture(number * 40, number == 0)));
        let segments = cut(&bytes, 7);
        let durations: Vec<_> = segments.iter().map(|it| it.duration.as_millis()).collect();
        assert_eq!(durations, [3000, 3000, 3000, 960]);
    }

    #[test]
    fn what_comes_before_the_first_key_frame_is_skipped() {
        let mut bytes = tables();
        bytes.extend(picture(0, false));
        bytes.extend(stream(1, true));
        assert_eq!(cut(&bytes, 7)[0].data, stream(1, true));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it_and_no_segment_is_longer_than_allowed(
            bytes in proptest::collection::vec(any::<u8>(), 0..4000),
            size in 1_usize..20,
        ) {
            let mut bytes = bytes;
            for at in (0..bytes.len()).step_by(PACKET_BYTES) {
                bytes[at] = 0x47;
            }
            for segment in cut(&bytes, size) {
                prop_assert!(segment.data.len() % PACKET_BYTES == 0);
                prop_assert!(segment.data.len() <= CONFIG.segment_bytes_max + PACKET_BYTES);
            }
        }
    }
}
