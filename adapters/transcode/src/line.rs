use crate::limits::{HELD_BYTES, HOLD, LATE, WAITING_FRAMES};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use tidegate_codecs::StreamConfig;
use tidegate_units::Instant;

/// What is held back, and the new sound that waits for its place in it.
///
/// Both are ordered by when they came: sound counts as come when the sound it was made of did.
#[derive(Debug, Default)]
pub(crate) struct Line {
    held: VecDeque<Held>,
    held_bytes: usize,
    waiting: VecDeque<Waiting>,
    /// Sound that came before this belongs to what is gone.
    began: Instant,
    late: u64,
    early: u64,
}

/// Whole packets as they came.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    pub(crate) origin: Instant,
    pub(crate) arrived: Instant,
    pub(crate) due: Instant,
    pub(crate) lost_before: u32,
    /// They are of another connection than those before.
    pub(crate) restarted: bool,
}

/// A frame of the new sound.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) pid: u16,
    pub(crate) pts: i64,
    pub(crate) config: Arc<StreamConfig>,
    pub(crate) data: Bytes,
    pub(crate) arrived: Instant,
    pub(crate) due: Instant,
}

/// What goes out next.
#[derive(Debug)]
pub(crate) enum Next {
    Packets(Held),
    Sound(Waiting),
}

impl Line {
    pub(crate) fn hold(&mut self, held: Held) {
        self.held_bytes += held.bytes.len();
        self.held.push_back(held);
    }

    pub(crate) fn wait(&mut self, frame: Waiting) {
        if self.waiting.len() >= WAITING_FRAMES {
            self.waiting.pop_front();
            self.late += 1;
        }
        // Tracks come one after the other, nearly in order.
        let behind = |other: &Waiting| other.arrived <= frame.arrived;
        let at = self.waiting.iter().rposition(behind);
        self.waiting.insert(at.map_or(0, |at| at + 1), frame);
    }

