//! What converters rely on.

use proptest::prelude::*;
use tidegate_timeline::{Cause, Placed, TICKS_PER_SECOND, Timeline};
use tidegate_units::Instant;

const VIDEO: u16 = 256;
const AUDIO: u16 = 257;
const FRAME: i64 = 3600;

/// Arrival of what is decoded `ticks` after the beginning.
fn at(ticks: i64) -> Instant {
    Instant::from_micros(ticks.cast_unsigned() * 100 / 9)
}

/// Puts a second of video from `from` on into the timeline, arriving from `now` on.
fn second(timeline: &mut Timeline, from: i64, now: i64) -> Vec<Placed> {
    let place = |n: i64| {
        timeline.place(
            VIDEO,
            from + n * FRAME,
            from + n * FRAME,
            at(now + n * FRAME),
        )
    };
    (0..25).map(place).collect()
}

#[test]
fn times_that_go_on_are_left_alone() {
    let mut timeline = Timeline::new();
    let placed = second(&mut timeline, 500, 0);
    let times: Vec<_> = placed.iter().map(|placed| placed.dts).collect();
    assert_eq!(times, (0..25).map(|n| 500 + n * FRAME).collect::<Vec<_>>());
    assert!(
        placed
            .iter()
            .all(|placed| placed.broke.is_none() && !placed.overlaps)
    );
}

#[test]
fn a_timeline_can_begin_where_its_user_wants() {
    let mut timeline = Timeline::starting_at(0);
    assert_eq!(timeline.place(VIDEO, 10_000, 9_000, at(0)).dts, 0);
    assert_eq!(timeline.place(AUDIO, 8_500, 8_500, at(0)).dts, -500);
}

#[test]
fn an_encoder_that_starts_again_is_followed_without_a_step() {
    let mut timeline = Timeline::new();
    let before = second(&mut timeline, 80_000_000, 0);
    timeline.restart();
    let after = second(&mut timeline, 0, TICKS_PER_SECOND);
    assert_eq!(after[0].broke.unwrap().cause, Cause::Restarted);
    assert_eq!(after[0].dts - before[24].dts, FRAME);
    assert!(after[1].broke.is_none());
}

#[test]
fn time_without_a_source_passes_on_the_timeline_too() {
    let mut timeline = Timeline::new();
    let before = second(&mut timeline, 0, 0);
    timeline.restart();
    let after = second(&mut timeline, 0, 11 * TICKS_PER_SECOND);
    let step = after[0].dts - before[24].dts;
    assert!((step - 10 * TICKS_PER_SECOND).abs() <= 2 * FRAME, "{step}");
}

#[test]
fn a_jump_moves_all_tracks_by_the_same_amount_each_when_it_gets_there() {
    for jump in [-70_000_000_i64, -50_000, 300_000, 8_000_000_000] {
        let mut timeline = Timeline::new();
        let base = 100_000_000;
        let mut last = 0;
        for n in 0..25 {
            last = timeline
                .place(VIDEO, base + n * FRAME, base + n * FRAME, at(n * FRAME))
                .dts;
            timeline.place(
                AUDIO,
                base + n * FRAME - 900,
                base + n * FRAME - 900,
                at(n * FRAME),
            );
        }
        let (now, next) = (at(25 * FRAME), base + 25 * FRAME);
        let video = timeline.place(VIDEO, next + jump, next + jump, now);
        // Sound that was still on its way.
        let late = timeline.place(AUDIO, next - 900, next - 900, now);
        let audio = timeline.place(
            AUDIO,
            next + FRAME + jump - 900,
            next + FRAME + jump - 900,
            at(26 * FRAME),
        );
        let cause = video.broke.unwrap().cause;
        let expected = if jump < 0 {
            Cause::Back(-jump - FRAME)
        } else {
            Cause::Ahead(jump)
        };
        assert_eq!(cause, expected);
        assert_eq!(video.dts - last, FRAME);
        assert!(late.broke.is_none() && audio.broke.is_none());
        assert_eq!(
            audio.pts - video.pts,
            FRAME - 900,
            "sound stays with the picture"
        );
    }
}

