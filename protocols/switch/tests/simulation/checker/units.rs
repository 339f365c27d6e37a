//! Pictures and sounds by their numbers: their bytes, their order and their times.

use tidegate_units::{Duration, Instant};

use super::packets::Seen;
use super::{Figures, ROUNDING_TICKS};
use crate::camera::elementary::{Kind, picture, picture_number, sound, sounds};
use crate::camera::packets::PERIOD;
use crate::camera::{Registry, Unit, Units, ticks};

/// What is on air for longer is heard: sound of six frames, behind pictures of a group of four.
const UNHEARD_TICKS: f64 = 31_100.0;
/// Leaps no further apart count together.
const TOLD_TOGETHER: Duration = Duration::from_millis(1000);

/// One stream of the output.
pub struct Track {
    stream: u8,
    pes: Vec<u8>,
    pes_due: Instant,
    /// The unit before.
    last: Option<Unit>,
    last_dts: i64,
    /// Where the last frame of sound ends, as it went out.
    sound_end: f64,
    /// What is shown since the cut.
    span: Option<Span>,
    /// Of which start of which camera, and by how much its times were moved.
    pub moved: Option<(Of, i64)>,
    /// Switches told so far.
    told: u32,
    /// Leaps that the program told about, one soon after the other, in ticks.
    allowed: f64,
    begins_anew: bool,
    /// When it told about the last.
    told_at: Instant,
}

/// Camera, its start, and the switches told when it came on air here.
pub type Of = (usize, u32, u32);

/// Pictures from a cut on.
#[derive(Clone, Copy)]
struct Span {
    first: i64,
    last: i64,
    pictures: i64,
    /// The first one decoded.
    index: u64,
    last_filmed: Instant,
}

impl Track {
    pub fn new(stream: u8) -> Self {
        Self {
            stream,
            pes: Vec::new(),
            pes_due: Instant::ZERO,
            last: None,
            last_dts: 0,
            sound_end: 0.0,
            span: None,
            moved: None,
            told: 0,
            allowed: 0.0,
            begins_anew: false,
            told_at: Instant::ZERO,
        }
    }

    /// The program leaps by so much; `begins_anew`: the same camera, which has nothing older.
    pub fn allow(&mut self, at: Instant, gap: f64, begins_anew: bool) {
        // Of what was cut at once nothing may have come here, or of what had no sound yet when it
        // stopped.
        let of_last = self.moved.map_or(0, |((.., told), _)| told);
        if of_last == self.told && at.saturating_since(self.told_at) > TOLD_TOGETHER {
            (self.allowed, self.begins_anew) = (0.0, false);
        }
        self.told_at = at;
        self.allowed += gap;
        self.begins_anew |= begins_anew;
        self.told += 1;
    }

    pub fn push(
        &mut self,
        seen: &Seen<'_>,
        due: Instant,
        clock: Option<i64>,
        registry: &Registry,
        figures: &mut Figures,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        if seen.starts {
            problems = self.whole(registry, figures);
            self.pes_due = due;
        } else if self.pes.is_empty() && !seen.payload.is_empty() {
            problems.push("a unit without a beginning".into());
        }
        self.pes.extend_from_slice(seen.payload);
        let times = times(&self.pes).filter(|_| seen.starts);
        if let (Some(clock), Some((_, dts))) = (clock, times) {
            let early = signed((dts - clock).rem_euclid(PERIOD));
            if !(0..=180_000).contains(&early) {
                problems.push(format!("a unit is {early} ticks before its decoding time"));
            }
        }
        problems
    }

