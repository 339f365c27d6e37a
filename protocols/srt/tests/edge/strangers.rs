use crate::handmade::{conclusion, cookie, induction};
use crate::link::{address, endpoint, sent};
use std::net::SocketAddr;
use tidegate_srt::wire::{
    Ack, ControlPacket, LossListWriter, LossRange, Nak, SequenceNumber, SocketId, Timestamp,
};
use tidegate_srt::{
    ConnectionConfig, ConnectionId, Decision, Endpoint, EndpointLimits, Event, RejectReason,
};
use tidegate_units::{Duration, Instant};

/// A fresh cookie for `from`.
fn cookie_for(listener: &mut Endpoint, now: Instant, from: SocketAddr) -> u32 {
    listener.handle_datagram(now, from, None, &induction(1));
    let replies = sent(listener, now);
    cookie(&replies.last().unwrap().1)
}

/// Takes all events; every request is refused. How many there were.
fn refuse_all(listener: &mut Endpoint, now: Instant) -> usize {
    let mut requests = 0;
    while let Some(event) = listener.poll_event() {
        if let Event::Request(request) = event {
            requests += 1;
            let decision = Decision::Reject(RejectReason::WrongPassphrase);
            listener.decide(now, request.id, decision);
        }
    }
    requests
}

fn accept_next(listener: &mut Endpoint, now: Instant) {
    while let Some(event) = listener.poll_event() {
        if let Event::Request(request) = event {
            let config = ConnectionConfig::default();
            let decision = Decision::Accept { keys: None, config };
            return listener.decide(now, request.id, decision);
        }
    }
    panic!("nobody asks");
}

#[test]
fn a_flood_of_refused_callers_from_one_address_leaves_room_for_others() {
    let mut listener = endpoint(true, 0, EndpointLimits::default());
    let mut now = Instant::from_millis(1000);
    let cookies: Vec<u32> = (0..4)
        .map(|port| cookie_for(&mut listener, now, address(66, 1000 + port)))
        .collect();
    let honest = address(7, 5000);
    let honest_cookie = cookie_for(&mut listener, now, honest);
    let mut requests = 0;
    for socket in 1..12_000_u32 {
        let port = (socket % 4) as u16;
        let bytes = conclusion(socket, cookies[usize::from(port)]);
        listener.handle_datagram(now, address(66, 1000 + port), None, &bytes);
        if socket.is_multiple_of(40) {
            now += Duration::from_millis(10);
            listener.handle_timeout(now);
            requests += refuse_all(&mut listener, now);
            sent(&mut listener, now);
        }
    }
    // The burst that nobody could know about, and hardly anything in the seconds behind it.
    assert!(requests <= 550, "{requests} key derivations in 3 s");
    listener.handle_datagram(now, honest, None, &conclusion(77, honest_cookie));
    accept_next(&mut listener, now);
    assert_eq!(listener.connection_count(), 1);
}

#[test]
fn refused_callers_from_many_addresses_leave_room_for_others() {
    let mut listener = endpoint(true, 0, EndpointLimits::default());
    let mut now = Instant::from_millis(1000);
    let honest = address(7, 5000);
    let honest_cookie = cookie_for(&mut listener, now, honest);
    for host in 10..210_u8 {
        let from = address(host, 1000);
        let cookie = cookie_for(&mut listener, now, from);
        for socket in 1..=10 {
            listener.handle_datagram(now, from, None, &conclusion(socket, cookie));
        }
        refuse_all(&mut listener, now);
        sent(&mut listener, now);
        now += Duration::from_millis(5);
    }
    listener.handle_datagram(now, honest, None, &conclusion(77, honest_cookie));
    accept_next(&mut listener, now);
    assert_eq!(listener.connection_count(), 1);
}

#[test]
fn whoever_accepts_a_caller_beyond_the_limit_hears_that_nothing_comes_of_it() {
    let limits = EndpointLimits {
        connections: 0,
        ..EndpointLimits::default()
    };
    let mut listener = endpoint(true, 0, limits);
    let (now, from) = (Instant::from_millis(1000), address(7, 5000));
    let cookie = cookie_for(&mut listener, now, from);
    listener.handle_datagram(now, from, None, &conclusion(77, cookie));
    let Some(Event::Request(request)) = listener.poll_event() else {
        panic!("nobody asks");
    };
    let config = ConnectionConfig::default();
    listener.decide(now, request.id, Decision::Accept { keys: None, config });
    assert!(matches!(listener.poll_event(), Some(Event::RequestGone(id)) if id == request.id));
    assert_eq!(sent(&mut listener, now).len(), 1, "the caller is refused");
}

