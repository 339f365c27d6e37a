use crate::limits::{LEDGER_FRAMES, UNANSWERED_TICKS};
use std::collections::VecDeque;
use tidegate_units::Instant;

/// Where ffmpeg's clock begins: late enough for what an encoder puts in front.
const BEGIN: i64 = 10 * 90_000;
/// A frame that comes so much after the last one's end has a gap in front, which becomes
/// silence; more is a jump, over which ffmpeg's clock goes on evenly.
const GAP_TICKS: i64 = 90_000;
/// As much may a frame overlap the last one: times are rounded, and clocks drift.
const OVERLAP_TICKS: i64 = 1_800;
/// What an encoder and a resampler may put in front of the first sample.
const PRIMING_TICKS: i64 = 9_000;
/// Sound that comes out may be later by this than the last that went in: a frame being filled.
const BEYOND_TICKS: i64 = 45_000;
/// The longest that one PES packet lasts.
const PES_TICKS: i64 = 90_000;
const TICKS_PER_MILLI: i64 = 90;

/// Which time of ffmpeg's clock was which time of the stream, 90 kHz both.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    frames: VecDeque<Entry>,
    /// The first frame of the PES packet under way: all of them have its stamp.
    first_of_pes: Option<(Instant, i64)>,
    /// The end of what came out last.
    answered: Option<i64>,
    jumps: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    child: i64,
    place: Place,
    duration: i64,
}

/// A place in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Presentation time, without wraps, 90 kHz.
    pub pts: i64,
    /// When it came.
    pub arrived: Instant,
    /// When it is to be played out.
    pub due: Instant,
}

impl Ledger {
    /// A frame of the stream goes in: its time on ffmpeg's clock; `None` if ffmpeg owes too
    /// much already.
    pub(super) fn enter(&mut self, mut place: Place, duration: i64) -> Option<i64> {
        let child = match self.frames.back() {
            None => BEGIN,
            Some(last) => {
                let off = place
                    .pts
                    .saturating_sub(last.place.pts)
                    .saturating_sub(last.duration);
                if (-OVERLAP_TICKS..=GAP_TICKS).contains(&off) {
                    last.child + (last.duration + off).max(1)
                } else {
                    self.jumps += 1;
                    last.child + last.duration.max(1)
                }
            }
        };
        let answered = self.answered.unwrap_or(BEGIN);
        if child - answered > UNANSWERED_TICKS || self.frames.len() >= LEDGER_FRAMES {
            return None;
        }
        self.spread(&mut place);
        self.frames.push_back(Entry {
            child,
            place,
            duration,
        });
        Some(child)
    }

    /// The frames of one PES packet came one after the other, though only the first is stamped.
    fn spread(&mut self, place: &mut Place) {
        let first = self.first_of_pes;
        let first = first.filter(|(arrived, _)| *arrived == place.arrived);
        let (_, pts) = first.unwrap_or((place.arrived, place.pts));
        self.first_of_pes = Some((place.arrived, pts));
        let later = place.pts.saturating_sub(pts).clamp(0, PES_TICKS);
        let micros = later * 1000 / TICKS_PER_MILLI;
        place.arrived = place.arrived.offset_micros(micros);
        place.due = place.due.offset_micros(micros);
        // The next packet may come sooner than this one lasts; its frames still follow these.
        if let Some(last) = self.frames.back() {
            place.arrived = place.arrived.max(last.place.arrived);
            place.due = place.due.max(last.place.due);
        }
    }

    /// Sound comes out: where it belongs. `None`: nowhere, so that ffmpeg is confused.
    pub(super) fn find(&mut self, child: i64) -> Option<Place> {
        while self.frames.get(1).is_some_and(|next| next.child <= child) {
            self.frames.pop_front();
        }
        let entry = self.frames.front()?;
        let off = child - entry.child;
        if !(-PRIMING_TICKS..=entry.duration + GAP_TICKS + BEYOND_TICKS).contains(&off) {
            return None;
        }
        self.answered = Some(child);
        Some(Place {
            pts: entry.place.pts.saturating_add(off),
            ..entry.place
        })
    }