    /// The unit under way is whole.
    fn whole(&mut self, registry: &Registry, figures: &mut Figures) -> Vec<String> {
        let pes = core::mem::take(&mut self.pes);
        if pes.is_empty() {
            return Vec::new();
        }
        let Some((pts, dts)) = times(&pes) else {
            return vec!["no PES header with a time".into()];
        };
        let told = usize::from(u16::from_be_bytes([pes[4], pes[5]]));
        let mut problems = Vec::new();
        if told > 0 && told + 6 != pes.len() {
            problems.push(format!("{} bytes instead of {}", pes.len(), told + 6));
        }
        let payload = &pes[9 + usize::from(pes[8])..];
        if self.stream == 0x1B {
            problems.extend(self.picture(payload, pts, dts, registry, figures));
        } else {
            problems.extend(self.sounds(payload, pts, registry, figures));
        }
        problems
    }

    fn picture(
        &mut self,
        payload: &[u8],
        pts: i64,
        dts: i64,
        registry: &Registry,
        figures: &mut Figures,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let registry = registry.borrow();
        let known = picture_number(payload).and_then(|id| Some((id, registry.get(&id)?)));
        let Some((id, unit)) = known else {
            return vec![format!(
                "a picture of {} bytes that nobody made",
                payload.len()
            )];
        };
        figures.pictures += 1;
        let look = &unit.make.look;
        let is_exact = |sets| picture(look, unit.kind, id, unit.bytes, sets) == payload;
        let has_sets = unit.kind == Kind::Key && is_exact(true);
        if !has_sets && !is_exact(false) && !unit.is_lost && !is_before_lost(&registry, unit) {
            problems.push(format!(
                "picture {id:x} is not what it was: {} bytes",
                payload.len()
            ));
        }
        let is_cut = self.is_cut(unit, pts);
        if let Some(last) = &self.last {
            let step = signed((dts - self.last_dts).rem_euclid(PERIOD));
            if step <= 0 {
                problems.push(format!("decoding time steps by {step}, cut: {is_cut}"));
            }
            if !is_cut && is_skipped(&registry, last, unit) {
                problems.push(format!("picture {} follows {}", unit.index, last.index));
            }
        }
        if is_cut {
            figures.cuts += u64::from(self.last.is_some());
            problems.extend(self.cut(unit, pts, has_sets, &registry, figures));
        } else if let Some(span) = &mut self.span {
            let at = span.last + signed((pts - span.last).rem_euclid(PERIOD));
            if at < span.first {
                problems.push(format!("{} ticks before its key frame", span.first - at));
            }
            if at > span.last {
                (span.last, span.last_filmed) = (at, unit.filmed);
            }
            span.pictures += 1;
        }
        problems.extend(self.moves(unit, pts, is_cut));
        if !unit.is_lost {
            figures.last_delay = self.pes_due.saturating_since(unit.due);
            figures.worst_delay = figures.worst_delay.max(figures.last_delay);
        }
        self.last_dts = dts;
        self.last = Some(unit.clone());
        problems
    }

    /// The first picture of another camera, or of the same one that began anew.
    fn cut(
        &mut self,
        unit: &Unit,
        pts: i64,
        has_sets: bool,
        registry: &Units,
        figures: &mut Figures,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        if !has_sets {
            problems.push(format!("a cut to a {:?} without parameter sets", unit.kind));
        }
        let first = Span {
            first: pts,
            last: pts,
            pictures: 1,
            index: unit.index,
            last_filmed: unit.filmed,
        };
        let Some(span) = self.span.replace(first) else {
            return problems;
        };
        let frame = self.last.as_ref().map_or(0.0, |last| last.length);
        let shown = ((span.last - span.first) as f64 / frame).round() as i64 + 1;
        let lost = self
            .last
            .as_ref()
            .map_or(0, |last| lost(registry, last, span.index));
        if shown < span.pictures || shown > span.pictures + lost {
            problems.push(format!(
                "{} pictures in {shown} places before a cut",
                span.pictures
            ));
        }
        let leap = signed((pts - span.last).rem_euclid(PERIOD)) as f64 - frame;
        if leap < -ROUNDING_TICKS || leap > self.allowed + ROUNDING_TICKS {
            let allowed = self.allowed;
            problems.push(format!(
                "presentation leaps by {leap} at a cut, {allowed} were told"
            ));
        }
        let expected = span.last_filmed + ticks(frame);
        let repeat = expected.saturating_since(unit.filmed);
        let skip = unit.filmed.saturating_since(expected);
        figures.worst_repeat = figures.worst_repeat.max(repeat);
        figures.worst_skip = figures.worst_skip.max(skip);
        problems
    }

