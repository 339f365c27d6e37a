//! Where segments begin and end, and what the playlist says about them.

mod common;

use common::{
    AUDIO, SECOND, VIDEO, audio_track, names, picture, play, segment, sound, values, video_track,
};
use proptest::prelude::*;
use tidegate_hls::{Segmenter, SegmenterConfig, Track};

fn segmenter() -> Segmenter {
    let mut segmenter = Segmenter::new(SegmenterConfig::default());
    segmenter.set_tracks(&[video_track()]);
    segmenter
}

#[test]
fn there_is_no_playlist_before_the_first_segment() {
    let mut segmenter = segmenter();
    play(&mut segmenter, 0, 2, 50);
    assert_eq!(segmenter.playlist(), None);
    assert_eq!(segmenter.master("media.m3u8"), None);
    assert!(
        segmenter.push(picture(2 * SECOND, true)),
        "the key frame ends the first segment"
    );
    assert!(segmenter.playlist().is_some());
}

#[test]
fn segments_end_at_key_frames_near_the_target() {
    for (group, seconds) in [
        (25, "2.00000,"),
        (50, "2.00000,"),
        (75, "3.00000,"),
        (20, "1.60000,"),
    ] {
        let mut segmenter = segmenter();
        play(&mut segmenter, 7 * SECOND, 20, group);
        let playlist = segmenter.playlist().expect("segments");
        let durations = values(&playlist, "#EXTINF:");
        assert!(
            durations.iter().all(|duration| *duration == seconds),
            "{playlist}"
        );
        assert!(playlist.contains("#EXT-X-INDEPENDENT-SEGMENTS"));
    }
}

#[test]
fn without_key_frames_a_segment_ends_at_the_longest_duration() {
    let mut segmenter = segmenter();
    play(&mut segmenter, 0, 25, 1_000_000);
    let playlist = segmenter.playlist().expect("segments");
    assert_eq!(values(&playlist, "#EXTINF:"), ["6.00000,"; 4]);
    assert_eq!(values(&playlist, "#EXT-X-TARGETDURATION:"), ["6"]);
    assert!(!playlist.contains("#EXT-X-INDEPENDENT-SEGMENTS"));
}

#[test]
fn nothing_is_taken_before_the_first_key_frame() {
    let mut segmenter = segmenter();
    segmenter.set_tracks(&[video_track(), audio_track()]);
    for number in 0..100 {
        segmenter.push(picture(number * 3600, false));
        segmenter.push(sound(number * 3600));
    }
    segmenter.end();
    assert_eq!(segmenter.playlist(), None);
}

#[test]
fn whoever_fetches_a_segment_gets_the_same_memory() {
    let mut segmenter = segmenter();
    play(&mut segmenter, 0, 5, 50);
    let playlist = segmenter.playlist().expect("segments");
    for name in names(&playlist) {
        let (one, other) = (segmenter.segment(name), segmenter.segment(name));
        let (one, other) = (one.expect("listed"), other.expect("listed"));
        assert_eq!(one.as_ptr(), other.as_ptr());
    }
    let first = names(&playlist)[0];
    let before = segmenter.segment(first).expect("listed");
    // However the feed goes on, a segment that was fetched stays as it is.
    play(&mut segmenter, 5 * SECOND, 5, 50);
    let after = segmenter.segment(first).expect("kept");
    assert_eq!(before.as_ptr(), after.as_ptr());
}

#[test]
fn the_window_slides_and_old_segments_stay_a_while() {
    let mut segmenter = segmenter();
    play(&mut segmenter, 0, 41, 50);
    let playlist = segmenter.playlist().expect("segments");
    assert_eq!(values(&playlist, "#EXT-X-MEDIA-SEQUENCE:"), ["14"]);
    assert_eq!(names(&playlist).len(), 6);
    assert_eq!(names(&playlist).first(), Some(&"seg-14.m4s"));
    for (name, kept) in [
        ("seg-19.m4s", true),
        ("seg-10.m4s", true),
        ("seg-9.m4s", false),
    ] {
        assert_eq!(segmenter.segment(name).is_some(), kept, "{name}");
    }
    for odd in [
        "init-0.mp4x",
        "seg-.m4s",
        "../seg-14.m4s",
        "",
        "seg-99999999999999999999.m4s",
    ] {
        assert_eq!(segmenter.segment(odd), None, "{odd}");
    }
    let init = segmenter
        .segment("init-0.mp4")
        .expect("the initialisation segment");
    assert_eq!(init[4..8], *b"ftyp");
}

