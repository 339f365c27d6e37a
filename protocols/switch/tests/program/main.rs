//! A program made of several inputs: its timeline never breaks.

mod astray;
mod noise;
mod open;
mod real;
mod slow;
mod sparse;
mod stream;
mod tracks;
mod twins;
mod world;

use stream::{SPEC, Spec};
use tidegate_switch::{How, OnAir, Order};
use tidegate_units::{Duration, Instant};
use world::{Seen, World};

const OTHER: Spec = Spec {
    mark: b'B',
    first_pid: 0x200,
    base: 77_000_123,
    ..SPEC
};

/// A world whose first input is on air since some seconds.
fn on_air(specs: &[(Spec, u64)]) -> World {
    let mut world = World::new(specs);
    world.order(0, How::Alive);
    world.run(5_000);
    assert_eq!(world.program.status(world.now).on_air, OnAir::Input(0));
    world
}

#[test]
fn the_first_input_passes_to_the_bit_but_for_its_tables() {
    let world = on_air(&[(SPEC, 500)]);
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    assert_eq!(
        seen.pids.keys().copied().collect::<Vec<_>>(),
        [0, 0x100, 0x101, 0x1000]
    );
    let mut stream = stream::Stream::new(SPEC);
    let bytes = |of: &[u8], out: &mut Vec<u8>| {
        for packet in of.as_chunks::<188>().0 {
            let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
            if pid != 0 && pid != 0x1000 {
                out.extend(packet);
            }
        }
    };
    let (mut sent, mut came) = (Vec::new(), Vec::new());
    for (_, piece) in stream.until(5 * 90_000) {
        bytes(&piece, &mut sent);
    }
    for (_, emitted) in &world.out {
        bytes(&emitted.bytes, &mut came);
    }
    assert!(came.len() > 100_000);
    let at = sent
        .windows(188)
        .position(|it| *it == came[..188])
        .expect("it was sent");
    assert!(sent[at..].starts_with(&came[..came.len().min(sent.len() - at)]));
}

#[test]
fn a_take_cuts_at_the_next_key_frame_without_a_gap() {
    let mut world = on_air(&[(SPEC, 500), (OTHER, 500)]);
    world.order(1, How::Alive);
    world.run(3_000);
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    let switched = world.switches()[1];
    assert_eq!(
        (switched.from, switched.to),
        (OnAir::Input(0), OnAir::Input(1))
    );
    assert_eq!(switched.gap, Duration::ZERO);
    assert!(switched.delay < Duration::from_millis(80), "{switched:?}");
    assert!(
        seen.longest_silence() <= Duration::from_millis(45),
        "{:?}",
        seen.longest_silence()
    );
    let first = seen
        .pictures
        .iter()
        .find(|frame| frame.mark == b'B')
        .expect("it came");
    assert!(first.key);
    assert_eq!(
        seen.pids.keys().copied().collect::<Vec<_>>(),
        [0, 0x100, 0x101, 0x1000]
    );
    let versions = &seen.map_versions;
    assert!(versions.iter().all(|version| *version == versions[0]));
}

#[test]
fn a_stalled_input_is_left_when_all_it_sent_was_played_and_without_a_gap() {
    for b_frames in [0, 2] {
        let a = Spec { b_frames, ..SPEC };
        let b = Spec {
            b_frames,
            gop: 20,
            frames_per_pes: 4,
            ..OTHER
        };
        let mut world = on_air(&[(a, 500), (b, 500)]);
        world.inputs[0].alive = false;
        world.run(150);
        world.order(1, How::Starved);
        world.run(100);
        assert_eq!(
            world.program.status(world.now).on_air,
            OnAir::Input(0),
            "not yet"
        );
        world.run(2_000);
        let seen = world.seen();
        seen.is_sound();
        seen.has_no_gap(3600);
        let switched = world.switches()[1];
        assert_eq!(switched.gap, Duration::ZERO);
        assert!(switched.delay <= Duration::from_secs(1));
        assert!(
            seen.longest_silence() <= Duration::from_millis(45),
            "{:?}",
            seen.longest_silence()
        );
    }
}

