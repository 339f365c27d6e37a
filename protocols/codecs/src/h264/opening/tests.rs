use super::*;
use crate::bits::{BitReader, BitWriter};
use crate::h264::slice::Command;
use proptest::prelude::*;

const P: u32 = 5;
const B: u32 = 6;
const I: u32 = 7;
const DATA: [u8; 7] = [0x5A, 0, 0, 1, 0xFF, 0x12, 0x80];

fn unit(head: u8, mut bits: BitWriter) -> Vec<u8> {
    bits.bit(true);
    let mut unit = vec![head];
    nal::escape(&bits.into_bytes(), &mut unit);
    unit
}

/// Numbers of four bits, orders of six.
fn sequence(references: u32) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.bits(0x42_00_1E, 24);
    [0, 0, 0, 2, references]
        .into_iter()
        .for_each(|code| bits.ue(code));
    bits.bit(false);
    [19, 11].into_iter().for_each(|size| bits.ue(size));
    bits.bits(0b1100, 4);
    unit(0x67, bits)
}

fn picture_set(arithmetic: bool) -> Vec<u8> {
    let mut bits = BitWriter::default();
    [0, 0].into_iter().for_each(|id| bits.ue(id));
    bits.bit(arithmetic);
    bits.bit(false);
    [0, 0, 0].into_iter().for_each(|code| bits.ue(code));
    bits.bits(0, 3);
    [0, 0, 0]
        .into_iter()
        .for_each(|quantiser| bits.se(quantiser));
    bits.bits(0b100, 3);
    unit(0x68, bits)
}

#[derive(Clone, Copy)]
struct Slice<'a> {
    kind: u32,
    number: u32,
    order: u32,
    commands: Option<&'a [u32]>,
    is_reference: bool,
}

impl Slice<'_> {
    const ENTRY: Self = Slice {
        kind: I,
        number: 9,
        order: 40,
        commands: None,
        is_reference: true,
    };

    fn unit(self, arithmetic: bool) -> Vec<u8> {
        let mut bits = BitWriter::default();
        [0, self.kind, 0].into_iter().for_each(|code| bits.ue(code));
        bits.bits(self.number, 4);
        bits.bits(self.order, 6);
        match self.kind {
            P => bits.bits(0b00, 2),
            B => bits.bits(0b1000, 4),
            _ => {}
        }
        if self.is_reference {
            bits.bit(self.commands.is_some());
            let commands = self.commands.map(|of| [of, &[0]].concat());
            commands.iter().flatten().for_each(|&code| bits.ue(code));
        }
        if arithmetic && self.kind != I {
            bits.ue(0);
        }
        bits.se(-3);
        bits.ue(1);
        if arithmetic {
            bits.align_with_ones();
        }
        for byte in DATA {
            bits.bits(byte.into(), 8);
        }
        let head = if self.is_reference { 0x61 } else { 0x01 };
        let mut unit = vec![head];
        nal::escape(&bits.into_bytes(), &mut unit);
        unit
    }
}

fn access_unit(units: &[Vec<u8>]) -> Vec<u8> {
    let units = units.iter().map(|unit| [&START_CODE, &unit[..]].concat());
    units.collect::<Vec<_>>().concat()
}

fn entry(arithmetic: bool, slice: Slice<'_>) -> Vec<u8> {
    let sets = [sequence(3), picture_set(arithmetic)];
    let recovery_point = vec![0x06, 0x06, 0x01, 0xC4, 0x80];
    let slice = slice.unit(arithmetic);
    access_unit(&[&sets[..], &[vec![9, 0xF0], recovery_point, slice]].concat())
}

/// The bits behind the header of a slice.
fn data(unit: &[u8], header: &SliceHeader, arithmetic: bool) -> Vec<bool> {
    let payload = nal::unescape(&unit[1..], usize::MAX);
    let mut reader = BitReader::new(&payload);
    let end = header.end_bits();
    let at = if arithmetic {
        end.next_multiple_of(8)
    } else {
        end
    };
    reader.skip(at).expect("a header");
    let bits: Vec<bool> = std::iter::from_fn(|| reader.bit()).collect();
    let last = bits.iter().rposition(|&bit| bit).expect("an end");
    bits[..=last].to_vec()
}

fn slice_of(unit: &[u8], opening: &Opening) -> (Vec<u8>, SliceHeader) {
    let is_slice = |unit: &&[u8]| UnitType::of(unit).is_some_and(UnitType::is_slice);
    let slice = nal::split(unit).find(is_slice).expect("a slice");
    let (header, _) = opening.sets.slice(slice).expect("a header");
    (slice.to_vec(), header)
}

#[test]
fn an_idr_picture_with_the_same_data_comes_in_front_of_an_entry() {
    for arithmetic in [false, true] {
        let before = entry(arithmetic, Slice::ENTRY);
        assert_eq!(opens(&before, [].into_iter()), Some(Opens::Behind));
        let opened = Opening::begin(&before).expect("an entry");
        let front = opened.front.expect("a picture in front");
        let types: Vec<u8> = nal::split(&front).map(|unit| unit[0] & 0x1F).collect();
        assert_eq!(types, [7, 8, 9, 5], "what it tells is told once");
        let (instantaneous, header) = slice_of(&front, &opened.opening);
        assert_eq!((header.frame_num, header.order), (0, 32));
        let (original, own) = slice_of(&before, &opened.opening);
        let of = |unit: &[u8], header| data(unit, header, arithmetic);
        assert_eq!(of(&instantaneous, &header), of(&original, &own));
        let (kept, _) = slice_of(&opened.entry, &opened.opening);
        assert_eq!(kept, original);
        for changed in [&front, &opened.entry] {
            let set = nal::split(changed).next().expect("a set");
            assert!(Sps::parse(set).expect("a set").numbering.has_gaps);
        }
    }
}

