use super::*;

const FIRST: u64 = (1 << 31) + 100;

fn settings() -> SenderSettings {
    SenderSettings {
        first: FIRST,
        first_message: 0,
        capacity_packets: 1000,
        capacity_grows: false,
        held_for: Duration::from_millis(300),
        window_packets: 500,
        max_bandwidth: MaxBandwidth::Unlimited,
        max_resend_percent: 100,
        max_duplicate_percent: 40,
        peer_latency: Some(Duration::from_millis(300)),
        drop_after: Some(Duration::from_millis(1020)),
        originals_first: true,
        peer_repeats_naks: true,
    }
}

fn sender_with(settings: &SenderSettings, packets: usize) -> Sender {
    let mut sender = Sender::new(Instant::ZERO, settings);
    for _ in 0..packets {
        let now = Instant::from_millis(1);
        sender
            .push(now, Bytes::from_static(&[0; 1316]), now, None)
            .unwrap();
    }
    sender
}

/// Sends all that may leave at `millis`, however long pacing takes.
fn send_all(sender: &mut Sender, millis: u64) -> Vec<u64> {
    let mut sent = Vec::new();
    let mut now = Instant::from_millis(millis);
    for _ in 0..1000 {
        while let Some(turn) = sender.next(now) {
            sender.on_sent(now, turn, &steady_rtt());
            sent.push(turn.index() - FIRST);
        }
        now += Duration::from_micros(10);
    }
    sent
}

fn steady_rtt() -> Rtt {
    let mut rtt = Rtt::default();
    rtt.learn(RTT - Duration::from_millis(1), Duration::ZERO);
    rtt
}

const RTT: Duration = Duration::from_millis(100);

#[test]
fn packets_leave_in_order_and_once() {
    let mut sender = sender_with(&settings(), 5);
    assert_eq!(send_all(&mut sender, 10), [0, 1, 2, 3, 4]);
    assert_eq!(sender.in_flight(), 5);
}

#[test]
fn a_reported_packet_is_repeated_after_what_is_new() {
    let mut sender = sender_with(&settings(), 3);
    send_all(&mut sender, 10);
    sender.on_nak(Instant::from_millis(120), FIRST + 1, FIRST + 1, RTT);
    let now = Instant::from_millis(120);
    sender
        .push(now, Bytes::from_static(b"new"), now, None)
        .unwrap();
    assert_eq!(send_all(&mut sender, 120), [3, 1]);
}

#[test]
fn a_packet_repeated_less_than_a_round_trip_ago_is_left_alone() {
    let mut sender = sender_with(&settings(), 3);
    send_all(&mut sender, 10);
    sender.on_nak(Instant::from_millis(120), FIRST, FIRST, RTT);
    assert_eq!(send_all(&mut sender, 120), [0]);
    assert_eq!(
        sender
            .on_nak(Instant::from_millis(180), FIRST, FIRST, RTT)
            .marked,
        0
    );
    assert_eq!(
        sender
            .on_nak(Instant::from_millis(240), FIRST, FIRST, RTT)
            .marked,
        1
    );
}

#[test]
fn reports_and_acknowledgements_beyond_what_was_sent_are_ignored() {
    let mut sender = sender_with(&settings(), 3);
    send_all(&mut sender, 10);
    let now = Instant::from_millis(50);
    assert!(sender.on_nak(now, FIRST + 1, FIRST + 3, RTT).out_of_range);
    assert_eq!(
        sender.on_ack(now, FIRST + 4, Some(9)).0,
        AckOutcome::OutOfRange
    );
    assert_eq!(sender.in_flight(), 3);
    assert_eq!(sender.figures().window_packets, 500);
}

#[test]
fn a_report_of_what_is_gone_asks_for_a_drop_request() {
    let mut sender = sender_with(&settings(), 5);
    send_all(&mut sender, 10);
    let now = Instant::from_millis(50);
    sender.on_ack(now, FIRST + 3, Some(100));
    let outcome = sender.on_nak(now, FIRST, FIRST + 3, RTT);
    assert_eq!(outcome.gone, Some((FIRST, FIRST + 2)));
    assert_eq!(outcome.marked, 1);
}