#[test]
fn a_stall_that_the_latency_heals_causes_nothing() {
    let mut world = on_air(&[(SPEC, 500), (OTHER, 500)]);
    for stall_millis in 440..460 {
        world.inputs[0].stalled = true;
        world.run(150);
        world.order(1, How::Starved);
        world.run(stall_millis - 150);
        world.inputs[0].stalled = false;
        world.run(1);
        world.program.order(Order::Drop);
        world.run(600);
    }
    assert_eq!(world.switches().len(), 1);
    assert_eq!(world.events.len(), 21, "twenty were averted");
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    assert!(seen.longest_silence() <= Duration::from_millis(45));
}

#[test]
fn no_clock_goes_out_late_with_a_picture_that_never_gets_whole() {
    let mut world = on_air(&[(SPEC, 500)]);
    // A fifth of a second for a key frame.
    world.inputs[0].bits_per_second = Some(300_000);
    world.run(1_070);
    world.inputs[0].stalled = true;
    world.run(1_000);
    world.program.ended(OnAir::Input(0));
    world.run(500);
    let seen = world.seen();
    let ahead = |(clock, due): &(i64, Instant)| *clock - due.as_micros() as i64 * 9 / 100;
    let first = ahead(&seen.clocks[0]);
    let behind = seen.clocks.iter().map(|clock| first - ahead(clock));
    assert!(behind.max() < Some(27_000), "{:?}", seen.clocks.last());
}

/// Pairs of streams that differ in what a cut has to bring together.
fn pairs() -> Vec<(&'static str, Spec, Spec)> {
    let with = |of: Spec, change: fn(&mut Spec)| {
        let mut spec = of;
        change(&mut spec);
        spec
    };
    vec![
        ("alike", SPEC, OTHER),
        ("into reordering", SPEC, with(OTHER, |it| it.b_frames = 2)),
        ("out of reordering", with(SPEC, |it| it.b_frames = 2), OTHER),
        (
            "long units of sound",
            with(SPEC, |it| it.frames_per_pes = 5),
            with(OTHER, |it| it.frames_per_pes = 7),
        ),
        (
            "late sound",
            with(SPEC, |it| it.audio_late_ticks = 27_000),
            with(OTHER, |it| it.frames_per_pes = 3),
        ),
        (
            "early sound",
            with(SPEC, |it| it.audio_late_ticks = -27_000),
            with(OTHER, |it| it.audio_late_ticks = 9_000),
        ),
        (
            "another lead",
            SPEC,
            with(OTHER, |it| it.lead_ticks = 45_000),
        ),
        (
            "a smaller lead",
            with(SPEC, |it| it.lead_ticks = 45_000),
            OTHER,
        ),
        (
            "a clock of its own",
            SPEC,
            with(OTHER, |it| it.pcr_alone = true),
        ),
        (
            "from a clock of its own",
            with(SPEC, |it| it.pcr_alone = true),
            OTHER,
        ),
        (
            "headers once",
            SPEC,
            with(OTHER, |it| it.sets_everywhere = false),
        ),
        (
            "before its wrap",
            SPEC,
            with(OTHER, |it| it.base = (1 << 33) - 90_000 * 7),
        ),
        (
            "into a wrap",
            with(SPEC, |it| it.base = (1 << 33) - 90_000 * 6),
            OTHER,
        ),
        (
            "the same PIDs",
            SPEC,
            with(OTHER, |it| it.first_pid = 0x100),
        ),
        ("crossed PIDs", SPEC, with(OTHER, |it| it.first_pid = 0x101)),
    ]
}

fn there_and_back(world: &mut World) -> Seen {
    for to in [1, 0, 1] {
        world.order(to, How::Alive);
        world.run(2_300);
    }
    assert_eq!(world.switches().len(), 4);
    world.seen()
}

