//! What players find on the two sides of a change of configuration: the times of every picture and
//! every sound in the segments.

mod common;

use bytes::Bytes;
use common::spans::{Spans, spans};
use common::{
    AUDIO, SECOND, VIDEO, audio_track, other_audio_track, other_video_track, picture, sound,
    values, video_track,
};
use tidegate_hls::{Frame, Segmenter, SegmenterConfig, Track};

const PICTURE: i64 = 3600;
const SOUND: i64 = 1920;
/// How long before it is shown a key frame is decoded where two B-frames follow every other picture.
const REORDERING: i64 = 2 * PICTURE;

/// Pictures and sounds as an encoder sends them: sound comes later in the stream than the picture
/// it is heard with.
#[derive(Clone, Copy)]
struct Side {
    begin: i64,
    pictures: i64,
    reordering: i64,
    sound_behind: i64,
}

impl Side {
    const fn at(begin: i64) -> Self {
        Self {
            begin,
            pictures: 100,
            reordering: REORDERING,
            sound_behind: SECOND / 10,
        }
    }

    const fn end(&self) -> i64 {
        self.begin + self.pictures * PICTURE
    }

    /// In the order of decoding; a key frame each second.
    fn video(&self) -> Vec<(i64, Frame)> {
        let frame = |number: i64| {
            let dts = self.begin + number * PICTURE - self.reordering;
            let shown = match (self.reordering, number % 25 % 3) {
                (0, _) => number,
                (_, 0) if number % 25 == 0 => number,
                (_, 0 | 2) => number - 1,
                _ => number + 2,
            };
            let frame = Frame {
                pts: self.begin + shown * PICTURE,
                dts,
                ..picture(0, number % 25 == 0)
            };
            (dts + self.reordering, frame)
        };
        (0..self.pictures).map(frame).collect()
    }

    /// As long as the picture, from the first place after `from` on.
    fn audio(&self, from: i64) -> Vec<(i64, Frame)> {
        let first = from.div_euclid(SOUND) + i64::from(from.rem_euclid(SOUND) > 0);
        let last = self.end().div_euclid(SOUND) + i64::from(self.end().rem_euclid(SOUND) > 0);
        let frame = |number: i64| (number * SOUND + self.sound_behind, sound(number * SOUND));
        (first..last).map(frame).collect()
    }
}

fn segmenter(tracks: &[Track]) -> Segmenter {
    let mut segmenter = Segmenter::new(SegmenterConfig {
        window: 100,
        ..SegmenterConfig::default()
    });
    segmenter.set_tracks(tracks);
    segmenter
}

/// Sends what there is in the order in which it comes; where the tracks change, they are told
/// right in front of this frame.
fn send(segmenter: &mut Segmenter, mut frames: Vec<(i64, Frame)>, told: &[(i64, u16, &[Track])]) {
    frames.sort_by_key(|(comes, _)| *comes);
    let mut told = told.iter().peekable();
    let mut last_dts = i64::MIN;
    for (_, mut frame) in frames {
        if frame.track == VIDEO {
            // As a switch sends what follows: pictures are decoded one after the other.
            frame.dts = frame.dts.max(last_dts + 1);
            last_dts = frame.dts;
        }
        let is_here = |told: &&(i64, u16, &[Track])| told.0 == frame.pts && told.1 == frame.track;
        if let Some((_, _, tracks)) = told.next_if(is_here) {
            segmenter.set_tracks(tracks);
        }
        segmenter.push(frame);
    }
    assert!(told.next().is_none(), "all tracks were told");
    segmenter.end();
}

fn marks(segmenter: &Segmenter) -> usize {
    let playlist = segmenter.playlist().expect("segments");
    values(&playlist, "#EXT-X-DISCONTINUITY").len()
}

/// The pictures follow one another without a hole or an overlap; the sound does up to a frame.
fn follow_one_another(sides: &[Spans]) {
    for two in sides.windows(2) {
        let [before, after] = two else { continue };
        assert_eq!(before.shown_until, after.shown_from, "{sides:#?}");
        let gap = after.heard_from - before.heard_until;
        assert!((-SOUND..=SOUND).contains(&gap), "{gap}: {sides:#?}");
    }
}

