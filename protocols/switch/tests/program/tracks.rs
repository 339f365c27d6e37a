//! Inputs with other tracks: which goes where, and what the map says of it.

use crate::stream::{More, SPEC, Spec};
use crate::world::{Seen, World};
use crate::{OTHER, on_air};
use tidegate_switch::How;

const AAC: u8 = 0x0F;
const AC3: u8 = 0x81;
const PRIVATE: u8 = 0x06;
const CAROUSEL: u8 = 0x0D;

const fn more(pid: u16, stream_type: u8, language: &'static str) -> More {
    More {
        pid,
        stream_type,
        language,
        silent: false,
    }
}

const ENGLISH: More = more(0x20, AAC, "eng");
const GERMAN: More = more(0x21, AAC, "deu");

/// How often the map's version rose.
fn changes(seen: &Seen) -> usize {
    let mut versions = seen.map_versions.clone();
    versions.dedup();
    let rises = versions.windows(2);
    assert!(
        rises.clone().all(|it| it[1] == (it[0] + 1) % 32),
        "{versions:?}"
    );
    rises.count()
}

/// What came in the end on a PID.
fn last_mark(seen: &Seen, pid: u16) -> Option<u8> {
    let frames = seen.others.get(&pid).unwrap_or(&seen.sound);
    frames.last().map(|frame| frame.mark)
}

fn taken(specs: &[Spec], takes: &[usize]) -> (World, Seen) {
    let specs: Vec<(Spec, u64)> = specs.iter().map(|spec| (*spec, 300)).collect();
    let mut world = on_air(&specs);
    for to in takes {
        world.order(*to, How::Alive);
        world.run(2_500);
    }
    assert_eq!(world.switches().len(), takes.len() + 1);
    let seen = world.seen();
    seen.is_sound();
    (world, seen)
}

#[test]
fn another_language_is_told_once_and_taken_back_on_return() {
    let deu = Spec {
        language: "deu",
        ..SPEC
    };
    let eng = Spec {
        language: "eng",
        ..OTHER
    };
    let (_, seen) = taken(&[deu, eng], &[1, 0, 1]);
    let said = |language| vec!["0x100 H264".to_owned(), format!("0x101 Aac {language}")];
    assert_eq!(
        seen.maps,
        [said("deu"), said("eng"), said("deu"), said("eng")]
    );
    assert_eq!(changes(&seen), 3);
}

#[test]
fn an_input_that_tells_no_language_changes_nothing_in_the_map() {
    let deu = Spec {
        language: "deu",
        ..SPEC
    };
    let (_, seen) = taken(&[deu, OTHER], &[1, 0]);
    assert_eq!(seen.maps, [["0x100 H264", "0x101 Aac deu"]]);
    assert_eq!(changes(&seen), 0);
}

#[test]
fn sounds_go_where_their_language_was_whatever_their_order() {
    let a = Spec {
        language: "deu",
        more: &[ENGLISH],
        ..SPEC
    };
    let b = Spec {
        language: "eng",
        more: &[GERMAN],
        ..OTHER
    };
    let (world, seen) = taken(&[a, b], &[1]);
    assert_eq!(
        seen.maps,
        [["0x100 H264", "0x101 Aac deu", "0x120 Aac eng"]]
    );
    assert_eq!(changes(&seen), 0);
    assert_eq!(last_mark(&seen, 0x101), Some(b'B'));
    assert_eq!(last_mark(&seen, 0x120), Some(b'B'));
    drop(world);
}

#[test]
fn a_sound_that_the_next_input_has_not_stays_in_the_map_and_is_silent_until_it_is_back() {
    let a = Spec {
        language: "deu",
        more: &[ENGLISH],
        ..SPEC
    };
    let b = Spec {
        language: "deu",
        ..OTHER
    };
    let (_, seen) = taken(&[a, b], &[1]);
    assert_eq!(seen.maps.len(), 1, "{:?}", seen.maps);
    assert_eq!(changes(&seen), 0);
    assert_eq!(last_mark(&seen, 0x101), Some(b'B'));
    assert_eq!(last_mark(&seen, 0x120), Some(b'A'));
    let (_, seen) = taken(&[a, b], &[1, 0]);
    assert_eq!(changes(&seen), 0);
    let english = &seen.others[&0x120];
    let behind = seen.sound.last().map(|frame| frame.pts);
    let last = english.last().map(|frame| frame.pts);
    assert!(
        behind.zip(last).is_some_and(|(a, b)| (a - b).abs() <= 1920),
        "it is back: {last:?} {behind:?}"
    );
}

#[test]
fn a_new_sound_takes_the_place_of_one_that_the_input_has_not() {
    let a = Spec {
        language: "deu",
        more: &[ENGLISH],
        ..SPEC
    };
    let b = Spec {
        language: "deu",
        more: const { &[more(0x30, AAC, "fra")] },
        ..OTHER
    };
    let (_, seen) = taken(&[a, b], &[1, 0]);
    assert_eq!(
        seen.maps,
        [
            ["0x100 H264", "0x101 Aac deu", "0x120 Aac eng"],
            ["0x100 H264", "0x101 Aac deu", "0x120 Aac fra"],
            ["0x100 H264", "0x101 Aac deu", "0x120 Aac eng"],
        ]
    );
    assert_eq!(changes(&seen), 2);
}

