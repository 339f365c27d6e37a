//! One timeline for all streams of a camera.
//!
//! Every stream counts in a clock of its own, from a number of its own. What they have in
//! common is told in three ways, each better than the one before:
//!
//! ```text
//! when the first packets arrived ──▶ the beginnings named by PLAY ──▶ sender reports (RTCP)
//! ```
//!
//! The first stream with pictures keeps its place; the others are moved to it.

use core::num::NonZeroU32;

use tidegate_units::Instant;

/// Where output times begin, so that none is negative.
const START_TICKS: i64 = 10 * 90_000;
/// Beginnings that differ more from what arrived are not believed: half a second.
const BELIEVED_TICKS: i64 = 45_000;
/// A stream that is off by less stays where it is: 10 ms.
const TOLERATED_TICKS: i64 = 900;
/// Reports that place streams further apart are nonsense.
const APART_MAX_TICKS: i64 = 10 * 90_000;

/// A time stamp of a stream, unwrapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    /// In the stream's clock.
    pub(super) at: i64,
    /// Where the stream is said to begin.
    pub(super) start: i64,
    pub(super) rate_hz: NonZeroU32,
}

/// Places the time stamps of all streams on the 90 kHz clock.
#[derive(Debug)]
pub(super) struct Clock {
    streams: Vec<Stream>,
    /// The stream that the others are moved to.
    leader: usize,
    first_arrival: Option<Instant>,
    /// PLAY named the beginnings.
    is_named: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// What is added to its time stamps, in ticks.
    offset: Option<i64>,
    report: Option<Report>,
}

/// One moment by two clocks, both in ticks.
#[derive(Clone, Copy, Debug)]
struct Report {
    wall: i64,
    at: i64,
}

impl Clock {
    pub(super) fn new(stream_count: usize, leader: usize) -> Self {
        Self {
            streams: vec![Stream::default(); stream_count],
            leader,
            first_arrival: None,
            is_named: false,
        }
    }

    /// Where a frame that arrived just now belongs.
    pub(super) fn place(&mut self, stream: usize, stamp: Stamp, arrived: Instant) -> i64 {
        let ticks = ticks(stamp.at, stamp.rate_hz);
        let Some(known) = self.streams.get(stream) else {
            return ticks;
        };
        if let Some(offset) = known.offset {
            return ticks.saturating_add(offset);
        }
        let named = ticks.saturating_sub(self::ticks(stamp.start, stamp.rate_hz));
        let is_first = self.first_arrival.is_none();
        let first_arrival = *self.first_arrival.get_or_insert(arrived);
        let waited = arrived.saturating_since(first_arrival).as_micros();
        let waited = i64::try_from(waited * 9 / 100).unwrap_or(i64::MAX);
        // Where beginnings are not named, every stream begins with its first packet; and they
        // are named for all of them or for none.
        self.is_named |= named != 0;
        let is_believed = named.saturating_sub(waited).saturating_abs() <= BELIEVED_TICKS;
        let elapsed = if (is_first || self.is_named) && is_believed {
            named
        } else {
            waited
        };
        let offset = START_TICKS.saturating_add(elapsed).saturating_sub(ticks);
        self.streams[stream].offset = Some(offset);
        let is_leader = stream == self.leader;
        let mut others = (0..self.streams.len()).filter(|&other| other != stream);
        let reference = if is_leader {
            others.find(|&other| self.streams[other].is_certain())
        } else {
            Some(self.leader)
        };
        if let Some(reference) = reference {
            self.align(stream, reference);
        }
        let offset = self.streams[stream].offset.unwrap_or(offset);
        ticks.saturating_add(offset)
    }

    /// A sender report: `stamp` was at `ntp`. Whether that moves any stream.
    pub(super) fn report(&mut self, stream: usize, ntp: u64, stamp: Stamp) -> bool {
        let Some(known) = self.streams.get_mut(stream) else {
            return false;
        };
        let wall = (u128::from(ntp) * 90_000) >> 32;
        known.report = Some(Report {
            wall: i64::try_from(wall).unwrap_or(i64::MAX),
            at: ticks(stamp.at, stamp.rate_hz),
        });
        let leader = self.leader;
        let is_leader = stream == leader;
        let moving = (0..self.streams.len()).filter(|&one| one != leader);
        let mut moved = false;
        for one in moving.filter(|&one| is_leader || one == stream) {
            moved |= self.align(one, leader);
        }
        moved
    }

    /// Whether every stream has been reported about.
    pub(super) fn is_certain(&self, streams: impl IntoIterator<Item = usize>) -> bool {
        let mut known = streams.into_iter().map(|stream| self.streams.get(stream));
        known.all(|stream| stream.is_some_and(|stream| stream.report.is_some()))
    }

    /// Moves a stream to where the reports see it beside another.
    fn align(&mut self, stream: usize, beside: usize) -> bool {
        let reference = self.streams.get(beside).copied().unwrap_or_default();
        let (Some(lead), Some(leads)) = (reference.report, reference.offset) else {
            return false;
        };
        let Some((own, offset)) = self.streams[stream].report.zip(self.streams[stream].offset)
        else {
            return false;
        };
        let later = own.wall.saturating_sub(lead.wall);
        let there = lead.at.saturating_add(leads).saturating_add(later);
        let wanted = there.saturating_sub(own.at);
        let away = wanted.saturating_sub(offset).saturating_abs();
        let moves = (TOLERATED_TICKS..=APART_MAX_TICKS).contains(&away);
        if moves {
            self.streams[stream].offset = Some(wanted);
        }
        moves
    }
}

