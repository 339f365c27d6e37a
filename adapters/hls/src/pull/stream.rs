//! A transport stream out of segments, each packet in its time.

use super::fetch::Piece;
use bytes::Bytes;
use core::time::Duration;
use tidegate_mpegts::{PACKET_BYTES, Packet, Pcr, SYNC_BYTE, Schedule};

/// Packets of one chunk: what fits into a datagram.
const CHUNK_PACKETS: usize = 7;
/// The longest time between the first and the last packet of a chunk: 100 kbit/s fill one.
const CHUNK_TICKS: i64 = TICKS_PER_SECOND / 10;
/// A clock that goes on by more than this between two packets has jumped.
const JUMP_TICKS: i64 = 2 * TICKS_PER_SECOND;
/// Missing segments that are waited for: more of them are no gap but another stream.
pub(super) const WAITED_FOR_MAX: u64 = 5;
/// By how much a segment may be longer than twice what the playlist says.
const LONGER_TICKS: i64 = 10 * TICKS_PER_SECOND;
const TICKS_PER_SECOND: i64 = Pcr::HERTZ.cast_signed();
const TICKS_PER_MICRO: i64 = TICKS_PER_SECOND / 1_000_000;

/// Gives packets their time by the stream's own clock. Nothing is altered.
#[derive(Debug, Default)]
pub(super) struct StreamLine {
    schedule: Schedule<Place>,
    /// The PID whose clock counts.
    clock_pid: Option<u16>,
    last_pcr: Option<Pcr>,
    /// The clock without wraps and jumps, in ticks of 27 MHz.
    time: i64,
    /// Where it may be at the end of this segment.
    latest: i64,
    /// Packets lost in front of the next chunk.
    lost: u32,
    jumps: u64,
}

/// A packet within a segment.
#[derive(Clone, Debug)]
struct Place {
    segment: Bytes,
    at: usize,
    lost: u32,
}

/// Some packets in a row.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    /// On the stream's clock.
    pub(super) at_micros: i64,
    /// Segments lost just before it.
    pub(super) lost: u32,
}

impl StreamLine {
    /// Whether a segment is a transport stream.
    pub(super) fn is_stream(segment: &[u8]) -> bool {
        segment.first() == Some(&SYNC_BYTE)
            && segment
                .get(PACKET_BYTES)
                .is_none_or(|byte| *byte == SYNC_BYTE)
    }

    /// Takes a segment. False: some of it is no transport stream.
    pub(super) fn take(&mut self, piece: &Piece) -> bool {
        let missed = u32::try_from(piece.missed).unwrap_or(u32::MAX);
        self.lost = self.lost.saturating_add(missed);
        // What is missing may be waited for, so that the next one is not late.
        let gap = ticks(piece.duration) * piece.missed.min(WAITED_FOR_MAX).cast_signed();
        let jump_max = JUMP_TICKS + gap;
        // A clock that runs away would be waited for for hours.
        self.latest = self.time + jump_max + 2 * ticks(piece.duration) + LONGER_TICKS;
        self.choose_clock(&piece.data);
        let whole = piece.data.len() / PACKET_BYTES * PACKET_BYTES;
        let mut is_clean = whole == piece.data.len();
        let begins_at = self.time;
        let mut has_clock = false;
        for at in (0..whole).step_by(PACKET_BYTES) {
            let clock = match packet(&piece.data, at) {
                Some(packet) => self.clock(packet, jump_max),
                None => {
                    is_clean = false;
                    None
                }
            };
            has_clock |= clock.is_some();
            self.put(&piece.data, at, clock);
        }
        if !has_clock {
            // Nothing but the playlist says how long it lasts.
            self.time = begins_at.saturating_add(ticks(piece.duration));
            self.last_pcr = None;
            self.schedule.spread(begins_at, self.time);
        }
        is_clean
    }

    /// There is no more.
    pub(super) fn finish(&mut self) {
        self.schedule.finish();
    }

    /// Nothing is left, not even packets that wait for the next time of the clock.
    pub(super) fn is_empty(&self) -> bool {
        self.schedule.is_empty()
    }