    /// Something has come out.
    pub(super) const fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// How often the stream's clock jumped.
    pub(super) const fn jumps(&self) -> u64 {
        self.jumps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 2160;

    fn place(pts: i64, millis: u64) -> Place {
        let arrived = Instant::from_millis(millis);
        Place {
            pts,
            arrived,
            due: arrived,
        }
    }

    #[test]
    fn an_encoders_frames_find_their_time_and_what_is_in_front_of_the_first_too() {
        let mut ledger = Ledger::default();
        for number in 0..10 {
            let child = ledger.enter(place(1000 + number * FRAME, 0), FRAME);
            assert_eq!(child, Some(BEGIN + number * FRAME));
        }
        for number in -1..9 {
            let found = ledger.find(BEGIN + number * 1920).unwrap();
            assert_eq!(found.pts, 1000 + number * 1920);
        }
    }

    #[test]
    fn a_gap_stays_one_and_a_jump_does_not_reach_ffmpeg() {
        let mut ledger = Ledger::default();
        ledger.enter(place(0, 0), FRAME);
        let behind_gap = ledger.enter(place(FRAME + 40_000, 1), FRAME);
        assert_eq!(behind_gap, Some(BEGIN + FRAME + 40_000));
        for (pts, at) in [
            (-900_000_000, 2),
            (1 << 40, 3),
            (i64::MAX, 4),
            (i64::MIN, 5),
        ] {
            let child = ledger.enter(place(pts, at), FRAME).unwrap();
            assert_eq!(child, ledger.frames[ledger.frames.len() - 2].child + FRAME);
            assert_eq!(
                ledger.find(child + 100).unwrap().pts,
                pts.saturating_add(100)
            );
        }
        assert_eq!(ledger.jumps(), 4);
    }

    #[test]
    fn frames_of_one_pes_packet_are_spread_over_the_time_they_last() {
        let mut ledger = Ledger::default();
        for number in 0..5 {
            ledger.enter(place(number * FRAME, 700), FRAME);
        }
        let last = ledger.find(BEGIN + 4 * FRAME).unwrap();
        assert_eq!(last.arrived, Instant::from_millis(700 + 4 * 24));
    }

    #[test]
    fn frames_of_a_packet_that_comes_early_stay_behind_those_before() {
        let mut ledger = Ledger::default();
        let mut last = Instant::ZERO;
        for number in 0..20 {
            // Five in a packet: 120 ms of sound, every 100 ms.
            let came = 700 + number / 5 * 100;
            let child = ledger.enter(place(number as i64 * FRAME, came), FRAME);
            let found = ledger.find(child.unwrap()).unwrap();
            assert!(found.arrived >= last && found.due >= last, "{number}");
            last = found.arrived;
        }
        assert!(
            last <= Instant::from_millis(1000 + 4 * 24),
            "it does not add up"
        );
    }

    #[test]
    fn who_owes_too_much_gets_no_more() {
        let mut ledger = Ledger::default();
        let mut given = 0;
        while ledger.enter(place(given * FRAME, 0), FRAME).is_some() {
            given += 1;
        }
        assert!(given * FRAME >= UNANSWERED_TICKS && given < LEDGER_FRAMES as i64);
        ledger.find(BEGIN + (given - 1) * FRAME).unwrap();
        assert!(ledger.enter(place(given * FRAME, 0), FRAME).is_some());
    }

    #[test]
    fn sound_of_no_time_that_went_in_is_nobodys() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.find(BEGIN), None);
        ledger.enter(place(0, 0), FRAME);
        assert_eq!(ledger.find(BEGIN - 90_000), None);
        assert_eq!(ledger.find(BEGIN + 900_000), None);
        assert_eq!(ledger.find(i64::MIN / 2), None);
    }
}
