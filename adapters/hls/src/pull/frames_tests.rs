use super::*;

fn frame(leg: u16, dts: i64, came_millis: u64) -> Placed {
    Placed {
        track: leg * TRACKS_OF_A_LEG,
        pts: dts,
        dts,
        key: true,
        video: leg == 0,
        discontinuity: false,
        data: Bytes::new(),
        came: Instant::from_millis(came_millis),
    }
}

/// Segments of a second, with frames every 40 ms whose clock begins at each of these.
fn legs(clocks: [&[i64]; 2]) -> FrameLine {
    let mut line = FrameLine::new(2);
    for (number, clocks) in (0..).zip(clocks) {
        let leg = &mut line.legs[usize::from(number)];
        for (second, clock) in (0..).zip(clocks) {
            for step in 0..25_u16 {
                let dts = clock + i64::from(step) * 3600;
                let came = second * 1000 + u64::from(step) * 40;
                leg.waiting.push_back(frame(number, dts, came));
            }
        }
        leg.ended = true;
    }
    line
}

fn played(line: &mut FrameLine) -> Vec<(u16, i64)> {
    core::iter::from_fn(|| line.next())
        .map(|frame| (frame.track / TRACKS_OF_A_LEG, frame.dts))
        .collect()
}

#[test]
fn a_leg_whose_clock_went_back_first_does_not_keep_the_other_waiting() {
    const HOUR: i64 = 3600 * TICKS_PER_SECOND;
    // The encoder began anew: the pictures get there a second before the sound.
    let mut line = legs([&[HOUR, 0, 90_000], &[HOUR, HOUR + 90_000, 90_000]]);
    let frames = played(&mut line);
    assert_eq!(frames.len(), 150);
    // Side by side all the time: neither is more than a second ahead of the other.
    let mut last = [frames[0].1; 2];
    for (leg, dts) in frames {
        last[usize::from(leg)] = dts;
        assert!((last[0] - last[1]).abs() <= 100_000, "{last:?}");
    }
}

#[test]
fn legs_that_were_entered_some_segments_apart_keep_their_times() {
    let mut line = legs([&[0, 90_000, 180_000, 270_000], &[270_000]]);
    for (leg, dts) in played(&mut line) {
        assert!(leg == 0 || dts >= 270_000, "{dts}");
    }
    assert!(line.take_breaks().is_empty());
}

#[test]
fn a_clock_that_leaps_ahead_is_joined_on_and_a_gap_that_the_playlist_shows_stays() {
    let piece = |missed| Piece {
        data: Bytes::new(),
        init: None,
        duration: Duration::from_secs(2),
        discontinuity: false,
        missed,
    };
    let mut listed = Listed::default();
    listed.begin(&piece(0));
    assert_eq!(listed.came(1_000_000), Instant::ZERO);
    assert_eq!(listed.came(1_090_000), Instant::from_millis(1000));
    listed.begin(&piece(0));
    assert_eq!(listed.came(900_000_000), Instant::from_millis(2000));
    assert_eq!(
        listed.came(990_000_000),
        Instant::from_millis(4000),
        "a segment's length at most"
    );
    listed.begin(&piece(2));
    assert_eq!(listed.came(0), Instant::from_millis(8000));
    listed.begin(&piece(u64::MAX));
    assert_eq!(listed.came(0), Instant::from_millis(20_000));

    let mut line = FrameLine::new(1);
    let times = [(0, 0), (3600, 40), (360_000_000, 80), (360_003_600, 120)];
    for (dts, came) in times {
        line.legs[0].waiting.push_back(frame(0, dts, came));
    }
    line.legs[0].ended = true;
    let dts: Vec<_> = played(&mut line).into_iter().map(|(_, dts)| dts).collect();
    assert_eq!(dts, [0, 3600, 7200, 10_800]);
    assert_eq!(line.take_breaks().len(), 1);
}