#[test]
fn a_break_of_the_timeline_is_a_discontinuity_with_the_same_initialisation() {
    let mut segmenter = segmenter();
    play(&mut segmenter, 0, 5, 50);
    play(&mut segmenter, 9_000 * SECOND, 5, 50);
    play(&mut segmenter, 100 * SECOND, 5, 50);
    let playlist = segmenter.playlist().expect("segments");
    assert_eq!(
        values(&playlist, "#EXT-X-DISCONTINUITY").len(),
        2,
        "{playlist}"
    );
    assert_eq!(values(&playlist, "#EXT-X-MAP:"), ["URI=\"init-0.mp4\""; 3]);
    let durations = values(&playlist, "#EXTINF:");
    assert!(
        durations
            .iter()
            .all(|d| ["2.00000,", "1.00000,"].contains(d)),
        "{playlist}"
    );
}

#[test]
fn discontinuities_that_left_the_list_are_counted() {
    let mut segmenter = segmenter();
    for round in 0..10 {
        play(&mut segmenter, round * 1000 * SECOND, 4, 50);
    }
    let playlist = segmenter.playlist().expect("segments");
    let listed = values(&playlist, "#EXT-X-DISCONTINUITY")
        .iter()
        .filter(|rest| rest.is_empty())
        .count();
    let gone: usize = values(&playlist, "#EXT-X-DISCONTINUITY-SEQUENCE:")[0]
        .parse()
        .expect("one");
    assert_eq!(listed + gone, 9, "{playlist}");
}

#[test]
fn another_configuration_gets_another_initialisation_segment() {
    let mut segmenter = segmenter();
    play(&mut segmenter, 0, 4, 50);
    segmenter.set_tracks(&[video_track(), audio_track()]);
    for number in 0..150 {
        segmenter.push(picture(4 * SECOND + number * 3600, number % 50 == 0));
        segmenter.push(sound(4 * SECOND + number * 3600));
    }
    let playlist = segmenter.playlist().expect("segments");
    assert_eq!(
        values(&playlist, "#EXT-X-MAP:"),
        ["URI=\"init-0.mp4\"", "URI=\"init-1.mp4\""]
    );
    assert_eq!(values(&playlist, "#EXT-X-DISCONTINUITY").len(), 1);
    let master = segmenter.master("media.m3u8").expect("segments");
    assert!(
        master.contains("CODECS=\"avc1.640028,mp4a.40.2\""),
        "{master}"
    );
    assert!(
        master.contains("RESOLUTION=1920x1080,FRAME-RATE=25.000"),
        "{master}"
    );
    assert!(master.ends_with("\nmedia.m3u8\n"));
}

#[test]
fn a_configuration_told_again_changes_nothing() {
    let mut segmenter = segmenter();
    play(&mut segmenter, 0, 4, 50);
    segmenter.set_tracks(&[video_track()]);
    play(&mut segmenter, 4 * SECOND, 5, 50);
    let playlist = segmenter.playlist().expect("segments");
    assert!(!playlist.contains("DISCONTINUITY"), "{playlist}");
}

#[test]
fn sound_alone_is_cut_at_the_target() {
    let mut segmenter = Segmenter::new(SegmenterConfig::default());
    segmenter.set_tracks(&[audio_track()]);
    for number in 0..500 {
        segmenter.push(sound(number * 1920));
    }
    let playlist = segmenter.playlist().expect("segments");
    let durations = values(&playlist, "#EXTINF:");
    assert!(
        durations.len() >= 5 && durations.iter().all(|d| d.starts_with("2.0")),
        "{playlist}"
    );
    let master = segmenter.master("media.m3u8").expect("segments");
    assert!(master.contains("CODECS=\"mp4a.40.2\"") && !master.contains("RESOLUTION"));
}

