//! From one configuration of the feed to another, while its clock goes on.

use tidegate_fmp4::Sample;

use crate::open::Open;
use crate::segmenter::{Frame, LONGEST_STEP_TICKS, Segmenter};
use crate::selection::{Role, Selection};

/// Sound comes this much behind the picture it belongs to, at most: it is not waited for any longer,
/// and a key frame this far back is not that of a sound which has just changed.
const LATE_SOUND_TICKS: i64 = 90_000 / 2;
/// Sound that has gone on for so long beyond the key frame does not change with the picture any more.
const SOUND_STAYS_TICKS: i64 = 90_000 / 10;

/// A feed whose tracks have changed: in the stream, sound of the old side still comes behind the key
/// frame of the new one, and one configuration is told after the other.
///
/// ```text
///   old side  … P a P a │         a   a │            a: sound, I P: pictures
///   new side            │ I P P       P │ a P a P …
///                  tracks told    sound has passed the key frame by some frames: handed over
/// ```
#[derive(Debug)]
pub(super) struct Handover {
    /// What comes.
    selection: Selection,
    picture_changes: bool,
    /// Sound that comes now is not the old side's.
    sound_changes: bool,
    /// Key frame first: what is the new side's. Never more than the largest segment.
    held: Vec<Frame>,
    /// With what a frame takes beside its data: a stranger's may have none.
    bytes: usize,
    /// When the old side's last picture is decoded.
    last_video: Option<i64>,
    /// Sound has passed the key frame, or is not waited for any longer.
    is_over: bool,
}

/// What a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
    Neither,
}

impl Handover {
    /// From `old` to `selection`, with the old side's last picture decoded at `last_video`.
    pub(super) fn new(old: &Selection, selection: Selection, last_video: Option<i64>) -> Self {
        Self {
            picture_changes: old.video != selection.video,
            sound_changes: old.audio != selection.audio,
            selection,
            held: Vec::new(),
            bytes: 0,
            last_video,
            is_over: false,
        }
    }

    pub(super) const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Whether nothing more is to be waited for.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// What waits.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_of_the_same_picture(&self, selection: &Selection) -> bool {
        self.selection.video == selection.video
    }

    /// The sound has changed as well: nothing more comes of the old one, and what of it is heard beyond
    /// the key frame is of no use to either side.
    pub(super) fn sound_changes(&mut self, selection: Selection) {
        let old = core::mem::replace(&mut self.selection, selection);
        self.held
            .retain(|it| old.role(it.track) == Some(Role::Video));
        self.sound_changes = true;
        self.is_over |= !self.held.is_empty() && self.selection.audio.is_none();
    }

    /// Where only the sound changes, the new side's key frame may already be in the old one's segment.
    pub(super) fn take_back(&mut self, open: &mut Open) {
        if self.picture_changes {
            return;
        }
        let key = open.video.iter().rev().find(|sample| sample.key);
        let Some((key, last)) = key.zip(self.last_video) else {
            return;
        };
        if last.saturating_sub(key.dts) > LATE_SOUND_TICKS {
            return;
        }
        let track = self.selection.video.as_ref().map_or(0, |chosen| chosen.id);
        for sample in open.take_last_group() {
            self.hold(frame(track, sample));
        }
    }

    /// Sound is whole earlier than a picture: some that goes with the key frame may have come before it.
    fn take_sound_of_key(&mut self, open: &mut Open) {
        let Some(key) = self.held.first() else { return };
        let sounds = open.take_sound_from(key.pts);
        if self.sound_changes {
            return; // nobody could play it
        }
        let track = self.selection.audio.as_ref().map_or(0, |chosen| chosen.id);
        for sample in sounds {
            self.hold(frame(track, sample));
        }
    }

    /// Which side a frame belongs to.
    pub(super) fn side(&mut self, old: &Selection, frame: &Frame) -> Side {
        let key = self.held.first();
        if let (true, None, Some(last)) = (self.picture_changes, key, self.last_video) {
            // There is no end to the old side's sound if the key frame never comes.
            self.is_over |= frame.dts.saturating_sub(last) > LATE_SOUND_TICKS;
        }
        match (old.role(frame.track), self.selection.role(frame.track)) {
            (_, Some(Role::Video)) if key.is_some() || frame.key => Side::New,
            (_, Some(Role::Video)) if !self.picture_changes => Side::Old,
            (Some(Role::Audio), _) if !self.sound_changes => match key {
                Some(key) if frame.pts >= key.pts => Side::New,
                _ => Side::Old,
            },
            (_, Some(Role::Audio)) if key.is_some() => Side::New,
            _ => Side::Neither,
        }
    }

    /// Keeps a frame of the new side.
    pub(super) fn hold(&mut self, frame: Frame) {
        self.bytes += size_of::<Frame>() + frame.data.len();
        self.is_over |= match self.held.first() {
            None => self.selection.audio.is_none(),
            Some(key) => {
                let is_sound = self.selection.role(frame.track) == Some(Role::Audio);
                let stays = if self.sound_changes {
                    0
                } else {
                    SOUND_STAYS_TICKS
                };
                is_sound && frame.pts.saturating_sub(key.pts) >= stays
                    || frame.dts.saturating_sub(key.dts) > LATE_SOUND_TICKS
            }
        };
        self.held.push(frame);
    }

    /// When the new side begins to be heard: with its picture. Sound of it from before that is left
    /// out; where it begins later, because the old side's went on, its first frame is moved there and
    /// silence follows: a hole would stop players.
    fn heard_from(&mut self) -> Option<i64> {
        let begin = self.held.first()?.pts;
        let Self {
            selection, held, ..
        } = self;
        let is_heard = |it: &&mut Frame| {
            let role = selection.role(it.track);
            role == Some(Role::Audio) && it.pts >= begin
        };
        let Some(sound) = held.iter_mut().find(is_heard) else {
            return Some(begin);
        };
        if self.sound_changes && sound.pts.saturating_sub(begin) <= LATE_SOUND_TICKS {
            (sound.pts, sound.dts) = (begin, begin);
        }
        Some(sound.pts)
    }

    /// What comes, and what of it is here.
    pub(super) fn finish(self) -> (Selection, Vec<Frame>) {
        (self.selection, self.held)
    }
}