#[test]
fn the_first_picture_is_decoded_when_it_is_shown_and_nothing_else_moves() {
    let side = Side::at(7 * SECOND);
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    send(
        &mut segmenter,
        [side.video(), side.audio(side.begin)].concat(),
        &[],
    );
    let found = spans(&segmenter);
    follow_one_another(&found);
    assert_eq!(found[0].decoded_from, found[0].shown_from);
    let shown: Vec<i64> = found.iter().flat_map(|it| it.pictures.clone()).collect();
    let want: Vec<i64> = side.video().iter().map(|(_, it)| it.pts).collect();
    let offset = shown[0] - want[0];
    assert!(shown.iter().zip(&want).all(|(is, was)| is - was == offset));
    assert!(found[0].heard_from - offset >= side.begin);
    assert!(found[0].heard_from - offset < side.begin + SOUND);
}

#[test]
fn nothing_lacks_between_two_pictures_with_or_without_b_frames() {
    for (one, other) in [
        (REORDERING, REORDERING),
        (REORDERING, 0),
        (0, REORDERING),
        (0, 0),
    ] {
        let before = Side {
            reordering: one,
            ..Side::at(7 * SECOND)
        };
        let after = Side {
            reordering: other,
            ..Side::at(before.end())
        };
        let frames = [
            before.video(),
            after.video(),
            before.audio(before.begin),
            after.audio(before.end()),
        ];
        let mut segmenter = segmenter(&[video_track(), audio_track()]);
        let tracks = [other_video_track(), audio_track()];
        let told = (after.begin, VIDEO, &tracks[..]);
        send(&mut segmenter, frames.concat(), &[told]);
        assert_eq!(marks(&segmenter), 1);
        let found = spans(&segmenter);
        follow_one_another(&found);
        let first = &found[2];
        assert_eq!(first.decoded_from, first.shown_from, "{first:?}");
        assert!(first.heard_from >= first.shown_from, "{first:?}");
        let pictures: usize = found.iter().map(|it| it.pictures.len()).sum();
        assert_eq!(pictures, 200);
        let sounds: usize = found.iter().map(|it| it.sounds).sum();
        assert_eq!(sounds, 8 * 90_000 / 1920, "not one is lost");
    }
}

#[test]
fn sound_that_changes_behind_the_picture_is_marked_with_it_once() {
    let before = Side::at(7 * SECOND);
    let after = Side::at(before.end());
    let frames = [
        before.video(),
        after.video(),
        before.audio(before.begin),
        after.audio(before.end()),
    ];
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    let [first, second] = [
        [other_video_track(), audio_track()],
        [other_video_track(), other_audio_track()],
    ];
    let told = [
        (after.begin, VIDEO, &first[..]),
        (after.audio(after.begin)[0].1.pts, AUDIO, &second[..]),
    ];
    send(&mut segmenter, frames.concat(), &told);
    assert_eq!(marks(&segmenter), 1);
    follow_one_another(&spans(&segmenter));
}

#[test]
fn what_the_other_sound_says_before_its_picture_is_bridged() {
    other_sound_begins(-5);
}

#[test]
fn what_the_old_sound_says_beyond_its_picture_is_bridged() {
    other_sound_begins(3);
}

/// So many sounds from the cut on.
#[track_caller]
fn other_sound_begins(from_cut: i64) {
    let before = Side::at(7 * SECOND);
    let after = Side::at(before.end());
    let change = before.end() + from_cut * SOUND;
    let mut old_sound = before.audio(before.begin);
    old_sound.extend(after.audio(after.begin));
    old_sound.retain(|(_, sound)| sound.pts < change);
    let new_sound = after.audio(change);
    let first_new = new_sound[0].1.pts;
    let frames = [before.video(), after.video(), old_sound, new_sound];
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    let [first, second] = [
        [other_video_track(), audio_track()],
        [other_video_track(), other_audio_track()],
    ];
    let told = [
        (after.begin, VIDEO, &first[..]),
        (first_new, AUDIO, &second[..]),
    ];
    send(&mut segmenter, frames.concat(), &told);
    assert_eq!(marks(&segmenter), 1);
    let found = spans(&segmenter);
    follow_one_another(&found);
    let [until, from] = [found[1].heard_until, found[2].heard_from];
    assert!((-1..SOUND).contains(&(until - from)), "{found:#?}");
}

#[test]
fn sound_that_was_there_before_its_picture_is_heard_with_it() {
    let before = Side::at(7 * SECOND);
    let after = Side::at(before.end());
    let mut early = after.audio(after.begin);
    for (comes, _) in &mut early {
        *comes -= SECOND / 5;
    }
    let frames = [
        before.video(),
        after.video(),
        before.audio(before.begin),
        early,
    ];
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    let tracks = [other_video_track(), audio_track()];
    let sent: Vec<_> = frames.concat();
    send(&mut segmenter, sent, &[(after.begin, VIDEO, &tracks[..])]);
    let found = spans(&segmenter);
    follow_one_another(&found);
    let first = &found[2];
    assert!(first.heard_from - first.shown_from < SOUND, "{first:?}");
}

