//! Encoder and decoder together, against a reference that knows nothing of sums.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

use super::geometry::Geometry;
use super::*;
use crate::wire::{
    DataHeader, DataKey, MessageNumber, Packet, SequenceNumber, SocketId, Timestamp,
};

const ROOM_BYTES: usize = 1452;
/// Just before the sequence number wraps, so that every test crosses the wrap.
const FIRST: u64 = (1 << 31) + 0x7FFF_FFF0;

/// What is on the wire: packets of the sender's payload, and the filter's.
#[derive(Debug, Clone)]
struct Sent {
    /// The data packet's index; for a FEC packet that of the last of its group.
    index: u64,
    datagram: Vec<u8>,
    is_fec: bool,
}

fn payload(index: u64) -> Vec<u8> {
    let bytes = 1 + (index * 37 % 300) as usize;
    (0..bytes)
        .map(|at| (index as usize * 7 + at * 13) as u8)
        .collect()
}

fn header(index: u64) -> DataHeader {
    let sequence = SequenceNumber::from_index(index);
    let message = MessageNumber::from_index(index);
    let stamp = Timestamp::new((index as u32).wrapping_mul(1001));
    let mut header = DataHeader::live(sequence, message, stamp, SocketId::new(9));
    header.key = if index.is_multiple_of(3) {
        DataKey::Odd
    } else {
        DataKey::Even
    };
    header
}

fn sent(filter: &PacketFilter, packets: u64) -> Vec<Sent> {
    let mut encoder = Encoder::new(filter, FIRST, ROOM_BYTES);
    let mut all = Vec::new();
    for index in FIRST..FIRST + packets {
        let mut datagram = vec![0; 16];
        header(index).emit(&mut datagram);
        datagram.extend(payload(index));
        all.push(Sent {
            index,
            datagram,
            is_fec: false,
        });
        encoder.on_sent(index, &header(index), &payload(index));
        while let Some(bytes) = encoder.ready_bytes() {
            let mut datagram = vec![0; 16 + bytes];
            encoder.emit(SocketId::new(9), &mut datagram);
            encoder.on_emitted();
            all.push(Sent {
                index,
                datagram,
                is_fec: true,
            });
        }
    }
    all
}

fn filter(text: &str) -> PacketFilter {
    let config: FilterConfig = text.parse().unwrap();
    FilterConfig::agree(None, Some(&config)).unwrap().unwrap()
}

/// A decoder and what it has rebuilt, each packet checked against what was sent.
struct Receiver {
    decoder: Decoder,
    rebuilt: BTreeSet<u64>,
    given_up: BTreeSet<u64>,
    lost: u64,
    /// Behind the newest packet heard or rebuilt: what a receiver can ask for.
    end: u64,
}

impl Receiver {
    fn new(filter: &PacketFilter) -> Self {
        Self {
            decoder: Decoder::new(filter, FIRST, ROOM_BYTES),
            rebuilt: BTreeSet::new(),
            given_up: BTreeSet::new(),
            lost: 0,
            end: FIRST,
        }
    }

    fn hear(&mut self, sent: &Sent) {
        let Ok(Packet::Data {
            header: had,
            payload: bytes,
        }) = Packet::parse(&sent.datagram)
        else {
            panic!("a data packet");
        };
        if sent.is_fec {
            assert_ne!(self.decoder.on_fec(&had, bytes, self.end), FecFate::Bad);
        } else {
            self.decoder.on_data(sent.index, &had, bytes);
            self.end = self.end.max(sent.index + 1);
        }
        while let Some((rebuilt, bytes)) = self.decoder.rebuild() {
            let index = rebuilt.sequence.unwrap_near(FIRST);
            let expected = DataHeader {
                retransmitted: true,
                ..header(index)
            };
            assert_eq!(rebuilt, expected);
            assert_eq!(bytes, payload(index));
            assert!(self.rebuilt.insert(index), "each packet is rebuilt once");
            self.end = self.end.max(index + 1);
        }
        let (given_up, end) = (&mut self.given_up, self.end);
        self.lost += self.decoder.settle(end, |first, last| {
            assert!(last < end, "the receiver knows of what it is to ask for");
            for index in first..=last {
                assert!(given_up.insert(index), "each packet is given up once");
            }
        });
    }
}

