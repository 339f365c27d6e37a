use super::*;
use crate::wire::{DataHeader, DataKey, MessageNumber, SequenceNumber, SocketId, Timestamp};
use tidegate_units::{Duration, Instant};

const FIRST: u64 = (1 << 32) - 3; // three packets before the sequence number wraps

fn settings() -> ReceiverSettings {
    ReceiverSettings {
        first: FIRST,
        first_ack_number: 1,
        capacity_packets: 100,
        capacity_grows: false,
        latency: Duration::from_millis(120),
        too_late_drop: true,
        repeat_reports: true,
        trace_drift: true,
        several_paths: false,
        reorder_tolerance_packets: 0,
        reporting: Reporting::AtOnce,
        handshake: (Instant::ZERO, Timestamp::new(0)),
    }
}

/// Packet `number` was sent at that many milliseconds and arrives at `millis`.
fn arrive(receiver: &mut Receiver, number: u64, millis: u64) -> Arrived {
    arrive_as(receiver, number, millis, true)
}

fn arrive_as(receiver: &mut Receiver, number: u64, millis: u64, readable: bool) -> Arrived {
    let stamp = u32::try_from(number * 1000).unwrap();
    let mut header = DataHeader::live(
        SequenceNumber::from_index(FIRST + number),
        MessageNumber::FIRST,
        Timestamp::new(stamp),
        SocketId::new(7),
    );
    if !readable {
        header.key = DataKey::Even;
    }
    let payload = number.to_be_bytes();
    receiver.on_data(
        Instant::from_millis(millis),
        &header,
        &payload,
        &Rtt::default(),
        None,
    )
}

fn taken(receiver: &mut Receiver) -> Vec<(u64, u32)> {
    core::iter::from_fn(|| receiver.pop(Instant::ZERO))
        .map(|received| (received.sequence - FIRST, received.dropped_before))
        .collect()
}

fn reports(receiver: &mut Receiver, millis: u64) -> Vec<(u64, u64)> {
    let mut seen = Vec::new();
    receiver.report(
        Instant::from_millis(millis),
        &Rtt::default(),
        |first, last| {
            seen.push((first - FIRST, last - FIRST));
            true
        },
    );
    seen
}

#[test]
fn packets_in_order_are_handed_over_at_once_with_their_times() {
    let mut receiver = Receiver::new(&settings());
    arrive(&mut receiver, 0, 30);
    let received = receiver.pop(Instant::ZERO).unwrap();
    assert_eq!(received.payload, 0_u64.to_be_bytes().as_slice());
    assert_eq!(received.arrived, Instant::from_millis(30));
    assert_eq!(received.due, Instant::from_millis(120));
    assert_eq!(received.origin, Instant::ZERO);
}

#[test]
fn a_gap_is_held_and_repaired_over_the_wrap() {
    let mut receiver = Receiver::new(&settings());
    arrive(&mut receiver, 0, 10);
    assert_eq!(arrive(&mut receiver, 4, 14).missing, 3);
    assert_eq!(taken(&mut receiver), [(0, 0)]);
    assert_eq!(reports(&mut receiver, 14), [(1, 3)]);
    for number in [2, 3, 1] {
        assert_eq!(arrive(&mut receiver, number, 60).fate, Fate::Unique);
    }
    assert_eq!(taken(&mut receiver), [(1, 0), (2, 0), (3, 0), (4, 0)]);
    assert_eq!(
        receiver.wake_at(),
        Instant::from_millis(20),
        "an acknowledgement"
    );
}

#[test]
fn a_gap_is_skipped_when_the_packet_behind_it_is_due_and_acknowledged_past() {
    let mut receiver = Receiver::new(&settings());
    arrive(&mut receiver, 0, 10);
    arrive(&mut receiver, 3, 13);
    assert_eq!(receiver.drop_late(Instant::from_millis(122)), 0);
    assert_eq!(receiver.drop_late(Instant::from_millis(123)), 2);
    assert_eq!(taken(&mut receiver), [(0, 0), (3, 2)]);
    assert_eq!(receiver.next(), FIRST + 4);
    let late = arrive(&mut receiver, 1, 124);
    assert_eq!(late.fate, Fate::Belated(Duration::from_millis(3)));
    assert_eq!(arrive(&mut receiver, 0, 124).fate, Fate::Duplicate);
}

#[test]
fn an_unreadable_packet_is_a_loss_in_its_place() {
    let mut receiver = Receiver::new(&settings());
    assert_eq!(
        arrive_as(&mut receiver, 0, 10, false).fate,
        Fate::Undecryptable
    );
    arrive(&mut receiver, 1, 11);
    assert_eq!(taken(&mut receiver), [(1, 1)]);
}

#[test]
fn a_packet_beyond_the_buffer_waits_for_room_or_starts_afresh() {
    let mut receiver = Receiver::new(&settings());
    arrive(&mut receiver, 0, 10);
    arrive(&mut receiver, 2, 12);
    assert_eq!(arrive(&mut receiver, 150, 15).fate, Fate::NoRoom);
    receiver.drop_late(Instant::from_millis(500));
    let jump = arrive(&mut receiver, 150, 501);
    assert_eq!(
        (jump.fate, jump.missing, jump.dropped),
        (Fate::Unique, 147, 147)
    );
    assert_eq!(taken(&mut receiver), [(0, 0), (2, 1), (150, 147)]);
    assert_eq!(arrive(&mut receiver, 1 << 22, 502).fate, Fate::OutOfRange);
}