#[test]
fn pictures_go_on_where_only_the_sound_changes() {
    // Its last second is of a segment that the other one's first is of, too.
    let before = Side {
        pictures: 75,
        ..Side::at(7 * SECOND)
    };
    let after = Side::at(before.end());
    let frames = [
        before.video(),
        after.video(),
        before.audio(before.begin),
        after.audio(before.end()),
    ];
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    let tracks = [video_track(), other_audio_track()];
    let told = (after.audio(after.begin)[0].1.pts, AUDIO, &tracks[..]);
    send(&mut segmenter, frames.concat(), &[told]);
    assert_eq!(marks(&segmenter), 1);
    let found = spans(&segmenter);
    let pictures: usize = found.iter().map(|it| it.pictures.len()).sum();
    assert_eq!(pictures, 175, "{found:#?}");
    follow_one_another(&found);
}

#[test]
fn sound_that_changes_in_the_middle_is_heard_from_the_next_key_frame_on() {
    let side = Side::at(7 * SECOND);
    let change = side.audio(side.begin + SECOND * 27 / 10)[0].1.pts;
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    let tracks = [video_track(), other_audio_track()];
    send(
        &mut segmenter,
        [side.video(), side.audio(side.begin)].concat(),
        &[(change, AUDIO, &tracks[..])],
    );
    assert_eq!(marks(&segmenter), 1);
    let found = spans(&segmenter);
    let pictures: usize = found.iter().map(|it| it.pictures.len()).sum();
    assert_eq!(pictures, 100, "not one is left out: {found:#?}");
    for two in found.windows(2) {
        assert_eq!(two[0].shown_until, two[1].shown_from, "{found:#?}");
    }
}

#[test]
fn sound_that_stays_away_is_not_waited_for() {
    let before = Side::at(7 * SECOND);
    let after = Side::at(before.end());
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    for (_, frame) in before.video() {
        segmenter.push(frame);
    }
    let known = spans(&segmenter).len();
    segmenter.set_tracks(&[other_video_track(), audio_track()]);
    let finished = after
        .video()
        .into_iter()
        .position(|(_, frame)| segmenter.push(frame));
    assert_eq!(
        finished,
        Some(13),
        "the old side is there after half a second"
    );
    assert_eq!(spans(&segmenter).len(), known + 1);
    segmenter.end();
    assert_eq!(marks(&segmenter), 1);
}

#[test]
fn what_is_held_back_is_not_lost_when_the_feed_ends() {
    let before = Side::at(7 * SECOND);
    let after = Side {
        pictures: 3,
        ..Side::at(before.end())
    };
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    let tracks = [other_video_track(), audio_track()];
    let frames = [before.video(), after.video(), before.audio(before.begin)];
    let told = (after.begin, VIDEO, &tracks[..]);
    send(&mut segmenter, frames.concat(), &[told]);
    let found = spans(&segmenter);
    let pictures: usize = found.iter().map(|it| it.pictures.len()).sum();
    assert_eq!(pictures, 103, "{found:#?}");
}

#[test]
fn a_key_frame_that_never_comes_ends_the_old_side_all_the_same() {
    let before = Side::at(7 * SECOND);
    let after = Side::at(before.end());
    let mut segmenter = segmenter(&[video_track(), audio_track()]);
    for (_, frame) in before.video() {
        segmenter.push(frame);
    }
    segmenter.set_tracks(&[other_video_track(), audio_track()]);
    let sounds = after.audio(after.begin).into_iter();
    let ended = sounds.take(40).any(|(_, frame)| segmenter.push(frame));
    assert!(ended, "within a second");
}

#[test]
fn times_that_nobody_can_trust_move_no_picture_far() {
    let mut segmenter = segmenter(&[video_track()]);
    for number in 0..100 {
        segmenter.push(Frame {
            pts: number * PICTURE + 3600 * SECOND,
            data: Bytes::from_static(&[0, 0, 1, 0x65, 0x88]),
            ..picture(number * PICTURE, number % 25 == 0)
        });
    }
    let found = spans(&segmenter);
    assert_eq!(
        found[0].decoded_from, SECOND,
        "the output's clock is the decoder's"
    );
}