    /// What is due, in order.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Next> {
        if let Some(frame) = self.next_sound(now) {
            return Some(Next::Sound(frame));
        }
        let is_full = self.held_bytes > HELD_BYTES;
        let front = self.held.front()?;
        let is_due = front.arrived + HOLD <= now;
        if !is_due && !is_full {
            return None;
        }
        self.early += u64::from(!is_due);
        let held = self.held.pop_front()?;
        self.held_bytes -= held.bytes.len();
        if held.restarted {
            self.began = held.arrived;
        }
        Some(Next::Packets(held))
    }

    fn next_sound(&mut self, now: Instant) -> Option<Waiting> {
        loop {
            let frame = self.waiting.front()?;
            let is_gone = frame.arrived < self.began || frame.arrived + HOLD + LATE < now;
            if !is_gone {
                let packets = self.held.front();
                let is_before = packets.is_none_or(|packets| frame.arrived <= packets.arrived);
                let is_due = frame.arrived + HOLD <= now;
                return self.waiting.pop_front_if(|_| is_before && is_due);
            }
            self.waiting.pop_front();
            self.late += 1;
        }
    }

    /// When something is due next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let packets = self.held.front().map(|held| held.arrived);
        let sound = self.waiting.front().map(|frame| frame.arrived);
        let first = packets.into_iter().chain(sound).min()?;
        Some(first + HOLD)
    }

    /// Gives up what is due, for nobody is to have it yet.
    pub(crate) fn pass_over(&mut self, now: Instant) {
        while self
            .held
            .front()
            .is_some_and(|held| held.arrived + HOLD <= now)
        {
            if let Some(held) = self.held.pop_front() {
                self.held_bytes -= held.bytes.len();
                self.began = held.arrived;
            }
        }
    }

    /// Begins: what sound came of what was passed over goes with it.
    pub(crate) fn begin(&mut self) {
        let began = self.held.front().map_or(self.began, |held| held.arrived);
        self.waiting.retain(|frame| frame.arrived >= began);
        self.began = began;
    }

    /// Frames that came too late for their place.
    pub(crate) const fn late(&self) -> u64 {
        self.late
    }

    /// Chunks that went out early, since too many were held.
    pub(crate) const fn early(&self) -> u64 {
        self.early
    }

    pub(crate) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_codecs::{AudioConfig, AudioFormat, AudioHeaders, Codec};

    fn config() -> Arc<StreamConfig> {
        Arc::new(StreamConfig::Audio(AudioConfig {
            format: AudioFormat {
                codec: Codec::MpegAudio,
                name: "mp2",
                profile: None,
                sample_rate_hz: 48_000,
                channels: 2,
                samples_per_frame: 1152,
            },
            headers: AudioHeaders::InBand,
        }))
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn packets(millis: u64, bytes: usize) -> Held {
        Held {
            bytes: vec![0; bytes].into(),
            origin: at(millis),
            arrived: at(millis),
            due: at(millis),
            lost_before: 0,
            restarted: false,
        }
    }

    fn sound(millis: u64) -> Waiting {
        Waiting {
            pid: 257,
            pts: 0,
            config: config(),
            data: Bytes::new(),
            arrived: at(millis),
            due: at(millis),
        }
    }

    fn out(line: &mut Line, now: u64) -> Vec<String> {
        let next = || line.next(at(now));
        std::iter::from_fn(next)
            .map(|next| match next {
                Next::Packets(held) => format!("p{}", held.arrived.as_micros() / 1000),
                Next::Sound(frame) => format!("s{}", frame.arrived.as_micros() / 1000),
            })
            .collect()
    }

    #[test]
    fn sound_goes_where_the_sound_was_that_it_is_made_of() {
        let mut line = Line::default();
        for millis in [1000, 1010, 1020] {
            line.hold(packets(millis, 188));
        }
        for millis in [1020, 1005, 1010] {
            line.wait(sound(millis));
        }
        assert!(out(&mut line, 1249).is_empty());
        assert_eq!(line.due(), Some(at(1250)));
        assert_eq!(out(&mut line, 1262), ["p1000", "s1005", "s1010", "p1010"]);
        assert_eq!(out(&mut line, 2000), ["s1020", "p1020"]);
        assert_eq!((line.late(), line.early(), line.held_bytes()), (0, 0, 0));
    }

    #[test]
    fn late_sound_comes_at_once_and_very_late_sound_not_at_all() {
        let mut line = Line::default();
        line.hold(packets(1000, 188));
        line.hold(packets(2000, 188));
        assert_eq!(out(&mut line, 1300), ["p1000"]);
        line.wait(sound(1000));
        assert_eq!(out(&mut line, 1400), ["s1000"]);
        line.wait(sound(1001));
        assert_eq!(out(&mut line, 2260), ["p2000"]);
        assert_eq!(line.late(), 1);
    }

    #[test]
    fn more_than_may_be_held_goes_early() {
        let mut line = Line::default();
        for millis in 0..5 {
            line.hold(packets(1000 + millis, HELD_BYTES / 4));
        }
        assert_eq!(out(&mut line, 1010), ["p1000"]);
        assert_eq!(line.early(), 1);
    }

    #[test]
    fn sound_of_an_older_connection_does_not_come_into_the_next_one() {
        let mut line = Line::default();
        line.hold(Held {
            restarted: true,
            ..packets(1000, 188)
        });
        assert_eq!(out(&mut line, 1250), ["p1000"]);
        line.wait(sound(990));
        assert!(out(&mut line, 1260).is_empty());
    }

    #[test]
    fn what_is_passed_over_takes_its_sound_along() {
        let mut line = Line::default();
        line.hold(packets(1000, 188));
        line.hold(packets(1300, 188));
        line.pass_over(at(1400));
        line.wait(sound(1000));
        line.wait(sound(1310));
        line.begin();
        assert_eq!(out(&mut line, 2000), ["p1300", "s1310"]);
    }
}
