//! Looks at what a program sends around one cut, as a receiver would.

use std::collections::{BTreeMap, VecDeque};

use tidegate_codecs::{Codec, Kind, nal};
use tidegate_mpegts::{AccessUnit, Demux, Event, Inspector, Stamp};
use tidegate_units::{Duration, Instant};

use crate::program::Emitted;

/// Times kept of one track in front of the cut.
const TIMES: usize = 64;
/// Problems kept; more say nothing new.
const PROBLEMS_MAX: usize = 16;
const TICKS_PER_MILLI: i64 = 90;
/// Rounding of times that are carried on.
const ROUNDING_TICKS: i64 = 90;

/// What a receiver would have noticed.
#[derive(Debug, Default)]
pub(super) struct Watch {
    demux: Demux,
    inspector: Inspector,
    tracks: BTreeMap<u16, Times>,
    cut: Option<Instant>,
    /// The first picture behind the cut was seen.
    entered: bool,
    last_due: Option<Instant>,
    /// The longest time between two packets.
    pub(super) silence: Duration,
    /// The length of a picture.
    pub(super) frame: Duration,
    problems: Vec<String>,
}

#[derive(Debug, Default)]
struct Times {
    is_video: bool,
    /// Presentation times, the newest last.
    recent: VecDeque<i64>,
    last_dts: Option<i64>,
    crossed: bool,
}

impl Watch {
    /// What is due from here on is of the other input.
    pub(super) fn cut(&mut self, at: Instant) {
        self.cut = Some(at);
    }

    pub(super) fn push(&mut self, now: Instant, emitted: &Emitted) {
        let due = emitted.due;
        let silence = self.last_due.map(|last| due.saturating_since(last));
        self.silence = self.silence.max(silence.unwrap_or_default());
        self.last_due = self.last_due.max(Some(due));
        self.inspector.push(due, &emitted.bytes);
        let stamp = Stamp { arrived: now, due };
        self.demux.push(stamp, &emitted.bytes);
        while let Some(event) = self.demux.next_event() {
            if let Event::Unit(unit) = event {
                self.unit(&unit);
            }
        }
    }

    /// Everything that was wrong.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        let tr101290 = self.inspector.tr101290();
        for (number, name, tally) in tr101290.indicators() {
            if tally.count > 0 {
                let name = name.replace('_', " ");
                problems.push(format!("{} × TR 101 290 {number}, {name}", tally.count));
            }
        }
        problems
    }

    fn unit(&mut self, unit: &AccessUnit) {
        let tracks = self.demux.tracks();
        let track = tracks.iter().find(|track| track.pid == unit.pid);
        let codec = track.map(|track| track.codec);
        let Some(codec) = codec.filter(|codec| codec.kind() != Kind::Data) else {
            return;
        };
        let is_behind = self.cut.is_some_and(|cut| unit.stamp.due >= cut);
        let times = self.tracks.entry(unit.pid).or_default();
        times.is_video = codec.kind() == Kind::Video;
        let mut found = times.push(unit, is_behind);
        if times.is_video {
            self.frame = times.step().map_or(self.frame, millis);
        }
        if times.is_video && is_behind && !self.entered {
            self.entered = true;
            found.extend(entry(codec, unit));
        }
        let room = PROBLEMS_MAX.saturating_sub(self.problems.len());
        self.problems.extend(found.into_iter().take(room));
    }
}

impl Times {
    fn push(&mut self, unit: &AccessUnit, is_behind: bool) -> Vec<String> {
        let mut found = Vec::new();
        if self.last_dts.is_some_and(|last| unit.dts <= last) {
            found.push("a decoding time goes back".to_owned());
        }
        self.last_dts = Some(unit.dts);
        if is_behind && !self.crossed {
            self.crossed = true;
            found.extend(self.step_at_cut(unit.pts));
            self.recent.clear();
        }
        if unit.discontinuity && !self.recent.is_empty() {
            found.push("part of a track is missing".to_owned());
        }
        self.recent.push_back(unit.pts);
        if self.recent.len() > TIMES {
            self.recent.pop_front();
        }
        found
    }

    /// Whether times go on where they ended.
    fn step_at_cut(&self, pts: i64) -> Option<String> {
        let step = self.step()?;
        let last = self.recent.iter().max()?;
        let leap = pts - last - step;
        // Sound has frames of its own, which cannot end where the picture does.
        let most = if self.is_video { ROUNDING_TICKS } else { step };
        let what = if self.is_video { "picture" } else { "sound" };
        if leap > most {
            let gap = leap / TICKS_PER_MILLI;
            Some(format!("{gap} ms of {what} are missing at the cut"))
        } else if leap < -ROUNDING_TICKS {
            let over = -leap / TICKS_PER_MILLI;
            Some(format!("{over} ms of {what} overlap at the cut"))
        } else {
            None
        }
    }

    /// From one unit to the next shown, in ticks.
    fn step(&self) -> Option<i64> {
        let mut sorted: Vec<i64> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        let steps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
        let mut steps: Vec<i64> = steps.filter(|step| *step > 0).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied()
    }
}

/// Whether a decoder can begin here.
fn entry(codec: Codec, unit: &AccessUnit) -> Vec<String> {
    let mut found = Vec::new();
    if !unit.random_access {
        found.push("the first picture is no key frame".to_owned());
    }
    let kinds = |shift: u32, mask: u8| -> Vec<u8> {
        let units = nal::split(&unit.data).filter_map(|unit| unit.first());
        units.map(|first| first >> shift & mask).collect()
    };
    let (kinds, sets, starts) = match codec {
        Codec::H264 => (kinds(0, 0x1F), &[7_u8, 8][..], 5..=5),
        Codec::H265 => (kinds(1, 0x3F), &[32, 33, 34][..], 16..=21),
        _ => return found,
    };
    if !sets.iter().all(|set| kinds.contains(set)) {
        found.push("the first picture has no parameter sets with it".to_owned());
    }
    if !kinds.iter().any(|kind| starts.contains(kind)) {
        found.push("the first picture is no IDR: it may refer to pictures before it".to_owned());
    }
    found
}

fn millis(ticks: i64) -> Duration {
    Duration::from_micros(u64::try_from(ticks * 100 / 9).unwrap_or_default())
}