fn frame(track: u16, sample: Sample) -> Frame {
    Frame {
        track,
        pts: sample.pts,
        dts: sample.dts,
        key: sample.key,
        data: sample.data,
    }
}

/// Whether the last sound lasts until this time: the two sides are of different formats, and the
/// last moments of the old one were sent in the new one's. A hole in the sound would stop players.
fn is_bridged(open: &Open, from: i64) -> bool {
    let last = open
        .audio
        .last()
        .map(|sound| from.saturating_sub(sound.dts));
    last.is_some_and(|lasts| (1..=LATE_SOUND_TICKS).contains(&lasts))
}

impl Segmenter {
    pub(super) fn begin_handover(&mut self, selection: Selection) {
        let mut handover = Handover::new(&self.selection, selection, self.last_video);
        if let Some(open) = &mut self.open {
            handover.take_back(open);
        }
        let is_over = handover.is_over();
        self.handover = Some(handover);
        if is_over {
            self.hand_over();
        }
    }

    pub(super) fn push_while_handing_over(&mut self, frame: Frame) {
        let Some(handover) = &mut self.handover else {
            return;
        };
        match handover.side(&self.selection, &frame) {
            Side::Old => self.take(frame),
            Side::New => {
                let is_key = handover.held.is_empty();
                handover.hold(frame);
                if let (true, Some(open)) = (is_key, &mut self.open) {
                    handover.take_sound_of_key(open);
                }
            }
            Side::Neither => {}
        }
        let held_bytes_max = self.config.max_segment_bytes;
        if self
            .handover
            .as_ref()
            .is_some_and(|it| it.is_over() || it.bytes() >= held_bytes_max)
        {
            self.hand_over();
        }
    }

    /// Finishes the old side where the new one begins, and goes on with that.
    pub(super) fn hand_over(&mut self) {
        let Some(mut handover) = self.handover.take() else {
            return;
        };
        let (heard_from, (selection, held)) = (handover.heard_from(), handover.finish());
        let key = held.first();
        let joint = self.open.as_ref().zip(key);
        let joint = joint.and_then(|(open, key)| Self::joint(open, key));
        if let (Some(open), Some(_)) = (&mut self.open, joint) {
            open.heard_until = heard_from.filter(|from| is_bridged(open, *from));
        }
        let end = joint.or_else(|| self.open.as_ref().map(Open::natural_end));
        self.finish_side(end);
        self.session = None;
        self.selection = selection;
        held.into_iter().for_each(|frame| self.take(frame));
    }

    /// Where what is open ends when this key frame is shown next. `None` if it does not continue it.
    fn joint(open: &Open, key: &Frame) -> Option<i64> {
        let last = open.video.last().map_or(open.start, |sample| sample.dts);
        let step = key.pts.saturating_sub(last);
        (1..=LONGEST_STEP_TICKS).contains(&step).then_some(key.pts)
    }

    /// What is selected when all is handed over.
    pub(super) fn coming(&self) -> &Selection {
        self.handover
            .as_ref()
            .map_or(&self.selection, Handover::selection)
    }
}