/// The reference: takes a packet out of any group that lacks just one, until none does.
fn peel(filter: &PacketFilter, heard: &[Sent], packets: u64) -> BTreeSet<u64> {
    let geometry = Geometry::new(filter);
    let mut known: BTreeSet<u64> = heard
        .iter()
        .filter(|it| !it.is_fec)
        .map(|it| it.index)
        .collect();
    let mut groups = BTreeMap::new();
    for it in heard.iter().filter(|it| it.is_fec) {
        let body = body::FecBody::parse(&it.datagram[16..]).unwrap();
        let group = geometry
            .groups_of(it.index - FIRST)
            .find(|group| group.line == body.line);
        groups.insert((it.index, format!("{:?}", body.line)), group.unwrap());
    }
    let heard = known.clone();
    loop {
        let before = known.len();
        for group in groups.values() {
            let mut missing = group
                .packets()
                .map(|it| it + FIRST)
                .filter(|it| !known.contains(it));
            if let (Some(one), None) = (missing.next(), missing.next()) {
                assert!(one < FIRST + packets);
                known.insert(one);
            }
        }
        if known.len() == before {
            return known.difference(&heard).copied().collect();
        }
    }
}

fn any_filter() -> impl Strategy<Value = PacketFilter> {
    let rows = prop_oneof![
        Just(Rows::Single),
        (2_u8..7).prop_map(Rows::Many),
        (2_u8..7).prop_map(Rows::ColumnsAlone),
    ];
    let layout = prop_oneof![Just(ColumnLayout::Even), Just(ColumnLayout::Staircase)];
    (2_u8..9, rows, layout).prop_map(|(columns, rows, layout)| PacketFilter {
        columns,
        rows,
        layout,
        arq: ArqMode::Never,
    })
}

proptest! {
    /// Whatever is lost: what is rebuilt is what peeling finds, no more and no less, and what
    /// is given up is what was neither heard nor rebuilt.
    #[test]
    fn random_losses_are_rebuilt_as_far_as_they_can_be(
        filter in any_filter(),
        losses in prop::collection::vec(0_u8..100, 600),
        percent in 1_u8..35,
    ) {
        let packets = 220;
        let all = sent(&filter, packets);
        let heard: Vec<Sent> = all.iter().zip(&losses)
            .filter(|(_, dice)| **dice >= percent)
            .map(|(sent, _)| sent.clone())
            .collect();
        let mut receiver = Receiver::new(&filter);
        heard.iter().for_each(|sent| receiver.hear(sent));
        prop_assert_eq!(&receiver.rebuilt, &peel(&filter, &heard, packets));
        let data: BTreeSet<u64> =
            heard.iter().filter(|it| !it.is_fec).map(|it| it.index).collect();
        // A packet may be given up and be rebuilt after all, by way of a column that ends
        // later; but none that was there before.
        prop_assert!(receiver.given_up.is_disjoint(&data));
        prop_assert_eq!(receiver.lost, receiver.given_up.len() as u64);
        let geometry = Geometry::new(&filter);
        let newest = heard.last().map_or(0, |it| it.index.min(receiver.end) - FIRST);
        for offset in 0..packets {
            let index = FIRST + offset;
            let missing = !data.contains(&index) && !receiver.rebuilt.contains(&index);
            if missing && geometry.settled_after(offset) < newest {
                prop_assert!(receiver.given_up.contains(&index), "{offset} is forgotten");
            }
        }
    }

    /// A bit that was changed on the way does no harm beyond what it touched.
    #[test]
    fn nonsense_is_survived(
        filter in any_filter(),
        noise in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 200),
    ) {
        let mut decoder = Decoder::new(&filter, FIRST, 32);
        for (word, bytes) in noise {
            let index = FIRST + u64::from(word % 5000);
            let mut heard = header(index);
            heard.sequence = SequenceNumber::new((FIRST as u32).wrapping_add(word % 700));
            if word.is_multiple_of(2) {
                decoder.on_data(index, &heard, &bytes);
            } else {
                decoder.on_fec(&heard, &bytes, FIRST + 5000);
            }
            while let Some((_, payload)) = decoder.rebuild() {
                assert!(!payload.is_empty() && payload.len() <= 32);
            }
            decoder.settle(FIRST + 5000, |first, last| assert!(first <= last));
        }
    }
}

/// Loses everything from `lost` on, data and FEC packets, and says what was rebuilt.
fn rebuilt_without(text: &str, lost: core::ops::Range<u64>) -> Vec<u64> {
    let filter = filter(text);
    let mut receiver = Receiver::new(&filter);
    let heard = |it: &&Sent| it.is_fec || !lost.contains(&(it.index - FIRST));
    sent(&filter, 400)
        .iter()
        .filter(heard)
        .for_each(|sent| receiver.hear(sent));
    receiver.rebuilt.iter().map(|index| index - FIRST).collect()
}

#[test]
fn every_single_loss_is_rebuilt_in_every_layout() {
    for text in [
        "fec,cols:5",
        "fec,cols:5,rows:5,layout:even",
        "fec,cols:5,rows:5,layout:staircase",
        "fec,cols:8,rows:-4,layout:even",
        "fec,cols:127",
    ] {
        for lost in 100..180 {
            assert_eq!(rebuilt_without(text, lost..lost + 1), [lost], "{text}");
        }
    }
}