    /// How often the clock jumped.
    pub(super) const fn jumps(&self) -> u64 {
        self.jumps
    }

    /// When the next packets belong.
    pub(super) fn next_at_micros(&self) -> Option<i64> {
        self.schedule.next_at().map(|at| at / TICKS_PER_MICRO)
    }

    /// Up to where there is something to play.
    pub(super) const fn end_micros(&self) -> i64 {
        self.time / TICKS_PER_MICRO
    }

    /// The next packets that follow one another in a segment.
    pub(super) fn next(&mut self) -> Option<Chunk> {
        let first = self.schedule.pop()?;
        let begin = first.packet.at;
        let mut end = begin + PACKET_BYTES;
        while end - begin < CHUNK_PACKETS * PACKET_BYTES
            && self.schedule.next_is(|next| {
                let place = &next.packet;
                next.at - first.at <= CHUNK_TICKS
                    && place.at == end
                    && place.segment.as_ptr() == first.packet.segment.as_ptr()
            })
        {
            self.schedule.pop();
            end += PACKET_BYTES;
        }
        Some(Chunk {
            bytes: first.packet.segment.slice(begin..end),
            at_micros: first.at / TICKS_PER_MICRO,
            lost: first.packet.lost,
        })
    }

    fn put(&mut self, segment: &Bytes, at: usize, clock: Option<i64>) {
        let place = Place {
            segment: segment.clone(),
            at,
            lost: core::mem::take(&mut self.lost),
        };
        self.schedule.push(place, clock);
    }

    /// The clock that counted in the segment before, else the first that there is.
    fn choose_clock(&mut self, segment: &Bytes) {
        let mut clocks = (0..segment.len())
            .step_by(PACKET_BYTES)
            .filter_map(|at| packet(segment, at))
            .filter(|packet| packet.adaptation().is_some_and(|found| found.pcr.is_some()))
            .map(Packet::pid);
        let Some(first) = clocks.next() else { return };
        let known = self.clock_pid;
        if known != Some(first) && !clocks.any(|pid| Some(pid) == known) {
            self.clock_pid = Some(first);
            self.last_pcr = None;
        }
    }

    fn clock(&mut self, packet: Packet<'_>, jump_max: i64) -> Option<i64> {
        let pcr = packet.adaptation()?.pcr?;
        if Some(packet.pid()) != self.clock_pid {
            return None;
        }
        if let Some(last) = self.last_pcr.replace(pcr) {
            let step = pcr.since(last).cast_signed();
            if step <= jump_max && self.time.saturating_add(step) <= self.latest {
                self.time = self.time.saturating_add(step);
            } else {
                self.jumps += 1;
            }
        }
        Some(self.time)
    }
}

fn packet(segment: &[u8], at: usize) -> Option<Packet<'_>> {
    Packet::new(segment.get(at..at + PACKET_BYTES)?.try_into().ok()?)
}