#[test]
fn the_window_stops_new_packets_and_a_full_acknowledgement_reopens_it() {
    let mut sender = sender_with(
        &SenderSettings {
            window_packets: 2,
            ..settings()
        },
        5,
    );
    assert_eq!(send_all(&mut sender, 10), [0, 1]);
    // A light acknowledgement takes as much from the window as it frees.
    sender.on_ack(Instant::from_millis(50), FIRST + 1, None);
    assert_eq!(send_all(&mut sender, 60), [] as [u64; 0]);
    sender.on_ack(Instant::from_millis(70), FIRST + 2, Some(2));
    assert_eq!(send_all(&mut sender, 80), [2, 3]);
}

#[test]
fn late_packets_are_given_up_and_return_their_room() {
    let mut sender = sender_with(
        &SenderSettings {
            window_packets: 2,
            ..settings()
        },
        5,
    );
    send_all(&mut sender, 10);
    let removed = sender.drop_late(Instant::from_millis(1021));
    assert_eq!((removed.packets, removed.unsent), (5, 3));
    assert_eq!(sender.in_flight(), 0);
    assert!(sender.is_drained());
    let now = Instant::from_millis(1030);
    sender
        .push(now, Bytes::from_static(b"next"), now, None)
        .unwrap();
    assert_eq!(send_all(&mut sender, 1030), [5]);
}

#[test]
fn a_relayed_packet_is_as_old_as_its_stay_here_not_as_its_time_stamp() {
    let mut sender = Sender::new(Instant::ZERO, &settings());
    let (origin, handed_over) = (Instant::from_millis(1000), Instant::from_millis(9000));
    let payload = Bytes::from_static(b"repaired late on the way here");
    sender.push(handed_over, payload, origin, None).unwrap();
    assert_eq!(sender.drop_late(handed_over).packets, 0);
    assert_eq!(send_all(&mut sender, 9000), [0]);
    sender.on_nak(Instant::from_millis(9100), FIRST, FIRST, RTT);
    assert_eq!(send_all(&mut sender, 9100), [0], "it is repeated, too");
    assert_eq!(sender.drop_late(Instant::from_millis(10_019)).packets, 0);
    assert_eq!(sender.drop_late(Instant::from_millis(10_020)).packets, 1);
}

#[test]
fn a_silent_peer_without_repeated_reports_gets_everything_again() {
    let mut sender = sender_with(
        &SenderSettings {
            peer_repeats_naks: false,
            ..settings()
        },
        3,
    );
    send_all(&mut sender, 10);
    sender.resend_blindly(Instant::from_millis(50), RTT);
    assert_eq!(send_all(&mut sender, 60), [] as [u64; 0]);
    sender.resend_blindly(Instant::from_millis(121), RTT);
    assert_eq!(send_all(&mut sender, 130), [0, 1, 2]);
}

#[test]
fn the_last_packet_is_repeated_when_nothing_follows_it() {
    let mut sender = sender_with(&settings(), 3);
    send_all(&mut sender, 10);
    sender.resend_blindly(Instant::from_millis(121), RTT);
    assert_eq!(send_all(&mut sender, 130), [2]);
    sender.on_ack(Instant::from_millis(200), FIRST + 3, Some(100));
    sender.resend_blindly(Instant::from_millis(900), RTT);
    assert_eq!(send_all(&mut sender, 900), [] as [u64; 0]);
}

#[test]
fn nothing_to_do_means_no_wake_up() {
    let mut sender = sender_with(&settings(), 0);
    assert_eq!(sender.wake_at(RTT), Instant::FAR_FUTURE);
    let now = Instant::from_millis(5);
    sender
        .push(now, Bytes::from_static(b"x"), now, None)
        .unwrap();
    assert!(sender.wake_at(RTT) <= now);
    send_all(&mut sender, 5);
    assert_eq!(sender.wake_at(RTT), now + Duration::from_millis(110));
    sender.on_ack(now, FIRST + 1, Some(100));
    assert_eq!(sender.wake_at(RTT), Instant::FAR_FUTURE);
}

