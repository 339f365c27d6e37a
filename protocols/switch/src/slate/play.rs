//! The endless stream.

use super::clip::{SlateClip, Sound};
use super::queue::Queue;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tidegate_mpegts::{Mux, MuxTrack, MuxUnit};
use tidegate_units::{Duration, Instant};

/// So far ahead a loop that runs is polled: whoever follows units has the whole of each before
/// its first packet is due.
pub const AHEAD: Duration = Duration::from_millis(200);
/// Where decoding times begin when the clock does: the program clock, which runs ahead of them
/// by half a second, is not below zero.
const ORIGIN_TICKS: i64 = 10 * 90_000;
/// Ticks of 27 MHz in one of 90 kHz.
const FINE: i64 = 300;
const FINE_PER_MICRO: i64 = 27;
const PICTURE: u16 = 0;

/// A slate that is played for ever.
#[derive(Debug)]
pub struct SlateLoop {
    clip: Arc<SlateClip>,
    /// What takes its place at the next picture.
    next: Option<Arc<SlateClip>>,
    mux: Mux,
    run: Option<Run>,
    queue: Queue,
}

/// Packets, and when the first of them is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlateChunk {
    /// Whole transport packets.
    pub bytes: Bytes,
    /// When they are due.
    pub due: Instant,
}

/// Where it stands; times in ticks of 90 kHz, from [`Instant::ZERO`].
#[derive(Debug)]
struct Run {
    /// What a tick is too coarse for, in ticks of 27 MHz.
    fraction: i64,
    /// When the first picture came, and how many did since.
    begin: i64,
    pictures: u64,
    sounds: Vec<Place>,
}

/// Where a sound stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    begin: i64,
    frames: u64,
    /// The frame to come.
    index: usize,
    /// In which round of the picture the last one came.
    round: i64,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Picture,
    Sound(usize),
}

impl SlateLoop {
    /// A loop that does not run yet.
    #[must_use]
    pub fn new(clip: Arc<SlateClip>) -> Self {
        let mut new = Self {
            clip,
            next: None,
            mux: Mux::new(),
            run: None,
            queue: Queue::default(),
        };
        new.tell_tracks();
        new
    }

    /// From here on it runs, with a key frame that is due exactly at `at`. If it runs already it
    /// begins anew then, but not before the end of the last picture.
    pub fn begin(&mut self, at: Instant) {
        let micros = at.as_micros().cast_signed();
        let begin = micros * 9 / 100;
        match &mut self.run {
            Some(run) => {
                run.begin = begin.max(run.picture(&self.clip));
                run.pictures = 0;
                run.restart_sounds();
            }
            None => {
                self.take_over_next();
                let fraction = micros * FINE_PER_MICRO - begin * FINE;
                let sounds = self.clip.sounds.iter();
                self.run = Some(Run {
                    fraction,
                    begin,
                    pictures: 0,
                    sounds: sounds
                        .map(|sound| Place::new(begin + sound.behind_ticks))
                        .collect(),
                });
            }
        }
    }

    /// It stops; what was not fetched is never generated.
    pub fn end(&mut self) {
        self.run = None;
        self.queue.clear();
    }

    /// Whether it runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.run.is_some()
    }

    /// From the next picture on another clip is played; PIDs stay.
    pub fn replace(&mut self, clip: Arc<SlateClip>) {
        self.next = Some(clip);
        if self.run.is_none() {
            self.take_over_next();
        }
    }

    /// The next packets that are due before `until`. Call it until there are none, with a
    /// moment [`AHEAD`] of now.
    pub fn poll(&mut self, until: Instant) -> Option<SlateChunk> {
        let until = until.as_micros().cast_signed() * FINE_PER_MICRO;
        while self.generate(until) {}
        let (due, bytes) = self.queue.pop(until)?;
        Some(SlateChunk {
            bytes,
            due: instant(due),
        })
    }

    /// When the next unit is due that was not generated yet.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let run = self.run.as_ref()?;
        let (_, at) = run.next(&self.clip);
        Some(instant(run.fine(at)))
    }

    /// Generates the next unit if it is due before `until`.
    fn generate(&mut self, until: i64) -> bool {
        let Some(run) = &self.run else { return false };
        let (next, at) = run.next(&self.clip);
        if run.fine(at) >= until {
            return false;
        }
        if matches!(next, Next::Picture) && self.next.is_some() {
            self.take_over_next();
        }
        let Self {
            clip,
            mux,
            run: Some(run),
            queue,
            ..
        } = self
        else {
            return false;
        };
        let begin = run.fine(at);
        let (unit, end) = match next {
            Next::Picture => {
                let picture = &clip.pictures[run.pictures as usize % clip.pictures.len()];
                let shown = run.shown(clip);
                run.pictures += 1;
                let unit = unit(PICTURE, (at, shown), picture.is_key, &picture.data);
                (unit, run.fine(run.picture(clip)))
            }
            Next::Sound(number) => {
                let round = run.round(clip, at);
                let frame = run.sounds[number].take(&clip.sounds[number], round);
                let track = PICTURE + 1 + number as u16;
                (unit(track, (at, at), true, frame), begin)
            }
        };
        let mut packets = BytesMut::new();
        mux.push(&unit, &mut packets);
        queue.push(&packets, begin, end);
        true
    }

    fn take_over_next(&mut self) {
        let Some(next) = self.next.take() else { return };
        let old = core::mem::replace(&mut self.clip, next);
        if let Some(run) = &mut self.run {
            run.begin = run.picture(&old);
            run.pictures = 0;
            run.continue_sounds(&old, &self.clip);
        }
        self.tell_tracks();
    }

    fn tell_tracks(&mut self) {
        let picture = MuxTrack {
            id: PICTURE,
            config: Arc::clone(&self.clip.config),
            language: None,
        };
        let sounds = self.clip.sounds.iter().enumerate();
        let sounds = sounds.map(|(number, sound)| MuxTrack {
            id: PICTURE + 1 + number as u16,
            config: Arc::clone(&sound.config),
            language: sound.language,
        });
        let tracks: Vec<MuxTrack> = core::iter::once(picture).chain(sounds).collect();
        // A clip has only tracks that can be carried, and not too many.
        let told = self.mux.set_tracks(&tracks);
        debug_assert_eq!(told, Ok(()));
    }
}