#[test]
fn a_sound_that_comes_while_on_air_takes_a_free_place_too_and_the_map_says_so() {
    let a = Spec {
        more: const { &[more(0x20, AAC, "")] },
        ..SPEC
    };
    let b = Spec {
        more: const { &[more(0x30, AAC, "")] },
        ..OTHER
    };
    let mut world = on_air(&[(a, 300), (OTHER, 300)]);
    world.order(1, How::Alive);
    world.run(2_500);
    world.change(1, b);
    world.run(2_500);
    let seen = world.seen();
    seen.is_sound();
    assert_eq!(seen.maps, [["0x100 H264", "0x101 Aac", "0x120 Aac"]]);
    assert_eq!(changes(&seen), 0);
    assert_eq!(last_mark(&seen, 0x120), Some(b'B'));
}

#[test]
fn a_sound_that_moves_to_another_pid_is_played_to_its_end_first_however_long_it_is_held() {
    let a = Spec {
        more: const { &[more(0x20, AAC, "eng")] },
        ..SPEC
    };
    let moved = Spec {
        more: const { &[more(0x30, AAC, "eng")] },
        ..SPEC
    };
    let mut world = on_air(&[(a, 2_000)]);
    world.run(3_000);
    world.change(0, moved);
    world.run(5_000);
    let seen = world.seen();
    seen.is_sound();
    assert_eq!(seen.maps, [["0x100 H264", "0x101 Aac", "0x120 Aac eng"]]);
    let frames = &seen.others[&0x120];
    let steps = frames.windows(2).map(|pair| pair[1].pts - pair[0].pts);
    let usual = frames[1].pts - frames[0].pts;
    let longest = steps.max().expect("frames");
    assert!(longest <= 3 * usual, "{longest} of {usual}");
}

#[test]
fn what_the_first_input_tells_anew_while_on_air_is_told_with_another_version() {
    let deu = Spec {
        language: "deu",
        ..SPEC
    };
    let two = Spec {
        language: "eng",
        more: &[GERMAN],
        ..SPEC
    };
    let mut world = on_air(&[(deu, 300)]);
    world.change(0, two);
    world.run(2_500);
    world.change(0, deu);
    world.run(2_500);
    let seen = world.seen();
    seen.is_sound();
    let named = |first, second| {
        vec![
            "0x100 H264".to_owned(),
            format!("0x101 Aac {first}"),
            format!("0x121 Aac {second}"),
        ]
    };
    assert_eq!(
        seen.maps[1..],
        [named("eng", "deu"), named("deu", "deu")],
        "{:?}",
        seen.maps
    );
    assert_eq!(changes(&seen), 2);
}

#[test]
fn the_first_sound_is_not_left_silent_for_one_in_another_codec() {
    let b = Spec {
        more: const { &[more(0x20, AC3, "")] },
        ..OTHER
    };
    let c = Spec {
        mark: b'C',
        first_pid: 0x300,
        ..OTHER
    };
    // The third input's only sound is like the second's second one.
    let mut world = on_air(&[(SPEC, 300), (b, 300), (c, 300)]);
    for to in [1, 2, 0, 2] {
        world.order(to, How::Alive);
        world.run(2_500);
    }
    let seen = world.seen();
    seen.is_sound();
    assert_eq!(last_mark(&seen, 0x101), Some(b'C'));
}

#[test]
fn however_many_tracks_a_map_has_the_tables_are_written_no_more_often() {
    const fn many<const COUNT: usize>(stream_type: u8) -> [More; COUNT] {
        let mut many = [more(0x80, stream_type, ""); COUNT];
        let mut at = 0;
        while at < many.len() {
            many[at].pid += at as u16;
            many[at].silent = !at.is_multiple_of(8);
            at += 1;
        }
        many
    }
    let full = Spec {
        more: const { &many::<62>(PRIVATE) },
        ..SPEC
    };
    let others = Spec {
        more: const { &many::<70>(CAROUSEL) },
        first_pid: 0x200,
        ..OTHER
    };
    let tables = |seen: &Seen| seen.pids[&0];
    let (_, usual) = taken(&[SPEC, OTHER], &[1, 0]);
    let (world, seen) = taken(&[full, others], &[1, 0]);
    assert!(
        tables(&seen) < tables(&usual) * 5 / 4,
        "{} {}",
        tables(&seen),
        tables(&usual)
    );
    assert!(seen.maps.iter().all(|map| map.len() <= 64));
    assert_eq!(last_mark(&seen, 0x101), Some(b'A'));
    drop(world);
}

#[test]
fn a_map_that_is_another_all_the_time_costs_no_flood_of_tables() {
    let (_, usual) = taken(&[SPEC], &[]);
    let mut world = on_air(&[(SPEC, 300)]);
    for round in 0..50 {
        let spec = Spec {
            language: ["deu", "eng"][round % 2],
            more: [&[ENGLISH][..], &[GERMAN], &[]][round % 3],
            ..SPEC
        };
        world.change(0, spec);
        world.run(100);
    }
    let seen = world.seen();
    seen.is_sound();
    assert!(
        seen.pids[&0] < usual.pids[&0] * 4,
        "{} {}",
        seen.pids[&0],
        usual.pids[&0]
    );
}
