//! Times that do not go on: of one track, and of the whole input.

use crate::stream::{ASTRAY_PID, AUDIO_FRAME_TICKS, More, SPEC, Spec, Stream};
use crate::{OTHER, on_air};
use bytes::Bytes;
use tidegate_mpegts::seam::Intake;
use tidegate_mpegts::{Packet, PesHeader};
use tidegate_switch::{How, OnAir, Options, Order, Piece, Program};
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

#[test]
fn what_is_left_of_a_second_sound_when_its_input_begins_anew_is_not_of_what_begins() {
    const SECOND: u16 = 0x108;
    let more = const {
        &[More {
            pid: 8,
            stream_type: 0x0F,
            language: "",
            silent: false,
        }]
    };
    let old = Spec {
        base: 77_000_123,
        more,
        ..SPEC
    };
    let mut old = Stream::new(old);
    let mut packets = packets_of(old.until(450_000), 0);
    let left = packets_of(old.until(457_200), 0);
    let new = Spec { more, ..SPEC };
    let new = packets_of(Stream::new(new).until(450_000), 460_800);
    let is_ahead = |(at, pid, _): &&(i64, u16, Bytes)| *pid == 0x101 && *at < 464_400;
    // The first sound is ahead of the pictures, and of what is left of the second.
    packets.extend(
        new.iter()
            .filter(is_ahead)
            .map(|it| (460_800, it.1, it.2.clone())),
    );
    packets.extend(left.into_iter().filter(|(_, pid, _)| *pid == SECOND));
    packets.extend(new.iter().filter(|it| !is_ahead(it)).cloned());

    let begin = Instant::from_millis(1_000);
    let mut program = Program::new(&Options {
        inputs: 1,
        delay: Duration::ZERO,
    });
    let to = OnAir::Input(0);
    program.order(Order::SwitchTo {
        to,
        how: How::Alive,
    });
    let mut packets = packets.into_iter().peekable();
    let (mut now, mut out) = (begin, Vec::new());
    let mut sounds = Vec::new();
    while now < begin + Duration::from_secs(11) {
        now += Duration::from_millis(1);
        let media = now.saturating_since(begin).as_micros() as i64 * 9 / 100;
        while let Some((_, _, bytes)) = packets.next_if(|(at, ..)| *at <= media) {
            let piece = Piece {
                bytes,
                arrived: now,
                due: now + Duration::from_millis(300),
                lost_before: 0,
            };
            program.push(to, piece, false);
        }
        program.poll(now, &mut out);
        for emitted in out.drain(..) {
            for packet in emitted.bytes.as_chunks().0 {
                let packet = Packet::new(packet).expect("a packet");
                if packet.pid() == SECOND && packet.unit_start() {
                    let header = PesHeader::parse(packet.payload()).expect("a header");
                    sounds.push(header.pts.expect("a time").cast_signed());
                }
            }
        }
    }
    assert!(sounds.len() > 300, "{}", sounds.len());
    for pair in sounds.windows(2) {
        let step = pair[1] - pair[0];
        assert!((1..=20_000).contains(&step), "{pair:?}");
    }
}

/// The packets of a stream, each with its PID, and when it is sent, so many ticks later.
fn packets_of(pieces: Vec<(i64, Bytes)>, later: i64) -> Vec<(i64, u16, Bytes)> {
    let pieces = pieces.into_iter().flat_map(|(at, bytes)| {
        let packets: Vec<_> = (0..bytes.len() / 188)
            .map(|number| bytes.slice(number * 188..(number + 1) * 188))
            .collect();
        packets.into_iter().map(move |packet| (at, packet))
    });
    let named = |(at, packet): (i64, Bytes)| {
        let view = Packet::new(packet.first_chunk().expect("a packet")).expect("a packet");
        (at + later, view.pid(), packet)
    };
    pieces.map(named).collect()
}