#[test]
fn an_entry_with_the_number_zero_becomes_an_idr_picture() {
    let number = 0;
    let before = entry(
        true,
        Slice {
            number,
            ..Slice::ENTRY
        },
    );
    assert_eq!(opens(&before, [].into_iter()), Some(Opens::AsInstantaneous));
    let opened = Opening::begin(&before).expect("an entry");
    assert!(opened.front.is_none());
    let (_, header) = slice_of(&opened.entry, &opened.opening);
    assert!(header.is_idr() && header.order == 40);
}

#[test]
fn what_is_no_picture_of_its_own_is_left_as_it_is() {
    let is_reference = false;
    let others = [
        Slice {
            kind: P,
            ..Slice::ENTRY
        },
        Slice {
            is_reference,
            ..Slice::ENTRY
        },
    ];
    for other in others {
        let unit = entry(true, other);
        assert_eq!(opens(&unit, [].into_iter()), Some(Opens::AsItIs));
        assert!(Opening::begin(&unit).is_none());
    }
    // Sets that are not known, and a header that has not come yet.
    let whole = entry(true, Slice::ENTRY);
    assert_eq!(opens(&whole[..whole.len() - 9], [].into_iter()), None);
    assert_eq!(
        opens(&access_unit(&[Slice::ENTRY.unit(true)]), [].into_iter()),
        None
    );
    let sets = [sequence(3), picture_set(true)];
    let known = sets.iter().map(|set| &**set);
    let alone = access_unit(&[Slice::ENTRY.unit(true)]);
    assert_eq!(opens(&alone, known), Some(Opens::Behind));
}

/// What pictures behind an entry tell of references, by commands as they come and go.
fn commands(pictures: &[Slice<'_>]) -> Vec<Option<Vec<Command>>> {
    let mut opening = Opening::begin(&entry(true, Slice::ENTRY))
        .expect("an entry")
        .opening;
    let mut told = Vec::new();
    for picture in pictures {
        let before = access_unit(&[picture.unit(true)]);
        let change = opening.picture(&before, false);
        let after = change.map_or(before.clone(), |change| change.of(&before));
        told.push(slice_of(&after, &opening).1.commands);
    }
    told
}

#[test]
fn pictures_forget_what_a_decoder_has_and_nothing_else() {
    let p = |number, commands| Slice {
        kind: P,
        number,
        commands,
        ..Slice::ENTRY
    };
    // Three at most: 7, 8 and the entry 9, of which the first two stand in.
    let told = commands(&[
        // It knows of 4 and forgets that: the oldest that stands in goes for it.
        p(10, Some(&[1, 5])),
        p(11, Some(&[1, 7, 1, 0])),
        p(12, Some(&[1, 2])),
        p(13, None),
    ]);
    let forget = |ago: &[u32]| Some(ago.iter().map(|&ago| Command::Forget(ago)).collect());
    assert_eq!(told, [forget(&[2]), forget(&[0]), forget(&[2]), None]);
}

#[test]
fn pictures_that_led_the_entry_and_were_left_out_are_forgotten_behind_it() {
    let b = Slice {
        kind: B,
        is_reference: false,
        number: 12,
        ..Slice::ENTRY
    };
    let p = Slice {
        kind: P,
        number: 11,
        ..Slice::ENTRY
    };
    let told = commands(&[p, b, Slice { number: 12, ..p }]);
    assert_eq!(told, [Some(vec![Command::Forget(0)]), None, None]);
}

#[test]
fn sets_behind_the_entry_are_changed_where_they_stand() {
    let unit = entry(true, Slice::ENTRY);
    let mut opening = Opening::begin(&unit).expect("an entry").opening;
    let next = entry(
        true,
        Slice {
            number: 10,
            ..Slice::ENTRY
        },
    );
    let Some(Change::Bytes(bytes)) = opening.picture(&next, true) else {
        panic!("bytes");
    };
    assert_eq!(bytes.len(), 1);
    let other = Change::Bytes(bytes).of(&next);
    let set = nal::split(&other).next().expect("a set");
    assert!(Sps::parse(set).expect("a set").numbering.has_gaps);
    assert_eq!(opening.picture(&other, true), None);
}

proptest! {
    #[test]
    fn nothing_that_is_no_stream_makes_an_opening_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        arithmetic: bool,
        pictures in prop::collection::vec((0_u32..16, prop::collection::vec(0_u32..8, 0..9)), 0..8),
    ) {
        let mut begins = entry(arithmetic, Slice::ENTRY);
        for (at, to) in &changes {
            *at.get_mut(&mut begins) = *to;
        }
        let _ = opens(&begins, [].into_iter());
        let opened = Opening::begin(&begins).or_else(|| Opening::begin(&entry(arithmetic, Slice::ENTRY)));
        let mut opening = opened.expect("an entry").opening;
        for (number, commands) in &pictures {
            let slice = Slice { kind: P, number: *number, commands: Some(commands), ..Slice::ENTRY };
            let _ = opening.picture(&access_unit(&[slice.unit(arithmetic)]), false);
            let _ = opening.picture(&begins, false);
        }
    }
}