/// A reader that has been sent `packets` packets and acknowledged none of them.
fn reader(packets: u64) -> (Endpoint, ConnectionId, SocketId, Instant) {
    let mut listener = endpoint(true, 0, EndpointLimits::default());
    let (mut now, from) = (Instant::from_millis(1000), address(7, 5000));
    let cookie = cookie_for(&mut listener, now, from);
    listener.handle_datagram(now, from, None, &conclusion(77, cookie));
    accept_next(&mut listener, now);
    let response = sent(&mut listener, now).pop().unwrap().1;
    let socket = u32::from_be_bytes(response[40..44].try_into().unwrap());
    let Some(Event::Connected { id, .. }) = listener.poll_event() else {
        panic!("not connected");
    };
    for _ in 0..packets {
        let payload = vec![0x47; 1316].into();
        listener.send(now, id, payload, now).unwrap();
        now += Duration::from_micros(100);
        sent(&mut listener, now);
    }
    (listener, id, SocketId::new(socket), now)
}

#[test]
fn a_loss_report_that_names_every_packet_a_hundred_times_is_followed_once() {
    let (mut listener, id, socket, now) = reader(500);
    let mut words = [0; 1456];
    let mut writer = LossListWriter::new(&mut words);
    let (first, last) = (SequenceNumber::new(1000), SequenceNumber::new(1499));
    while writer.push(LossRange::new(first, last)) {}
    let losses = writer.finish();
    let report = ControlPacket::new(Timestamp::new(0), socket, Nak { losses }).to_vec();
    listener.handle_datagram(now, address(7, 5000), None, &report);
    let total = listener.statistics(now, id).unwrap().total;
    assert_eq!(total.packets_send_lost, 500);
    assert_eq!(total.control_ignored, 181, "182 ranges, one of them new");
}

#[test]
fn what_is_given_up_unacknowledged_does_not_count_as_acknowledged() {
    let (mut listener, id, socket, now) = reader(500);
    let ack = Ack::light(SequenceNumber::new(1200));
    let ack = ControlPacket::new(Timestamp::new(0), socket, ack).to_vec();
    listener.handle_datagram(now, address(7, 5000), None, &ack);
    let later = now + Duration::from_millis(2000);
    listener.handle_timeout(later);
    sent(&mut listener, later);
    let statistics = listener.statistics(later, id).unwrap();
    assert_eq!(statistics.instant.send_buffer_packets, 0);
    assert_eq!(statistics.total.bytes_acknowledged, 200 * 1316);
}

#[test]
fn a_postponed_caller_hears_nothing_and_asks_anew_when_it_repeats_itself() {
    let mut listener = endpoint(true, 0, EndpointLimits::default());
    let (now, from) = (Instant::from_millis(1000), address(7, 5000));
    let cookie = cookie_for(&mut listener, now, from);
    listener.handle_datagram(now, from, None, &conclusion(77, cookie));
    let Some(Event::Request(request)) = listener.poll_event() else {
        panic!("nobody asks");
    };
    listener.decide(now, request.id, Decision::Postpone);
    assert!(sent(&mut listener, now).is_empty());
    assert_eq!(listener.poll_timeout(), None, "it is forgotten");
    listener.handle_datagram(now, from, None, &conclusion(77, cookie));
    accept_next(&mut listener, now);
    assert_eq!(listener.connection_count(), 1);
}

#[test]
fn a_reader_that_always_asks_for_everything_does_not_multiply_the_stream() {
    let (mut listener, id, socket, mut now) = reader(100);
    let from = address(7, 5000);
    // A round trip of a microsecond: nothing was ever repeated too recently.
    let report = tidegate_srt::wire::AckReport {
        rtt_micros: 1,
        rtt_variance_micros: 1,
        available_packets: 8192,
        rates: None,
    };
    let ack = Ack {
        number: 1,
        next: SequenceNumber::new(1001),
        report: Some(report),
    };
    let ack = ControlPacket::new(Timestamp::new(0), socket, ack).to_vec();
    listener.handle_datagram(now, from, None, &ack);
    for millis in 0..900 {
        let payload = vec![0x47; 1316].into();
        listener.send(now, id, payload, now).unwrap();
        sent(&mut listener, now);
        now += Duration::from_millis(1);
        let mut words = [0; 8];
        let mut writer = LossListWriter::new(&mut words);
        let last = SequenceNumber::new(1000 + 100 + millis);
        assert!(writer.push(LossRange::new(SequenceNumber::new(1001), last)));
        let losses = writer.finish();
        let report = ControlPacket::new(Timestamp::new(0), socket, Nak { losses }).to_vec();
        listener.handle_datagram(now, from, None, &report);
        listener.handle_timeout(now);
        sent(&mut listener, now);
    }
    let total = listener.statistics(now, id).unwrap().total;
    assert_eq!(total.packets_sent_unique, 1000);
    assert!(
        total.packets_retransmitted <= 8192 + 1000,
        "{} packets were repeated",
        total.packets_retransmitted
    );
}