#[test]
fn sound_goes_on_alone_when_the_picture_announced_never_comes() {
    let mut segmenter = Segmenter::new(SegmenterConfig::default());
    let announced = Track {
        config: None,
        ..video_track()
    };
    segmenter.set_tracks(&[announced, audio_track()]);
    let mut begun = None;
    for number in 0..1000 {
        if segmenter.push(sound(number * 1920)) {
            begun.get_or_insert(number * 1920 / SECOND);
        }
    }
    assert_eq!(begun, Some(8), "six seconds of patience, two of a segment");
}

#[test]
fn a_picture_that_stands_still_does_not_collect_sound_for_ever() {
    let mut segmenter = segmenter();
    segmenter.set_tracks(&[video_track(), audio_track()]);
    segmenter.push(picture(0, true));
    for number in 0..100_000 {
        segmenter.push(sound(number * 1920));
    }
    let playlist = segmenter.playlist().expect("what was there");
    assert_eq!(names(&playlist).len(), 1);
}

#[test]
fn a_successor_continues_the_numbers() {
    let config = SegmenterConfig {
        first_sequence: 700,
        ..SegmenterConfig::default()
    };
    let mut segmenter = Segmenter::new(config);
    segmenter.set_tracks(&[video_track()]);
    play(&mut segmenter, 0, 5, 50);
    let playlist = segmenter.playlist().expect("segments");
    assert_eq!(names(&playlist), ["seg-700.m4s", "seg-701.m4s"]);
    assert!(playlist.contains("init-700.mp4"));
}

proptest! {
    #[test]
    fn whatever_the_frames_the_playlist_keeps_its_promises(
        frames in prop::collection::vec(
            (any::<bool>(), any::<bool>(), -20_000_i64..200_000, prop::bool::weighted(0.02)), 1..400),
        start in any::<i64>(),
    ) {
        let mut segmenter = segmenter();
        segmenter.set_tracks(&[video_track(), audio_track()]);
        let mut time = start;
        for (video, key, step, jump) in frames {
            time = if jump { time.wrapping_mul(31) } else { time.saturating_add(step) };
            let mut frame = picture(time, key);
            frame.track = if video { VIDEO } else { AUDIO };
            segmenter.push(frame);
        }
        segmenter.end();
        let Some(playlist) = segmenter.playlist() else { return Ok(()) };
        let target: f64 = values(&playlist, "#EXT-X-TARGETDURATION:")[0].parse().expect("one");
        for duration in values(&playlist, "#EXTINF:") {
            let duration: f64 = duration.trim_end_matches(',').parse().expect("seconds");
            prop_assert!(duration > 0.0 && duration < target + 0.5);
        }
        for name in names(&playlist) {
            prop_assert!(segmenter.segment(name).is_some());
        }
        prop_assert!(segmenter.master("media.m3u8").is_some());
    }

    #[test]
    fn damaged_streams_are_segmented_without_a_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..100),
    ) {
        for mut stream in samples() {
            for (index, byte) in &damage {
                *index.get_mut(&mut stream) = *byte;
            }
            let mut segmenter = Segmenter::new(SegmenterConfig::default());
            segment(&mut segmenter, &stream);
            segmenter.end();
            prop_assert_eq!(segmenter.playlist().is_some(), segmenter.master("x").is_some());
            prop_assert!(segmenter.playlist().is_some() || !damage.is_empty());
        }
    }
}

/// Streams with every kind of header.
fn samples() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../mpegts/tests/samples/");
    [
        "sample_h264_mpeg_audio.ts",
        "sample_h265.ts",
        "sample_latm.ts",
        "sample_ac3.ts",
    ]
    .iter()
    .map(|name| std::fs::read(format!("{folder}{name}")).expect("samples of the neighbour"))
    .collect()
}