#[test]
fn a_pause_that_really_was_one_is_no_break() {
    let mut timeline = Timeline::new();
    second(&mut timeline, 0, 0);
    let pause = 7 * TICKS_PER_SECOND;
    let placed = timeline.place(
        VIDEO,
        25 * FRAME + pause,
        25 * FRAME + pause,
        at(25 * FRAME + pause),
    );
    assert_eq!((placed.dts, placed.broke), (25 * FRAME + pause, None));
}

#[test]
fn a_small_step_back_is_straightened_and_said_to_overlap() {
    let mut timeline = Timeline::new();
    let before = second(&mut timeline, 0, 0);
    let placed = timeline.place(VIDEO, 20 * FRAME, 20 * FRAME, at(25 * FRAME));
    assert_eq!(placed.dts, before[24].dts + 90, "a millisecond");
    assert!(placed.overlaps && placed.broke.is_none());
}

#[test]
fn a_track_with_a_clock_of_its_own_begins_beside_the_others() {
    let mut timeline = Timeline::new();
    let placed = second(&mut timeline, 0, 0);
    let apart = timeline.place(AUDIO, 9_000_000_000, 9_000_000_000, at(24 * FRAME));
    assert_eq!(apart.broke.unwrap().cause, Cause::Apart);
    assert!((apart.dts - placed[24].dts).abs() <= TICKS_PER_SECOND);
    let next = timeline.place(AUDIO, 9_000_001_920, 9_000_001_920, at(25 * FRAME));
    assert_eq!(next.dts - apart.dts, 1_920);
    assert!(
        timeline
            .place(VIDEO, 25 * FRAME, 25 * FRAME, at(25 * FRAME))
            .broke
            .is_none()
    );
}

#[test]
fn tracks_that_are_all_new_stay_together_on_a_new_clock() {
    let mut timeline = Timeline::new();
    let before = second(&mut timeline, 9_000_000_000, 0);
    let now = at(25 * FRAME);
    let video = timeline.place(VIDEO + 10, 900_000, 900_000, now);
    let audio = timeline.place(AUDIO + 10, 899_000, 899_000, now);
    assert!(video.broke.is_some() && audio.broke.is_none());
    assert_eq!(video.dts - before[24].dts, FRAME);
    assert_eq!(audio.pts - video.pts, -1000);
}

#[test]
fn what_happened_is_said_in_words() {
    let mut timeline = Timeline::new();
    timeline.place(VIDEO, 180_000, 180_000, at(0));
    let broke = timeline.place(VIDEO, 0, 0, at(FRAME)).broke.unwrap();
    assert_eq!(broke.to_string(), "track 256 jumped back by 2.000 s");
}

proptest! {
    #[test]
    fn no_input_makes_a_track_go_back(
        steps in prop::collection::vec((0_u16..70, any::<i64>(), any::<i64>(), 0_u64..5_000_000, any::<bool>()), 1..200),
    ) {
        let mut timeline = Timeline::starting_at(0);
        let mut last = std::collections::HashMap::new();
        let mut now = Instant::ZERO;
        for (track, pts, dts, micros, restarts) in steps {
            now = now.offset_micros(micros.cast_signed());
            if restarts && track == 0 {
                timeline.restart();
            }
            let track = track % 8;
            let placed = timeline.place(track, pts / 4, dts / 4, now);
            prop_assert!(placed.pts >= placed.dts);
            if let Some(before) = last.insert(track, placed.dts) {
                prop_assert!(placed.dts >= before.saturating_add(90), "{} after {before}", placed.dts);
            }
        }
    }

    #[test]
    fn picture_and_sound_keep_their_distance_over_any_restarts(
        starts in prop::collection::vec((0_i64..1 << 33, -40_000_i64..40_000), 1..6),
    ) {
        let mut timeline = Timeline::new();
        let mut now = 0;
        for (start, skew) in starts {
            timeline.restart();
            for n in 0..40 {
                let dts = start + n * FRAME;
                let video = timeline.place(VIDEO, dts, dts, at(now));
                let audio = timeline.place(AUDIO, dts + skew, dts + skew, at(now));
                if !audio.overlaps && audio.dts == audio.pts && n > 25 {
                    prop_assert_eq!(audio.pts - video.pts, skew);
                }
                now += FRAME;
            }
        }
    }
}