    fn sounds(
        &mut self,
        payload: &[u8],
        pts: i64,
        registry: &Registry,
        figures: &mut Figures,
    ) -> Vec<String> {
        let frames = match sounds(payload) {
            Ok(frames) => frames,
            Err(problem) => return vec![problem],
        };
        let registry = registry.borrow();
        let mut problems = Vec::new();
        let mut at = pts as f64;
        for (id, bytes) in frames {
            let Some(unit) = registry.get(&id) else {
                problems.push("sound that nobody made".into());
                continue;
            };
            figures.sounds += 1;
            let rate_index = unit.make.sounds[unit.track - 1].rate_index;
            if sound(id, rate_index, unit.bytes) != bytes {
                problems.push(format!("sound {id:x} is not what it was"));
            }
            problems.extend(self.sound(unit, at, &registry, figures));
            at += unit.length;
            self.sound_end = at;
            self.last = Some(unit.clone());
        }
        problems
    }

    fn sound(
        &mut self,
        unit: &Unit,
        at: f64,
        registry: &Units,
        figures: &mut Figures,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let is_cut = self.is_cut(unit, at.round() as i64);
        if let Some(last) = &self.last {
            let gap = nearest(at - self.sound_end);
            let has_no_older = unit.index < 12 || follows_lost(registry, unit);
            let is_explained = self.allowed > 0.0 || self.begins_anew || has_no_older;
            let missing = (unit.index.saturating_sub(last.index + 1)) as f64 * last.length;
            let most = match (is_cut, is_explained) {
                (false, _) => missing,
                (true, false) => last.length,
                // The sound of what stopped may have ended before its picture.
                (true, true) => {
                    let unheard = f64::from(self.unheard()) * UNHEARD_TICKS;
                    last.length + self.allowed + sound_behind(last) + unheard
                }
            };
            if gap < -ROUNDING_TICKS || gap > most + ROUNDING_TICKS {
                problems.push(format!("sound leaps by {gap:.1} ticks, cut: {is_cut}"));
            }
            let unexplained = if is_cut && self.allowed == 0.0 {
                gap
            } else {
                0.0
            };
            figures.worst_sound_gap = figures.worst_sound_gap.max(unexplained);
            if !is_cut && is_skipped(registry, last, unit) {
                problems.push(format!("sound {} follows {}", unit.index, last.index));
            }
        }
        problems.extend(self.moves(unit, at.round() as i64, is_cut));
        problems
    }

    /// Whether this comes of another camera than the unit before, or of the same one after
    /// something else was on air too shortly to be seen in this track.
    fn is_cut(&self, unit: &Unit, pts: i64) -> bool {
        let Some(((camera, session, told), first)) = self.moved else {
            return true;
        };
        let by = (pts - unit.pts).rem_euclid(PERIOD);
        let off = signed((by - first).rem_euclid(PERIOD)).abs() as f64;
        let is_again = off > ROUNDING_TICKS && self.told > told;
        (camera, session) != (unit.camera, unit.session) || is_again
    }

    /// What was on air since the last unit of this track and too shortly to be heard in it.
    fn unheard(&self) -> u32 {
        let before = self.moved.map_or(self.told, |((.., told), _)| told + 1);
        self.told.saturating_sub(before)
    }