#[test]
fn packets_nobody_takes_fill_the_buffer_and_then_stop() {
    let mut receiver = Receiver::new(&settings());
    for number in 0..100 {
        assert_eq!(arrive(&mut receiver, number, 10).fate, Fate::Unique);
    }
    assert_eq!(arrive(&mut receiver, 100, 10).fate, Fate::NoRoom);
    assert_eq!(receiver.available_packets(), 2);
    assert_eq!(taken(&mut receiver).len(), 100);
    assert_eq!(receiver.available_packets(), 100);
}

#[test]
fn a_drop_request_ends_the_reports_and_a_whole_gap_at_the_end_is_skipped() {
    let mut receiver = Receiver::new(&settings());
    arrive(&mut receiver, 0, 10);
    arrive(&mut receiver, 5, 15);
    let now = Instant::from_millis(20);
    assert_eq!(receiver.on_drop_request(now, FIRST + 2, FIRST + 3), Some(0));
    assert_eq!(reports(&mut receiver, 20), [(1, 1), (4, 4)]);
    receiver.drop_late(Instant::from_millis(125));
    assert_eq!(taken(&mut receiver), [(0, 0), (5, 4)]);
    let now = Instant::from_millis(130);
    assert_eq!(receiver.on_drop_request(now, FIRST + 6, FIRST + 9), Some(4));
    assert_eq!(receiver.next(), FIRST + 10);
    assert_eq!(receiver.on_drop_request(now, FIRST + 9, FIRST + 900), None);
}

#[test]
fn reordering_within_the_tolerance_is_not_reported() {
    let mut receiver = Receiver::new(&ReceiverSettings {
        reorder_tolerance_packets: 3,
        ..settings()
    });
    arrive(&mut receiver, 0, 10);
    arrive(&mut receiver, 2, 11);
    assert_eq!(reports(&mut receiver, 11), []);
    assert_eq!(arrive(&mut receiver, 1, 12).reordered_by, 1);
    arrive(&mut receiver, 4, 13);
    arrive(&mut receiver, 5, 14);
    arrive(&mut receiver, 6, 15);
    assert_eq!(reports(&mut receiver, 15), []);
    arrive(&mut receiver, 7, 16);
    assert_eq!(reports(&mut receiver, 16), [(3, 3)]);
}

#[test]
fn without_too_late_drop_a_gap_ends_when_the_sender_gives_it_up() {
    let mut receiver = Receiver::new(&ReceiverSettings {
        too_late_drop: false,
        ..settings()
    });
    arrive(&mut receiver, 0, 10);
    arrive(&mut receiver, 3, 13);
    assert_eq!(receiver.drop_late(Instant::from_millis(5000)), 0);
    let now = Instant::from_millis(5000);
    assert_eq!(receiver.on_drop_request(now, FIRST + 1, FIRST + 1), Some(0));
    assert_eq!(receiver.on_drop_request(now, FIRST + 2, FIRST + 2), Some(2));
    assert_eq!(taken(&mut receiver), [(0, 0), (3, 2)]);
}

/// A minute of `bits_per_second` with every hundredth packet missing: the window at its end,
/// and the places that were in memory.
fn after_a_minute(bits_per_second: u64, latency: Duration) -> (u64, usize) {
    let mut receiver = Receiver::new(&ReceiverSettings {
        capacity_packets: 8192,
        capacity_grows: true,
        latency,
        ..settings()
    });
    let micros = 1316 * 8 * 1_000_000 / bits_per_second;
    for number in (0..60_000_000 / micros).filter(|number| number % 100 != 99) {
        let now = Instant::from_micros(number * micros);
        let stamp = Timestamp::new(u32::try_from(number * micros).unwrap());
        let sequence = SequenceNumber::from_index(FIRST + number);
        let header = DataHeader::live(sequence, MessageNumber::FIRST, stamp, SocketId::new(7));
        receiver.drop_late(now);
        let arrived = receiver.on_data(now, &header, b"payload", &Rtt::default(), None);
        assert_eq!(arrived.fate, Fate::Unique, "packet {number}");
        while receiver.pop(now).is_some() {}
    }
    let window = receiver.figures(Instant::ZERO).window_packets;
    (window, receiver.places_in_memory())
}

#[test]
fn the_window_grows_with_rate_and_latency_and_memory_with_what_is_in_it() {
    let (window, places) = after_a_minute(6_000_000, Duration::from_millis(120));
    assert_eq!(window, 8192);
    assert!(places <= 128, "{places} places for 69 packets");
    let (window, places) = after_a_minute(200_000_000, Duration::from_secs(1));
    assert!((38_000..40_000).contains(&window), "{window}");
    assert!(places <= 65_536, "{places} places for 19,231 packets");
}