#[test]
fn a_peer_that_asks_for_everything_again_and_again_does_not_get_it() {
    let mut sender = sender_with(&settings(), 100);
    send_all(&mut sender, 10);
    let mut repeated = 0;
    for round in 0..200 {
        let now = Instant::from_millis(20 + round);
        sender.on_nak(now, FIRST, FIRST + 99, Duration::ZERO);
        repeated += send_all(&mut sender, 20 + round).len();
    }
    assert_eq!(repeated, 8192);
    // From now on it is one packet a timeout, and no wake-up in between.
    let now = Instant::from_millis(300);
    sender.resend_blindly(now, RTT);
    assert_eq!(send_all(&mut sender, 300), [0]);
    assert!(sender.wake_at(RTT) >= now + RTT);
}

#[test]
fn with_its_budget_used_up_a_sender_still_tries_a_packet_per_timeout() {
    let patient = SenderSettings {
        peer_latency: None,
        ..settings()
    };
    let mut sender = sender_with(&patient, 3);
    send_all(&mut sender, 10);
    for round in 0..4000 {
        let now = Instant::from_millis(100 + round);
        sender.on_nak(now, FIRST, FIRST + 2, Duration::ZERO);
        send_all(&mut sender, 100 + round);
    }
    let now = Instant::from_millis(5000);
    sender.on_nak(now, FIRST, FIRST + 2, Duration::ZERO);
    assert_eq!(sender.next(now), None, "the budget is used up");
    let later = sender.blind_deadline(RTT).unwrap();
    sender.resend_blindly(later, RTT);
    assert_eq!(send_all(&mut sender, 6000), [0]);
}

#[test]
fn the_last_packet_is_repeated_when_the_window_holds_back_what_follows_it() {
    let narrow = SenderSettings {
        window_packets: 2,
        ..settings()
    };
    let mut sender = sender_with(&narrow, 3);
    assert_eq!(send_all(&mut sender, 10), [0, 1]);
    let later = sender.blind_deadline(RTT).unwrap();
    sender.resend_blindly(later, RTT);
    assert_eq!(send_all(&mut sender, 500), [1]);
}

/// Three packets sent at 10 ms; the peer plays out 300 ms after their origin, at 1 ms.
fn reported_at(settings: &SenderSettings, millis: u64) -> Sender {
    let mut sender = sender_with(settings, 3);
    send_all(&mut sender, 10);
    sender.on_nak(Instant::from_millis(millis), FIRST, FIRST, RTT);
    sender
}

#[test]
fn a_repetition_that_is_the_last_in_time_is_sent_again_a_quarter_of_a_round_trip_later() {
    let mut sender = reported_at(&settings(), 220);
    assert_eq!(send_all(&mut sender, 220), [0]);
    assert_eq!(send_all(&mut sender, 234), [] as [u64; 0]);
    assert_eq!(
        sender.wake_at(Duration::from_secs(1)),
        Instant::from_micros(244_750)
    );
    assert_eq!(send_all(&mut sender, 245), [0]);
    assert_eq!(send_all(&mut sender, 290), [] as [u64; 0], "only once");
}

#[test]
fn a_repetition_that_can_be_asked_for_again_is_sent_once() {
    let mut sender = reported_at(&settings(), 120);
    assert_eq!(send_all(&mut sender, 120), [0]);
    assert_eq!(send_all(&mut sender, 180), [] as [u64; 0]);
}

#[test]
fn a_copy_of_what_was_acknowledged_meanwhile_is_not_sent() {
    let mut sender = reported_at(&settings(), 220);
    send_all(&mut sender, 220);
    sender.on_ack(Instant::from_millis(230), FIRST + 3, Some(100));
    assert_eq!(send_all(&mut sender, 250), [] as [u64; 0]);
}

#[test]
fn a_copy_that_would_come_too_late_is_not_sent() {
    let mut sender = reported_at(&settings(), 220);
    send_all(&mut sender, 220);
    assert_eq!(send_all(&mut sender, 302), [] as [u64; 0]);
}