#[test]
fn takes_there_and_back_are_seamless_whatever_the_streams_are_like() {
    for (name, a, b) in pairs() {
        println!("{name}");
        for latency in [0, 120, 1_000] {
            let mut world = on_air(&[(a, latency), (b, latency)]);
            let seen = there_and_back(&mut world);
            seen.is_sound();
            seen.has_no_gap(3600);
            assert!(world.switches().iter().all(|it| it.gap == Duration::ZERO));
            let delays = world.switches().iter().map(|it| it.delay).max();
            let most = if a.b_frames + b.b_frames > 0 {
                240
            } else {
                120
            };
            assert!(delays <= Some(Duration::from_millis(most)), "{delays:?}");
        }
    }
}

#[test]
fn the_clock_is_not_silent_where_pictures_that_were_sent_ahead_end() {
    let slow = |spec: Spec| Spec {
        picture_ticks: 7200,
        gop: 12,
        ..spec
    };
    let ahead = Spec {
        b_frames: 2,
        ..slow(SPEC)
    };
    for other in [
        slow(OTHER),
        Spec {
            pcr_alone: true,
            ..slow(OTHER)
        },
    ] {
        let mut world = on_air(&[(ahead, 500), (other, 500)]);
        let seen = there_and_back(&mut world);
        seen.is_sound();
        seen.has_no_gap(7200);
    }
}

#[test]
fn soon_behind_a_cut_nothing_tells_the_clock_but_what_is_on_air() {
    let mut world = on_air(&[(SPEC, 500), (OTHER, 500)]);
    // It is slower than ours, so that one which goes on by ours runs away from it.
    world.inputs[1].fast = -300;
    world.order(1, How::Alive);
    world.run(10_000);
    let clocks = world.seen().clocks;
    let late = |(_, due): &&(i64, Instant)| *due + Duration::from_secs(5) > world.now;
    let told = clocks.iter().filter(late).count();
    assert!(
        (120..=130).contains(&told),
        "{told} times in 5 s at 25 pictures a second"
    );
}

#[test]
fn a_dead_input_is_left_without_a_gap_whatever_the_streams_are_like() {
    for (name, a, b) in pairs() {
        println!("{name}");
        for how in [How::Starved, How::Gone] {
            for later in [0, 7, 33, 210] {
                let mut world = on_air(&[(a, 500), (b, 500)]);
                world.run(later);
                world.inputs[0].alive = false;
                world.run(150);
                if how == How::Gone {
                    world.program.ended(OnAir::Input(0));
                }
                world.order(1, how);
                world.run(3_000);
                let seen = world.seen();
                seen.is_sound();
                seen.has_no_gap(3600);
                assert_eq!(world.switches().len(), 2);
                assert_eq!(world.switches()[1].gap, Duration::ZERO);
            }
        }
    }
}

#[test]
fn an_input_without_latency_is_left_within_a_group_of_pictures() {
    for how in [How::Starved, How::Gone, How::Damaged, How::Alive] {
        let mut world = on_air(&[(SPEC, 0), (OTHER, 0)]);
        world.inputs[0].alive = false;
        world.run(150);
        world.order(1, how);
        world.run(3_000);
        let seen = world.seen();
        seen.is_sound();
        seen.has_no_gap(3600);
        assert!(seen.longest_silence() < Duration::from_millis(1_100));
    }
}

#[test]
fn the_latency_is_the_same_after_a_thousand_switches() {
    let b = Spec {
        gop: 11,
        frames_per_pes: 3,
        ..OTHER
    };
    let mut world = on_air(&[(SPEC, 300), (b, 300)]);
    for round in 0..1_000 {
        world.order((round + 1) % 2, How::Alive);
        world.run(1_200 + 7 * (round as u64 % 13));
    }
    assert_eq!(world.switches().len(), 1_001);
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    let latencies = seen.latencies();
    let (first, last) = (latencies[50], latencies[latencies.len() - 10]);
    assert!((first - last).abs() < 60_000, "{first} {last}");
    let spread = latencies.iter().map(|it| (it - first).abs()).max();
    assert!(spread < Some(200_000), "{spread:?}");
}