impl Stream {
    /// It has a place, and it is known when its time stamps were.
    const fn is_certain(&self) -> bool {
        self.offset.is_some() && self.report.is_some()
    }
}

fn ticks(at: i64, rate_hz: NonZeroU32) -> i64 {
    let ticks = i128::from(at) * 90_000 / i128::from(rate_hz.get());
    i64::try_from(ticks).unwrap_or(if ticks < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const VIDEO: usize = 0;
    const AUDIO: usize = 1;

    fn stamp(at: i64, start: i64, rate_hz: u32) -> Stamp {
        let rate_hz = NonZeroU32::new(rate_hz).unwrap();
        Stamp { at, start, rate_hz }
    }

    fn video(at: i64) -> Stamp {
        stamp(at, 5000, 90_000)
    }

    fn ms(count: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(count)
    }

    /// Seconds to NTP's format.
    fn ntp(millis: u64) -> u64 {
        ((u128::from(millis) << 32) / 1000) as u64
    }

    #[test]
    fn named_beginnings_count_more_than_arrival() {
        let mut clock = Clock::new(2, VIDEO);
        let first = clock.place(VIDEO, video(5000), ms(0));
        // 100 ms after its beginning, although it arrived after 500 ms.
        let sound = clock.place(AUDIO, stamp(14_800, 10_000, 48_000), ms(500));
        assert_eq!(sound - first, 9000);
        let next = clock.place(AUDIO, stamp(14_800 + 1024, 10_000, 48_000), ms(520));
        assert_eq!(next - sound, 1920);
    }

    #[test]
    fn the_stream_that_others_are_named_from_is_named_as_well() {
        let mut clock = Clock::new(2, VIDEO);
        // The picture comes first, but begins 80 ms after the sound.
        let picture = clock.place(VIDEO, video(5000 + 7200), ms(0));
        let sound = clock.place(AUDIO, stamp(77, 77, 8000), ms(300));
        assert_eq!(sound - picture, -7200);
    }

    #[test]
    fn reports_that_come_before_the_first_frame_count_at_once() {
        for order in [[VIDEO, AUDIO], [AUDIO, VIDEO]] {
            let mut clock = Clock::new(2, VIDEO);
            assert!(!clock.is_certain([VIDEO, AUDIO]));
            clock.report(VIDEO, ntp(50_000), video(5000));
            clock.report(AUDIO, ntp(50_000), stamp(100, 100, 48_000));
            assert!(clock.is_certain([VIDEO, AUDIO]));
            let mut places = [0, 0];
            for stream in order {
                // What is named says that the picture is 700 ms later.
                let stamp = [stamp(5000, -58_000, 90_000), stamp(100, 100, 48_000)][stream];
                places[stream] = clock.place(stream, stamp, ms(0));
            }
            assert!((places[VIDEO] - places[AUDIO]).abs() <= 1, "{places:?}");
        }
    }

    #[test]
    fn without_named_beginnings_arrival_counts() {
        let mut clock = Clock::new(2, VIDEO);
        let first = clock.place(VIDEO, video(5000), ms(0));
        let sound = clock.place(AUDIO, stamp(77, 77, 8000), ms(300));
        assert_eq!(sound - first, 27_000);
    }

    #[test]
    fn a_beginning_that_is_nonsense_is_not_believed() {
        let mut clock = Clock::new(2, VIDEO);
        let first = clock.place(VIDEO, stamp(3_000_000_000, 0, 90_000), ms(0));
        let sound = clock.place(AUDIO, stamp(2_000_000_000, 5, 48_000), ms(20));
        assert_eq!(sound - first, 1800);
    }

    #[test]
    fn reports_correct_what_was_guessed() {
        let mut clock = Clock::new(2, VIDEO);
        let first = clock.place(VIDEO, video(5000), ms(0));
        clock.place(AUDIO, stamp(100, 100, 48_000), ms(300));
        assert!(!clock.report(VIDEO, ntp(50_000), video(5000)));
        // The sound of this very moment has time stamp 100.
        assert!(clock.report(AUDIO, ntp(50_000), stamp(100, 100, 48_000)));
        let sound = clock.place(AUDIO, stamp(48_100, 100, 48_000), ms(1300));
        assert!((sound - first - 90_000).abs() <= 1, "{sound} {first}");
        // Less than 10 ms of drift is left alone.
        assert!(!clock.report(AUDIO, ntp(51_009), stamp(48_100, 100, 48_000)));
        assert!(clock.report(AUDIO, ntp(51_040), stamp(48_100, 100, 48_000)));
    }

    #[test]
    fn reports_of_clocks_that_know_nothing_of_each_other_are_ignored() {
        let mut clock = Clock::new(2, VIDEO);
        clock.place(VIDEO, video(5000), ms(0));
        clock.place(AUDIO, stamp(100, 100, 48_000), ms(0));
        clock.report(VIDEO, u64::MAX, video(5000));
        assert!(!clock.report(AUDIO, 0, stamp(i64::MAX, 0, 1)));
    }
}