/// A moment in ticks of 27 MHz.
fn instant(fine: i64) -> Instant {
    Instant::from_micros((fine / FINE_PER_MICRO).max(0).unsigned_abs())
}

/// A unit that is decoded and presented then.
fn unit(track: u16, (decoded, shown): (i64, i64), key: bool, data: &Bytes) -> MuxUnit {
    MuxUnit {
        track,
        pts: shown + ORIGIN_TICKS,
        dts: decoded + ORIGIN_TICKS,
        key,
        data: data.clone(),
    }
}

impl Run {
    /// The same in ticks of 27 MHz.
    const fn fine(&self, at: i64) -> i64 {
        at * FINE + self.fraction
    }

    /// When the next picture comes.
    fn picture(&self, clip: &SlateClip) -> i64 {
        self.begin + clip.picture_ticks(self.pictures)
    }

    /// When the next picture is shown.
    fn shown(&self, clip: &SlateClip) -> i64 {
        self.begin + clip.picture_ticks(self.pictures + clip.shown_behind)
    }

    fn next(&self, clip: &SlateClip) -> (Next, i64) {
        let mut next = (Next::Picture, self.picture(clip));
        for (number, (place, sound)) in self.sounds.iter().zip(&clip.sounds).enumerate() {
            let at = place.at(sound);
            if at < next.1 {
                next = (Next::Sound(number), at);
            }
        }
        next
    }

    /// In which round of the picture this moment lies.
    fn round(&self, clip: &SlateClip, at: i64) -> i64 {
        let length = clip.picture_ticks(clip.pictures.len() as u64).max(1);
        (at - self.begin).div_euclid(length)
    }

    /// The picture begins anew, and with it the sounds that go with it.
    fn restart_sounds(&mut self) {
        for place in &mut self.sounds {
            place.round = i64::MIN;
        }
    }

    /// Other sounds follow upon those there were.
    fn continue_sounds(&mut self, old: &SlateClip, new: &SlateClip) {
        let ends: Vec<i64> = (self.sounds.iter().zip(&old.sounds))
            .map(|(place, sound)| place.at(sound))
            .collect();
        let begin = self.begin;
        let places = new.sounds.iter().enumerate().map(|(number, sound)| {
            let least = begin + sound.behind_ticks;
            Place::new(ends.get(number).map_or(least, |end| *end))
        });
        self.sounds = places.collect();
    }
}

impl Place {
    const fn new(begin: i64) -> Self {
        Self {
            begin,
            frames: 0,
            index: 0,
            round: i64::MIN,
        }
    }

    fn at(&self, sound: &Sound) -> i64 {
        self.begin + sound.frame_ticks(self.frames)
    }

    /// The next frame; `round`: of the picture that is shown with it.
    fn take<'a>(&mut self, sound: &'a Sound, round: i64) -> &'a Bytes {
        if sound.goes_with_picture {
            if core::mem::replace(&mut self.round, round) != round {
                self.index = 0;
            }
            // Behind its end it is silent, which is its last frame.
            self.index = self.index.min(sound.frames.len() - 1);
        } else {
            self.index %= sound.frames.len();
        }
        let frame = &sound.frames[self.index];
        self.index += 1;
        self.frames += 1;
        frame
    }
}