#[test]
fn an_encoder_that_begins_anew_goes_on_where_it_stopped() {
    for told in [true, false] {
        let mut world = on_air(&[(SPEC, 500)]);
        world.inputs[0].alive = false;
        world.run(300);
        world.restart(
            0,
            Spec {
                base: 5_000,
                ..OTHER
            },
            told,
        );
        world.run(4_000);
        let seen = world.seen();
        seen.is_sound_but_for_a_leap();
        assert_eq!(world.switches().len(), 2, "{:?}", world.events);
        assert!(
            world.switches()[1].gap <= Duration::from_millis(800),
            "{:?}",
            world.events
        );
        assert!(seen.pictures.iter().any(|frame| frame.mark == b'B'));
    }
}

#[test]
fn a_take_away_from_what_began_anew_comes_at_the_end_of_what_it_sent_before_at_the_latest() {
    // The next key frame is seconds away, the last one younger than a second.
    let b = Spec { gop: 100, ..OTHER };
    let mut world = on_air(&[(SPEC, 700), (b, 700)]);
    world.run(3_850);
    world.program.ended(OnAir::Input(0));
    world.inputs[0].alive = false;
    world.run(50);
    world.restart(
        0,
        Spec {
            base: 5_000,
            ..SPEC
        },
        true,
    );
    world.order(1, How::Alive);
    world.run(1_000);
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    let switched = world.switches()[1];
    assert_eq!(switched.to, OnAir::Input(1));
    assert!(
        seen.longest_silence() <= Duration::from_millis(45),
        "{:?}",
        seen.longest_silence()
    );
}

#[test]
fn splices_are_moved_with_the_pictures_that_they_are_about() {
    let with = |of: Spec| Spec {
        splices: true,
        ..of
    };
    let mut world = on_air(&[(with(SPEC), 200), (with(OTHER), 200)]);
    for to in [1, 0] {
        world.order(to, How::Alive);
        world.run(4_000);
    }
    let seen = world.seen();
    seen.is_sound();
    assert_eq!(seen.wrong_sections, 0);
    assert!(seen.splices.len() > 8, "{}", seen.splices.len());
    for (time, made) in &seen.splices {
        let is_it = |frame: &&world::Frame| frame.made == *made && frame.pts == *time;
        assert!(
            seen.pictures.iter().any(|frame| is_it(&frame)),
            "{time} {made}"
        );
    }
}

#[test]
fn a_stream_that_the_first_input_has_not_gets_a_pid_of_its_own_and_the_map_says_so_once() {
    let b = Spec {
        splices: true,
        first_pid: 0x100,
        ..OTHER
    };
    let mut world = on_air(&[
        (
            Spec {
                first_pid: 0x102,
                ..SPEC
            },
            200,
        ),
        (b, 200),
    ]);
    for to in [1, 0, 1] {
        world.order(to, How::Alive);
        world.run(3_000);
    }
    let seen = world.seen();
    seen.is_sound();
    assert_eq!(
        seen.pids.keys().copied().collect::<Vec<_>>(),
        [0, 0x20, 0x102, 0x103, 0x1000]
    );
    let mut versions = seen.map_versions;
    versions.dedup();
    assert_eq!(versions, [versions[0], (versions[0] + 1) % 32]);
}

#[test]
fn clocks_that_run_apart_do_not_add_to_the_latency() {
    let mut world = World::new(&[(SPEC, 300), (OTHER, 300)]);
    (world.inputs[0].fast, world.inputs[1].fast) = (2_000, -2_000);
    world.order(0, How::Alive);
    world.run(20_000);
    for round in 0..10 {
        world.order((round + 1) % 2, How::Alive);
        world.run(20_000);
    }
    assert_eq!(world.switches().len(), 11);
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    let delays = world.switches().iter().map(|it| it.delay).max();
    assert!(delays < Some(Duration::from_millis(150)), "{delays:?}");
    // Four hundredths of a second in each turn, up and down again.
    let latencies = seen.latencies();
    let spread = latencies.iter().max().zip(latencies.iter().min());
    assert!(
        spread.is_some_and(|(most, least)| most - least < 250_000),
        "{spread:?}"
    );
}