    /// All units of one span are moved by the same amount.
    fn moves(&mut self, unit: &Unit, pts: i64, is_cut: bool) -> Option<String> {
        let by = (pts - unit.pts).rem_euclid(PERIOD);
        if is_cut {
            self.moved = Some(((unit.camera, unit.session, self.told), by));
            return None;
        }
        // Against the first of the span, so that nothing creeps.
        let (_, first) = self.moved?;
        let off = signed((by - first).rem_euclid(PERIOD)).abs() as f64;
        (off > ROUNDING_TICKS).then(|| format!("a unit moved by {off} more than the first"))
    }
}

/// So much later than its picture the sound of what stopped may have ended, in ticks: it is sent
/// when the last frame of a packet is over, and a picture before those that are shown before it.
fn sound_behind(last: &Unit) -> f64 {
    let make = &last.make;
    let sound = &make.sounds[last.track - 1];
    let pictures = make.between + 1 + make.look.reordered;
    let together = f64::from(sound.together) * last.length;
    f64::from(pictures) * make.look.frame_ticks as f64 + together + sound.offset_ticks.abs() as f64
}

/// Whether something between two units of one stream is missing that did arrive.
fn is_skipped(registry: &Units, last: &Unit, unit: &Unit) -> bool {
    if unit.index <= last.index {
        return true;
    }
    let is_between = |other: &&Unit| {
        let of = |unit: &Unit| (unit.camera, unit.session, unit.track);
        of(other) == of(unit) && last.index < other.index && other.index < unit.index
    };
    unit.index > last.index + 1
        && !registry
            .values()
            .filter(is_between)
            .all(|unit| unit.is_lost)
}

/// Whether the next one was lost in part: what is left of it may have no beginning.
fn is_before_lost(registry: &Units, unit: &Unit) -> bool {
    let of = |unit: &Unit| (unit.camera, unit.session, unit.track);
    let is_next = |other: &&Unit| of(other) == of(unit) && other.index == unit.index + 1;
    registry.values().filter(is_next).any(|unit| unit.is_lost)
}

/// Whether what came shortly before it was lost.
fn follows_lost(registry: &Units, unit: &Unit) -> bool {
    let of = |unit: &Unit| (unit.camera, unit.session, unit.track);
    let indices = unit.index.saturating_sub(12)..unit.index;
    let is_near = |other: &&Unit| of(other) == of(unit) && indices.contains(&other.index);
    registry.values().filter(is_near).any(|unit| unit.is_lost)
}

/// How many units of the stream that ends with this one did not arrive, from that one on.
fn lost(registry: &Units, last: &Unit, from: u64) -> i64 {
    let of = |unit: &Unit| (unit.camera, unit.session, unit.track);
    let indices = from..last.index + 8;
    let is_lost = |unit: &&Unit| unit.is_lost && of(unit) == of(last);
    let lost = registry.values().filter(is_lost);
    let lost = lost.filter(|unit| indices.contains(&unit.index)).count() as i64;
    // It may have stopped in the middle of what is decoded together.
    lost + i64::from(last.make.between)
}

/// Presentation and decoding time.
fn times(pes: &[u8]) -> Option<(i64, i64)> {
    let [0, 0, 1, _, _, _, _, flags, _, rest @ ..] = pes else {
        return None;
    };
    let pts = read_time(rest.get(..5)?);
    let dts = (flags & 0x40 != 0).then(|| rest.get(5..10).map(read_time));
    Some((pts, dts.flatten().unwrap_or(pts)))
}

fn read_time(field: &[u8]) -> i64 {
    let part = |at: usize| i64::from(field[at]);
    (part(0) >> 1 & 7) << 30 | part(1) << 22 | (part(2) >> 1) << 15 | part(3) << 7 | part(4) >> 1
}

/// The shorter way around, of ticks that are not negative.
pub fn signed(ticks: i64) -> i64 {
    if ticks > PERIOD / 2 {
        ticks - PERIOD
    } else {
        ticks
    }
}

fn nearest(ticks: f64) -> f64 {
    let period = PERIOD as f64;
    ticks - period * (ticks / period).round()
}