#[test]
fn columns_rebuild_bursts_as_long_as_a_row_wherever_they_begin() {
    for layout in ["even", "staircase"] {
        for rows in ["5", "-5"] {
            let text = format!("fec,cols:6,rows:{rows},layout:{layout}");
            for lost in 100..140 {
                let rebuilt = rebuilt_without(&text, lost..lost + 6);
                assert_eq!(rebuilt, (lost..lost + 6).collect::<Vec<_>>(), "{text}");
            }
        }
    }
}

#[test]
fn a_row_does_not_rebuild_two() {
    assert_eq!(rebuilt_without("fec,cols:5", 100..102), [0; 0]);
    assert_eq!(rebuilt_without("fec,cols:5", 104..106), [104, 105]);
}

#[test]
fn the_overhead_is_one_packet_for_each_row_and_column() {
    let count = |text: &str| {
        sent(&filter(text), 1000)
            .iter()
            .filter(|it| it.is_fec)
            .count()
    };
    assert_eq!(count("fec,cols:10"), 100);
    assert_eq!(count("fec,cols:10,rows:5,layout:even"), 300);
    assert_eq!(count("fec,cols:10,rows:-5,layout:even"), 200);
    // Of a staircase, all columns but those that begin at once have one group less.
    assert_eq!(count("fec,cols:10,rows:5,layout:staircase"), 300 - 8);
}

#[test]
fn staircase_columns_end_one_at_a_time_and_even_ones_in_a_burst() {
    let most_in_a_row = |text: &str| {
        let all = sent(&filter(text), 1000);
        let packets_of = |row: u64| {
            all.iter()
                .filter(|it| it.is_fec && (it.index - FIRST) / 10 == row)
                .count()
        };
        (10..100).map(packets_of).max()
    };
    assert_eq!(most_in_a_row("fec,cols:10,rows:10,layout:even"), Some(11));
    assert_eq!(
        most_in_a_row("fec,cols:10,rows:10,layout:staircase"),
        Some(2)
    );
}

#[test]
fn packets_out_of_order_and_duplicates_do_no_harm() {
    let filter = filter("fec,cols:5,rows:5");
    let mut receiver = Receiver::new(&filter);
    let mut all = sent(&filter, 200);
    all.retain(|it| it.is_fec || !(100..105).contains(&(it.index - FIRST)));
    for chunk in all.chunks_mut(4) {
        chunk.reverse();
    }
    for sent in all.iter().flat_map(|sent| [sent, sent]) {
        receiver.hear(sent);
    }
    // Some are rebuilt before they come, late.
    assert!((100..105).all(|lost| receiver.rebuilt.contains(&(FIRST + lost))));
}

#[test]
fn a_group_of_which_a_packet_never_left_has_no_fec_packet() {
    let mut encoder = Encoder::new(&filter("fec,cols:4"), FIRST, ROOM_BYTES);
    let mut ends = Vec::new();
    for index in (FIRST..FIRST + 40).filter(|index| index - FIRST != 5) {
        encoder.on_sent(index, &header(index), &payload(index));
        if encoder.is_ready() {
            ends.push(index - FIRST);
            encoder.on_emitted();
        }
    }
    assert_eq!(ends, [3, 11, 15, 19, 23, 27, 31, 35, 39]);
}

#[test]
fn fec_packets_that_cannot_be_are_refused() {
    let filter = filter("fec,cols:5,rows:5,layout:even");
    let mut decoder = Decoder::new(&filter, FIRST, 32);
    decoder.on_data(FIRST, &header(FIRST), b"one");
    let end = FIRST + 1;
    let mut fate = |offset: u64, bytes: &[u8]| decoder.on_fec(&header(FIRST + offset), bytes, end);
    assert_eq!(fate(4, &[0xFF, 0, 5, 0x24]), FecFate::Bad, "no payload");
    assert_eq!(
        fate(3, &[0xFF, 0, 0, 1, 7]),
        FecFate::Bad,
        "not the last of a row"
    );
    assert_eq!(fate(20, &[1, 0, 0, 1, 7]), FecFate::Bad, "another column's");
    assert_eq!(
        fate(20, &[0x80, 0, 0, 1, 7]),
        FecFate::Bad,
        "no such column"
    );
    assert_eq!(
        fate(4, &[[0xFF, 0, 0, 1].as_slice(), &[7; 33]].concat()),
        FecFate::Bad,
        "too long"
    );
    assert_eq!(fate(9999, &[0xFF, 0, 0, 1, 7]), FecFate::Bad, "far ahead");
    assert_eq!(fate(4, &[0xFF, 0, 0, 1, 7]), FecFate::Taken);
    assert_eq!(
        fate(4, &[0xFF, 0, 0, 1, 7]),
        FecFate::Needless,
        "there already"
    );
}

