//! Times that do not go on: of one track, and of the whole input.

use crate::stream::{ASTRAY_PID, AUDIO_FRAME_TICKS, More, SPEC, Spec, Stream};
use crate::{OTHER, on_air};
use bytes::Bytes;
use tidegate_mpegts::Packet;
use tidegate_mpegts::seam::Intake;
use tidegate_switch::How;
use tidegate_units::{Duration, Instant};

const fn astray(stream_type: u8) -> More {
    More {
        pid: ASTRAY_PID,
        stream_type,
        language: "",
        silent: false,
    }
}

#[test]
fn a_wild_time_of_a_second_sound_costs_that_sound_its_frame_and_nothing_else() {
    let a = Spec {
        more: const { &[astray(0x0F)] },
        ..SPEC
    };
    let b = Spec {
        more: const { &[astray(0x0F)] },
        ..OTHER
    };
    let mut world = on_air(&[(a, 300), (b, 300)]);
    assert_eq!(world.switches().len(), 1, "{:?}", world.events);
    for to in [1, 0] {
        world.order(to, How::Alive);
        world.run(5_000);
    }
    assert_eq!(world.switches().len(), 3, "{:?}", world.events);
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
    let second = &seen.others[&(0x100 + ASTRAY_PID)];
    assert!(second.len() > seen.sound.len() * 9 / 10);
    // A hole of one frame in forty, and not one wild time.
    for pair in second.windows(2) {
        let step = pair[1].pts - pair[0].pts;
        let most = AUDIO_FRAME_TICKS * 2 + 3;
        assert!((AUDIO_FRAME_TICKS - 3..=most).contains(&step), "{pair:?}");
    }
    assert!(
        second
            .windows(2)
            .any(|pair| pair[1].pts - pair[0].pts > AUDIO_FRAME_TICKS + 3)
    );
}

#[test]
fn a_wild_time_of_data_costs_nothing() {
    let a = Spec {
        more: const { &[astray(0x06)] },
        ..SPEC
    };
    let world = on_air(&[(a, 300)]);
    assert_eq!(world.switches().len(), 1, "{:?}", world.events);
    let seen = world.seen();
    seen.is_sound();
    seen.has_no_gap(3600);
}

#[test]
fn sound_that_comes_before_the_first_picture_of_an_input_that_begins_anew_belongs_to_it() {
    let begin = Instant::from_millis(1_000);
    let mut intake = Intake::new(7);
    let push = |intake: &mut Intake, (at, bytes): (i64, Bytes)| {
        let due = begin + Duration::from_micros((at * 100 / 9) as u64);
        intake.push(bytes, due)
    };
    let mut before = Stream::new(SPEC).until(90_000);
    let under_way = before.split_off(before.len() - 2);
    for piece in before {
        assert_eq!(push(&mut intake, piece), None);
    }
    let is_of = |bytes: &Bytes, pid: u16| {
        Packet::new(bytes.first_chunk().expect("a packet")).map(Packet::pid) == Some(pid)
    };
    let anew = Spec {
        base: 77_000_123,
        ..SPEC
    };
    let anew = Stream::new(anew).until(9_000);
    let (sound, others): (Vec<_>, Vec<_>) =
        anew.into_iter().partition(|(_, bytes)| is_of(bytes, 0x101));
    let next = intake.next_index();
    for (at, bytes) in sound.clone() {
        assert_eq!(push(&mut intake, (90_000 + at, bytes)), None, "not yet");
    }
    assert!(intake.next_index() > next);
    for piece in under_way {
        assert_eq!(push(&mut intake, piece), None, "the rest of a picture");
    }
    let last_key = |intake: &Intake| intake.keys().next_back().map(|key| key.pts);
    assert_eq!(last_key(&intake), Some(990_000));
    let rest = others
        .into_iter()
        .find_map(|(at, bytes)| push(&mut intake, (90_000 + at, bytes)));
    assert!(rest.is_some(), "now it is known");
    let taken: Vec<u8> = intake
        .take_back()
        .into_iter()
        .flat_map(|(bytes, _)| bytes.to_vec())
        .collect();
    let sound: Vec<u8> = sound.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect();
    assert!(taken.starts_with(&sound));
    assert_eq!(intake.next_index(), next);
    assert_eq!(intake.following().next_index(), next);
    assert_eq!(intake.take_back(), []);
    assert_eq!(last_key(&intake), Some(900_000), "it lacks packets now");
}