#[test]
fn copies_can_be_switched_off_and_are_then_no_refusals() {
    let off = SenderSettings {
        max_duplicate_percent: 0,
        ..settings()
    };
    let mut sender = reported_at(&off, 220);
    assert_eq!(send_all(&mut sender, 220), [0]);
    assert_eq!(send_all(&mut sender, 250), [] as [u64; 0]);
    assert_eq!(sender.refusals(), Refusals::default());
}

#[test]
fn copies_beyond_their_budget_are_refused_and_counted() {
    let mut sender = sender_with(&settings(), 400);
    send_all(&mut sender, 10);
    let now = Instant::from_millis(220);
    sender.on_nak(now, FIRST, FIRST + 399, RTT);
    assert_eq!(send_all(&mut sender, 220).len(), 400);
    assert_eq!(sender.refusals().copies, 400 - COPY_RESERVE_PACKETS);
    assert_eq!(send_all(&mut sender, 260).len(), 256);
}

#[test]
fn a_repetition_that_waits_for_the_budget_is_counted_once() {
    let none = SenderSettings {
        max_resend_percent: 0,
        ..settings()
    };
    let mut sender = reported_at(&none, 120);
    for millis in 120..140 {
        assert_eq!(send_all(&mut sender, millis), [] as [u64; 0]);
    }
    assert_eq!(sender.refusals().repeats, 1);
}

/// Ten packets, of which every other is lost and asked for at 120 ms; full lists follow.
fn with_full_lists(settings: &SenderSettings) -> Sender {
    let mut sender = sender_with(settings, 10);
    send_all(&mut sender, 10);
    list(&mut sender, 120, &[0, 2, 4]);
    assert_eq!(send_all(&mut sender, 120), [0, 2, 4]);
    for millis in [140, 150, 160, 170] {
        list(&mut sender, millis, &[0, 2, 4]);
    }
    // What is repeated only now is repeated by a sender that trusts the lists.
    list(&mut sender, 180, &[0, 2, 4, 6, 8]);
    assert_eq!(send_all(&mut sender, 180), [6, 8]);
    sender
}

/// The peer reports these missing in one list.
fn list(sender: &mut Sender, millis: u64, missing: &[u64]) {
    let now = Instant::from_millis(millis);
    for index in missing {
        sender.on_nak(now, FIRST + index, FIRST + index, QUIET);
    }
    sender.on_list(now, missing.len(), QUIET);
}

const QUIET: Duration = Duration::from_millis(98);

#[test]
fn without_copies_nobody_looks_whether_lists_are_full() {
    assert!(with_full_lists(&settings()).full_lists.are_trusted());
    let off = SenderSettings {
        max_duplicate_percent: 0,
        ..settings()
    };
    assert!(!with_full_lists(&off).full_lists.are_trusted());
}

#[test]
fn a_packet_no_full_list_was_heard_of_again_gets_another_try_at_the_last_moment() {
    let mut sender = with_full_lists(&settings());
    assert_eq!(send_all(&mut sender, 280), [] as [u64; 0]);
    let sent = send_all(&mut sender, 299);
    assert_eq!(sent, [6, 8], "sent at 180 ms, due away by 301 ms");
}

#[test]
fn a_packet_that_a_full_list_does_not_name_any_more_is_known_to_have_arrived() {
    let mut sender = with_full_lists(&settings());
    // Three others were repeated meanwhile and are still missing.
    list(&mut sender, 225, &[1, 3, 5]);
    send_all(&mut sender, 225);
    list(&mut sender, 285, &[1, 3, 5]);
    let sent = send_all(&mut sender, 299);
    assert!(!sent.contains(&6) && !sent.contains(&8), "{sent:?}");
}

#[test]
fn a_peer_whose_lists_leave_out_what_is_missing_gets_no_such_try() {
    let mut sender = sender_with(&settings(), 10);
    send_all(&mut sender, 10);
    list(&mut sender, 120, &[0, 2, 4]);
    send_all(&mut sender, 120);
    for millis in [140, 150, 160, 170] {
        list(&mut sender, millis, &[0, 2, 6]);
    }
    send_all(&mut sender, 180);
    assert_eq!(send_all(&mut sender, 299), [] as [u64; 0]);
}