#[test]
fn a_gap_longer_than_the_window_gives_up_all_that_was_open() {
    let filter = filter("fec,cols:5");
    let mut receiver = Receiver::new(&filter);
    let all = sent(&filter, 2000);
    let heard = |it: &&Sent| {
        let offset = it.index - FIRST;
        offset < 22 && offset != 21 || offset >= 1500
    };
    all.iter()
        .filter(heard)
        .for_each(|sent| receiver.hear(sent));
    assert!((21..1500).all(|offset| receiver.given_up.contains(&(FIRST + offset))));
}

#[test]
fn what_only_fec_packets_tell_of_is_given_up_once_the_receiver_knows_that_it_is_missing() {
    for text in ["fec,cols:5", "fec,cols:5,rows:5,layout:even"] {
        let filter = filter(text);
        let mut receiver = Receiver::new(&filter);
        // From the middle of a row to the end of the next: no FEC packet helps.
        let lost = 52..60;
        let all = sent(&filter, 200);
        let heard = |it: &&Sent| it.is_fec || !lost.contains(&(it.index - FIRST));
        all.iter()
            .filter(heard)
            .for_each(|sent| receiver.hear(sent));
        for offset in lost.clone() {
            let index = FIRST + offset;
            let is_settled =
                receiver.given_up.contains(&index) != receiver.rebuilt.contains(&index);
            assert!(is_settled, "{text}: {offset}");
        }
    }
}

#[test]
fn forged_fec_packets_do_not_move_the_window_away_from_the_data() {
    let filter = filter("fec,cols:5");
    let mut decoder = Decoder::new(&filter, FIRST, ROOM_BYTES);
    let all = sent(&filter, 10);
    let forged = [0xFF, 0, 0, 1, 7];
    for offset in (4..5000).step_by(5) {
        let fate = decoder.on_fec(&header(FIRST + offset), &forged, FIRST);
        // A matrix and half the least window.
        assert_eq!(fate == FecFate::Bad, offset >= 5 + 64, "{offset}");
    }
    for sent in all.iter().filter(|it| !it.is_fec && it.index != FIRST + 7) {
        decoder.on_data(sent.index, &header(sent.index), &payload(sent.index));
    }
    let mut given_up = Vec::new();
    decoder.settle(FIRST + 10, |first, last| {
        given_up.push((first - FIRST, last - FIRST))
    });
    assert_eq!(given_up, [(7, 7)], "all others are known");
}

#[test]
fn a_gap_longer_than_three_rows_is_given_up_in_one_run() {
    let filter = filter("fec,cols:127,rows:127");
    let mut decoder = Decoder::new(&filter, FIRST, ROOM_BYTES);
    let mut hear = |offset: u64| {
        let index = FIRST + offset;
        decoder.on_data(index, &header(index), b"payload");
        assert!(decoder.rebuild().is_none());
        let mut runs = Vec::new();
        let lost = decoder.settle(index + 1, |first, last| {
            runs.push((first - FIRST, last - FIRST))
        });
        (lost, runs)
    };
    for offset in (0..100).filter(|offset| *offset != 50) {
        assert_eq!(hear(offset), (0, vec![]));
    }
    assert_eq!(hear(16_000), (1 + 15_900, vec![(0, 15_999)]));
    assert_eq!(hear(16_001), (0, vec![]));
    assert_eq!(hear(50_000), (33_998, vec![(16_000, 49_999)]));
}

#[test]
fn what_is_refused_stays_missing_helps_nobody_and_is_given_up() {
    let filter = filter("fec,cols:4,rows:3,layout:even");
    let mut decoder = Decoder::new(&filter, FIRST, ROOM_BYTES);
    let mut refused = Vec::new();
    let mut given_up = Vec::new();
    for sent in sent(&filter, 30) {
        if sent.index == FIRST + 1 {
            continue;
        }
        let Ok(Packet::Data { header, payload }) = Packet::parse(&sent.datagram) else {
            panic!("a data packet");
        };
        // Columns are lost, and rows changed on the way.
        let mut bytes = payload.to_vec();
        if sent.is_fec && bytes[0] == 0xFF {
            bytes[4] ^= 1;
            decoder.on_fec(&header, &bytes, sent.index + 1);
        } else if !sent.is_fec {
            decoder.on_data(sent.index, &header, &bytes);
        }
        while let Some((rebuilt, _)) = decoder.rebuild() {
            refused.push(rebuilt.sequence.unwrap_near(FIRST) - FIRST);
            decoder.refuse();
        }
        decoder.settle(sent.index + 1, |first, last| {
            given_up.extend(first - FIRST..=last - FIRST);
        });
    }
    assert_eq!((refused, given_up), (vec![1], vec![1]));
}
