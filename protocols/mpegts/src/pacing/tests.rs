use super::*;
use crate::packet::{NULL_PID, PACKET_BYTES, Packet, Pcr};
use bytes::Bytes;
use proptest::prelude::*;
use tidegate_units::{Bitrate, Instant};

const PID: u16 = 0x100;
/// A picture each 40 ms.
const PICTURE_MICROS: u64 = 40_000;

/// A packet with a number in it, and perhaps a clock.
fn packet(number: u64, pcr: Option<u64>) -> [u8; PACKET_BYTES] {
    let mut bytes = [0xFF; PACKET_BYTES];
    let [high, low] = PID.to_be_bytes();
    bytes[..4].copy_from_slice(&[0x47, high, low, 0x10]);
    if let Some(pcr) = pcr {
        bytes[3] = 0x30;
        bytes[4..6].copy_from_slice(&[7, 0x10]);
        Pcr(pcr % Pcr::PERIOD).write(&mut bytes);
    }
    bytes[180..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn number(packet: &[u8]) -> u64 {
    u64::from_be_bytes(packet[180..188].try_into().expect("a packet"))
}

/// What comes: when, and what.
type Arrivals = Vec<(u64, Bytes)>;

/// Pictures of so many packets, each as one burst that begins with a clock.
fn pictures(first_pcr: u64, begin_micros: u64, sizes: &[u64]) -> Arrivals {
    let mut next = 0;
    let pictures = sizes.iter().zip(0_u64..).map(|(packets, picture)| {
        let pcr = first_pcr + picture * PICTURE_MICROS * 27;
        let bytes: Vec<u8> = (0..*packets)
            .flat_map(|at| packet(next + at, (at == 0).then_some(pcr)))
            .collect();
        next += packets;
        (begin_micros + picture * PICTURE_MICROS, bytes.into())
    });
    pictures.collect()
}

#[derive(Debug)]
struct Left {
    now: u64,
    departure: Departure,
    bytes: Vec<u8>,
}

/// Runs a pacer on a virtual clock. The thread oversleeps by `late` microseconds each time.
fn run(pacer: &mut Pacer, arrivals: &Arrivals, late: impl Fn(u64) -> u64) -> Vec<Left> {
    let mut left: Vec<Left> = Vec::new();
    let mut arrivals = arrivals.iter().peekable();
    let mut now = arrivals.peek().map_or(0, |(at, _)| *at);
    loop {
        while let Some((at, bytes)) = arrivals.next_if(|(at, _)| *at <= now) {
            let at = Instant::from_micros(*at);
            pacer.push(at, bytes, at);
        }
        let mut bytes = Vec::new();
        if let Some(departure) = pacer.pop(Instant::from_micros(now), &mut bytes) {
            left.push(Left {
                now,
                departure,
                bytes,
            });
            continue;
        }
        let wake = pacer
            .next(Instant::from_micros(now))
            .map(|at| at.as_micros().max(now + 1));
        let next = arrivals.peek().map(|(at, _)| *at);
        now = match (wake, next) {
            (Some(wake), Some(next)) if late(wake) == 0 => next.min(wake),
            (Some(wake), Some(_)) => wake + late(wake),
            (Some(wake), None) => wake + late(wake),
            (None, Some(next)) => next,
            (None, None) => return left,
        };
    }
}

fn in_time(pacer: &mut Pacer, arrivals: &Arrivals) -> Vec<Left> {
    run(pacer, arrivals, |_| 0)
}

fn assert_complete(left: &[Left], arrivals: &Arrivals) {
    let sent = left
        .iter()
        .flat_map(|left| left.bytes.iter().copied())
        .collect::<Vec<_>>();
    let came = arrivals
        .iter()
        .flat_map(|(_, bytes)| bytes.iter().copied())
        .collect::<Vec<_>>();
    assert!(sent == came, "each byte leaves once, in order");
    for left in left {
        assert!(left.bytes.len() <= DATAGRAM_PACKETS * PACKET_BYTES);
        assert!(
            left.now >= left.departure.at.as_micros(),
            "nothing leaves too early"
        );
    }
}

/// Distances of datagrams, in microseconds, of those from `from` on.
fn distances(left: &[Left], from: u64) -> Vec<u64> {
    let times: Vec<_> = left
        .iter()
        .map(|left| left.now)
        .filter(|now| *now >= from)
        .collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn a_key_frame_that_came_in_one_burst_leaves_evenly() {
    let sizes: Vec<u64> = (0..100)
        .map(|at| if at % 25 == 0 { 700 } else { 70 })
        .collect();
    let arrivals = pictures(0, 1_000_000, &sizes);
    let left = in_time(&mut Pacer::new(), &arrivals);
    assert_complete(&left, &arrivals);
    // The last picture's end is not known; before it, each picture takes its 40 ms.
    for (first, left) in left.iter().map(|left| (number(&left.bytes), left)) {
        let (picture, begins) = sizes
            .iter()
            .scan(0, |end, size| {
                *end += size;
                Some((*end - size, *size))
            })
            .enumerate()
            .take(99)
            .map(|(picture, (begins, size))| ((picture as u64, size), begins))
            .take_while(|(_, begins)| *begins <= first)
            .last()
            .expect("a picture");
        if first >= begins + picture.1 {
            break;
        }
        let by_clock = picture.0 * PICTURE_MICROS + (first - begins) * PICTURE_MICROS / picture.1;
        let hold = left.now - 1_000_000 - by_clock;
        assert!(
            (59_900..60_100).contains(&hold),
            "packet {first} is held {hold} µs"
        );
        assert!(left.departure.by_clock);
    }
}

#[test]
fn the_clock_may_wrap() {
    let arrivals = pictures(Pcr::PERIOD - 27_000_000, 5_000, &[70; 100]);
    let left = in_time(&mut Pacer::new(), &arrivals);
    assert_complete(&left, &arrivals);
    for distance in distances(&left[..left.len() - 10], 0) {
        assert!((3_900..4_100).contains(&distance), "{distance}");
    }
}

#[test]
fn a_clock_that_jumps_stops_nothing() {
    for jump in [
        3_600 * 27_000_000,
        Pcr::PERIOD - 50 * 27_000_000,
        27_000_000 * 3 / 2,
    ] {
        let mut arrivals = pictures(0, 5_000, &[70; 50]);
        let begin = 5_000 + 50 * PICTURE_MICROS;
        arrivals.extend(pictures(50 * PICTURE_MICROS * 27 + jump, begin, &[70; 50]));
        let left = in_time(&mut Pacer::new(), &arrivals);
        assert_complete(&left, &arrivals);
        for distance in distances(&left[..left.len() - 10], 0) {
            assert!((3_900..4_100).contains(&distance), "{distance} at {jump}");
        }
    }
}

#[test]
fn without_a_clock_due_times_count_and_datagrams_stay_as_they_came() {
    let arrivals: Arrivals = (0..400)
        .map(|at| {
            (
                at * 10_000,
                [packet(at * 2, None), packet(at * 2 + 1, None)]
                    .concat()
                    .into(),
            )
        })
        .collect();
    let left = in_time(&mut Pacer::new(), &arrivals);
    assert_complete(&left, &arrivals);
    assert!(left.iter().all(|left| left.bytes.len() == 2 * PACKET_BYTES));
    let held: Vec<_> = left
        .iter()
        .zip(&arrivals)
        .map(|(left, (at, _))| left.now - at)
        .collect();
    assert_eq!(held[0], 250_000, "at first a clock is waited for");
    assert_eq!(held[399], 0, "later not");
}

#[test]
fn a_clock_that_is_lost_is_missed_for_a_moment_and_may_come_back() {
    let mut arrivals = pictures(0, 5_000, &[70; 50]);
    let middle = 5_000 + 50 * PICTURE_MICROS;
    arrivals.extend((0..100).map(|at| (middle + at * 20_000, packet(0, None).to_vec().into())));
    let end = middle + 100 * 20_000;
    arrivals.extend(pictures(77, end, &[70; 50]));
    let left = in_time(&mut Pacer::new(), &arrivals);
    assert_complete(&left, &arrivals);
    assert!(
        left.iter()
            .all(|left| left.bytes.len() == 188 || left.now < middle + 300_000 || left.now > end)
    );
    let (last, before) = (left.len() - 1, left.len() - 30);
    for distance in distances(&left[..last - 10], left[before].now) {
        assert!((3_900..4_100).contains(&distance), "{distance}");
    }
}

#[test]
fn a_stream_that_ends_leaves_as_evenly_as_before() {
    let arrivals = pictures(0, 5_000, &[70; 20]);
    let left = in_time(&mut Pacer::new(), &arrivals);
    assert_complete(&left, &arrivals);
    let last = distances(&left, 5_000 + 20 * PICTURE_MICROS);
    assert!(last.iter().all(|distance| *distance >= 3_900), "{last:?}");
}

#[test]
fn a_machine_that_stood_still_catches_up_without_bursts() {
    let arrivals = pictures(0, 5_000, &[700; 100]);
    // Asleep for 300 ms, once.
    let late = |wake: u64| {
        if (1_000_000..1_000_400).contains(&wake) {
            300_000
        } else {
            0
        }
    };
    let left = run(&mut Pacer::new(), &arrivals, late);
    assert_complete(&left, &arrivals);
    let smallest = distances(&left, 0).into_iter().min().expect("datagrams");
    assert!(
        smallest >= 190,
        "{smallest} µs between datagrams that should be 400 µs apart"
    );
    let behind = |left: &Left| left.now - left.departure.at.as_micros();
    assert!(left.iter().any(|left| behind(left) > 250_000));
    assert!(
        left[left.len() - 100..]
            .iter()
            .all(|left| behind(left) < 500)
    );
}

#[test]
fn a_late_stream_is_held_longer_from_then_on() {
    let mut arrivals = pictures(0, 5_000, &[70; 200]);
    // The network stands still for 200 ms.
    for (at, _) in &mut arrivals {
        if (2_000_000..2_200_000).contains(at) {
            *at = 2_200_000;
        }
    }
    let left = in_time(&mut Pacer::new(), &arrivals);
    assert_complete(&left, &arrivals);
    let pauses = distances(&left, 100_000)
        .into_iter()
        .filter(|distance| *distance > 4_100);
    assert_eq!(pauses.count(), 1, "one pause, and then as evenly as before");
}

#[test]
fn clocks_that_drift_apart_change_nothing_for_an_hour() {
    for drift in [-60_i64, 60] {
        let scale = |micros: u64| {
            let micros = micros.cast_signed();
            (micros + micros * drift / 1_000_000).cast_unsigned()
        };
        let arrivals: Arrivals = pictures(0, 5_000, &[7; 90_000])
            .into_iter()
            .map(|(at, bytes)| (scale(at), bytes))
            .collect();
        let left = in_time(&mut Pacer::new(), &arrivals);
        let held = |at: usize| left[at].now - arrivals[at].0;
        for at in (0..89_000).step_by(1000) {
            assert!(
                (54_000..66_500).contains(&held(at)),
                "{} µs at {at}",
                held(at)
            );
        }
        assert!(
            distances(&left[..89_000], 0)
                .iter()
                .all(|d| (39_900..40_100).contains(d))
        );
    }
}

#[test]
fn arrivals_that_jitter_a_little_leave_as_if_they_did_not() {
    let mut arrivals = pictures(0, 5_000, &[70; 500]);
    for (number, (at, _)) in (0_u64..).zip(&mut arrivals) {
        *at += number * 7919 % 4000;
    }
    let left = in_time(&mut Pacer::new(), &arrivals);
    assert_complete(&left, &arrivals);
    let first = left[0].now;
    for (number, left) in (0..).zip(&left[..left.len() - 20]) {
        let even = first + number * 4000;
        assert!(
            left.now.abs_diff(even) <= 2,
            "datagram {number} is at {}",
            left.now
        );
    }
}

#[test]
fn a_datagram_keeps_its_distance_from_when_the_one_before_was_gone() {
    let arrivals = pictures(0, 5_000, &[700; 3]);
    let mut pacer = Pacer::new();
    for (at, bytes) in &arrivals {
        let at = Instant::from_micros(*at);
        pacer.push(at, bytes, at);
    }
    let now = Instant::from_micros(200_000);
    assert!(pacer.pop(now, &mut Vec::new()).is_some());
    // The thread lost the processor before it could send.
    let gone = Instant::from_micros(203_000);
    pacer.left(gone);
    assert!(pacer.pop(gone, &mut Vec::new()).is_none());
    assert!(pacer.next(gone).is_some_and(|next| next > gone));
}

#[test]
fn what_is_held_too_long_shrinks_again() {
    let mut arrivals = pictures(0, 5_000, &[7; 3_000]);
    for (at, _) in &mut arrivals {
        *at = if *at < 5_000_000 {
            *at
        } else {
            (*at).max(9_000_000)
        };
    }
    let left = in_time(&mut Pacer::new(), &arrivals);
    let held = |at: usize| left[at].now - 5_000 - at as u64 * PICTURE_MICROS;
    assert!(held(200) > 3_900_000, "{}", held(200));
    assert!(held(2_900) < 600_000, "{}", held(2_900));
    assert!(
        distances(&left[250..2_990], 0)
            .iter()
            .all(|d| (37_900..40_100).contains(d))
    );
}

/// Runs stuffing on a virtual clock for as long as something comes.
fn stuffed(stuffing: &mut Stuffing, arrivals: &Arrivals) -> (Vec<u8>, Vec<Stuffed>) {
    let (mut stream, mut all) = (Vec::new(), Vec::new());
    let mut arrivals = arrivals.iter().peekable();
    while let Some((at, _)) = arrivals.peek().copied() {
        let now = Instant::from_micros(*at);
        while let Some(wake) = stuffing.next(now).filter(|wake| *wake < now) {
            let before = stream.len();
            let Some(one) = stuffing.pop(wake, &mut stream) else {
                break;
            };
            assert_eq!(stream.len() - before, DATAGRAM_PACKETS * PACKET_BYTES);
            all.push(one);
        }
        let (_, bytes) = arrivals.next().expect("it was peeked at");
        stuffing.push(now, bytes, now);
    }
    (stream, all)
}

#[test]
fn a_constant_rate_has_exact_clocks_and_only_null_packets_between() {
    let rate = Bitrate::from_bps(4_000_000);
    let sizes: Vec<u64> = (0..400)
        .map(|at| if at % 25 == 0 { 100 } else { 60 })
        .collect();
    let mut arrivals = pictures(Pcr::PERIOD - 27_000_000, 5_000, &sizes);
    // Stuffing of the stream's own, which is left out.
    let null = [&[0x47, 0x1F, 0xFF, 0x10][..], &[0; 184]].concat();
    for (_, bytes) in &mut arrivals {
        *bytes = [&bytes[..], &null[..]].concat().into();
    }
    let (stream, all) = stuffed(&mut Stuffing::new(rate), &arrivals);
    for pair in all.windows(2) {
        let distance = pair[1].at.as_micros() - pair[0].at.as_micros();
        assert!((2631..=2633).contains(&distance), "{distance}");
    }
    assert!(all.iter().all(|one| one.dropped == 0));
    let (packets, _) = stream.as_chunks::<PACKET_BYTES>();
    let (mut expected, mut clocks) = (0, Vec::new());
    for (slot, bytes) in packets.iter().enumerate() {
        let view = Packet::new(bytes).expect("a packet");
        if view.pid() == NULL_PID {
            continue;
        }
        assert_eq!(number(bytes), expected);
        expected += 1;
        clocks.extend(
            view.adaptation()
                .and_then(|field| field.pcr)
                .map(|pcr| (slot, pcr)),
        );
    }
    assert!(clocks.len() > 390);
    for pair in clocks.windows(2) {
        let ticks = (pair[1].0 - pair[0].0) as u64 * 188 * 8 * 27 / 4;
        let said = pair[1].1.since(pair[0].1);
        // Pacing itself follows the source by up to 100 millionths.
        assert!(
            said.abs_diff(ticks) <= ticks / 10_000 + 2,
            "{said} instead of {ticks}"
        );
    }
}

#[test]
fn a_rate_below_the_streams_throws_away_and_says_so() {
    let arrivals = pictures(0, 5_000, &[70; 200]);
    let (_, all) = stuffed(&mut Stuffing::new(Bitrate::from_bps(2_000_000)), &arrivals);
    assert!(all.iter().map(|one| one.dropped).sum::<u64>() > 1000);
    assert!(
        all.iter()
            .rev()
            .take(500)
            .all(|one| one.media == DATAGRAM_PACKETS)
    );
}

#[test]
fn a_constant_rate_catches_up_without_bursts() {
    let mut stuffing = Stuffing::new(Bitrate::from_bps(4_000_000));
    for (at, bytes) in &pictures(0, 5_000, &[70; 10]) {
        let at = Instant::from_micros(*at);
        stuffing.push(at, bytes, at);
    }
    let mut now = Instant::from_micros(100_000);
    while stuffing.pop(now, &mut Vec::new()).is_none() {
        now = stuffing.next(now).expect("something waits");
    }
    // Asleep for 100 ms: 38 datagrams are late.
    now += tidegate_units::Duration::from_millis(100);
    for _ in 0..38 {
        assert!(stuffing.pop(now, &mut Vec::new()).is_some());
        stuffing.left(now);
        assert!(stuffing.pop(now, &mut Vec::new()).is_none());
        let next = stuffing.next(now).expect("something waits");
        assert!(next.micros_from(now) >= 1_300);
        now = next;
    }
}

#[test]
fn stuffing_goes_on_while_nothing_comes() {
    let mut arrivals = pictures(0, 5_000, &[70; 10]);
    arrivals.push((3_000_000, packet(0, None).to_vec().into()));
    let (_, all) = stuffed(&mut Stuffing::new(Bitrate::from_bps(4_000_000)), &arrivals);
    assert!(all.len() > 1000 && all.last().is_some_and(|one| one.media == 0));
}

proptest! {
    #[test]
    fn whatever_comes_leaves_once_and_in_order(
        chunks in prop::collection::vec(
            (0_u64..90_000, prop::collection::vec((any::<bool>(), any::<u64>()), 0..20), 0_usize..188),
            1..60),
    ) {
        let mut at = 0;
        let arrivals: Arrivals = chunks.into_iter().map(|(wait, packets, cut)| {
            at += wait;
            let mut bytes: Vec<u8> = packets.into_iter()
                .flat_map(|(clock, pcr)| packet(0, clock.then_some(pcr)))
                .collect();
            bytes.truncate(bytes.len().saturating_sub(if cut < 20 { cut } else { 0 }));
            (at, bytes.into())
        }).collect();
        let left = in_time(&mut Pacer::new(), &arrivals);
        assert_complete(&left, &arrivals);
    }
}