fn ticks(duration: Duration) -> i64 {
    let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    micros.saturating_mul(TICKS_PER_MICRO)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of PID 256 with a clock, or filler.
    fn with_clock(pcr: Option<u64>) -> [u8; PACKET_BYTES] {
        let mut packet = [0xff; PACKET_BYTES];
        let Some(pcr) = pcr else {
            packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
            return packet;
        };
        let (base, extension) = (pcr / 300, pcr % 300);
        packet[..6].copy_from_slice(&[0x47, 1, 0, 0x20, 183, 0x10]);
        let word = (base << 15) | (0x3f << 9) | extension;
        packet[6..12].copy_from_slice(&word.to_be_bytes()[2..]);
        packet
    }

    fn piece(clocks: &[Option<u64>], missed: u64) -> Piece {
        let packets: Vec<_> = clocks.iter().map(|clock| with_clock(*clock)).collect();
        Piece {
            data: packets.concat().into(),
            init: None,
            duration: Duration::from_secs(1),
            discontinuity: false,
            missed,
        }
    }

    /// Milliseconds and packets of each chunk.
    fn chunks(line: &mut StreamLine) -> Vec<(i64, usize)> {
        core::iter::from_fn(|| line.next())
            .map(|chunk| (chunk.at_micros / 1000, chunk.bytes.len() / PACKET_BYTES))
            .collect()
    }

    const MS: u64 = 27_000;

    #[test]
    fn packets_are_spread_by_the_clock_across_segments_and_stay_as_they_are() {
        let mut line = StreamLine::default();
        let mut clocks = vec![Some(0)];
        clocks.extend([None; 13]);
        let first = piece(&clocks, 0);
        assert!(line.take(&first));
        assert_eq!(chunks(&mut line), [(0, 1)]);
        line.take(&piece(&[Some(140 * MS), None], 0));
        assert_eq!(chunks(&mut line), [(10, 7), (80, 6), (140, 1)]);
        line.finish();
        assert_eq!(chunks(&mut line), [(140, 1)]);
        let mut line = StreamLine::default();
        line.take(&first);
        line.finish();
        let bytes: Vec<u8> = core::iter::from_fn(|| line.next())
            .flat_map(|chunk| chunk.bytes.to_vec())
            .collect();
        assert_eq!(bytes, first.data);
    }

    #[test]
    fn a_clock_that_wraps_goes_on_and_one_that_jumps_is_joined_on() {
        let mut line = StreamLine::default();
        let wrap = Pcr::PERIOD;
        line.take(&piece(
            &[Some(wrap - 500 * MS), Some(500 * MS), Some(9_000_000 * MS)],
            0,
        ));
        line.take(&piece(&[Some(9_000_100 * MS), Some(5 * MS)], 0));
        let times: Vec<_> = chunks(&mut line).iter().map(|(at, _)| *at).collect();
        assert_eq!((times, line.jumps()), (vec![0, 1000, 1100], 2));
    }

    #[test]
    fn what_is_missing_is_waited_for_and_counted_on_the_next_chunk() {
        let mut line = StreamLine::default();
        line.take(&piece(&[Some(0)], 0));
        assert_eq!(line.next().unwrap().lost, 0);
        line.take(&piece(&[Some(4000 * MS)], 3));
        let next = line.next().unwrap();
        assert_eq!((next.at_micros, next.lost, line.jumps()), (4_000_000, 3, 0));
    }

    #[test]
    fn a_gap_as_long_as_a_day_and_a_clock_that_runs_away_are_not_waited_for() {
        let mut line = StreamLine::default();
        line.take(&piece(&[Some(0)], 0));
        line.take(&piece(&[Some(3_600_000 * MS)], 1 << 40));
        let clocks: Vec<_> = (0..100)
            .map(|n| Some(3_600_000 * MS + n * 1900 * MS))
            .collect();
        line.take(&piece(&clocks, 0));
        assert!(line.end_micros() <= 14_000_000, "{}", line.end_micros());
        assert!(line.jumps() > 90);
        assert_eq!(line.next().unwrap().lost, 0);
        assert_eq!(line.next().unwrap().lost, u32::MAX);
    }

    #[test]
    fn without_a_clock_the_playlist_says_how_long_a_segment_lasts() {
        let mut line = StreamLine::default();
        line.take(&piece(&[None; 70], 0));
        line.take(&piece(&[None; 70], 0));
        let chunks = chunks(&mut line);
        assert_eq!(
            chunks.iter().map(|(_, packets)| packets).sum::<usize>(),
            140
        );
        assert!(
            (1850..=2000).contains(&chunks.last().unwrap().0),
            "{chunks:?}"
        );
    }

    #[test]
    fn what_is_no_transport_stream_is_noticed() {
        assert!(!StreamLine::is_stream(b""));
        assert!(!StreamLine::is_stream(b"ID3 packed audio"));
        let mut broken = piece(&[Some(0), None], 0);
        let mut bytes = broken.data.to_vec();
        bytes[188] = 0;
        bytes.push(0x47);
        broken.data = bytes.into();
        assert!(!StreamLine::default().take(&broken));
    }
}
