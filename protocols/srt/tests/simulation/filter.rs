//! Forward error correction: what it rebuilds where there is no time to ask, and what is
//! asked for besides.

use core::fmt::Write;
use core::time::Duration;

use crate::support::packets;
use crate::support::payload::PAYLOAD_BYTES;
use crate::support::{MS, Pair, SECOND, Scenario, Side, Verdict};
use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{
    CipherMode, Counters, Event, FilterConfig, KeyLength, KeyRefresh, MessageNumber, RejectCode,
    RejectReason, SendError, SequenceNumber,
};

/// A round trip of 100 ms. With a latency below, nothing that is asked for comes in time.
const ONE_WAY: Duration = Duration::from_millis(50);
const MEGABITS_PER_SECOND: f64 = 10.0;

fn filter(text: &str) -> Option<FilterConfig> {
    Some(text.parse().expect("a filter"))
}

fn scenario(seed: u64, text: &str, link: LinkConfig) -> Scenario {
    let mut scenario = Scenario::new(seed).link(link).latency(80 * MS);
    scenario.connection.packet_filter = filter(text);
    scenario
}

fn random(percent: f64) -> LinkConfig {
    LinkConfig::delayed(ONE_WAY).losing(Probability::percent(percent))
}

fn bursts(percent: f64, packets: f64) -> LinkConfig {
    LinkConfig::delayed(ONE_WAY).losing_in_bursts(Probability::percent(percent), packets)
}

/// Streams to the listener; what both ends counted.
fn streamed(scenario: Scenario, length: Duration) -> (Pair, Counters, Counters) {
    let mut pair = scenario.connect();
    pair.stream(Side::Caller, MEGABITS_PER_SECOND, length);
    let caller = pair.statistics(Side::Caller).total;
    let listener = pair.statistics(Side::Listener).total;
    (pair, caller, listener)
}

/// The same, with every five hundredth media packet lost and the seven behind it.
fn streamed_with_bursts(scenario: Scenario) -> (Pair, Counters) {
    let mut pair = scenario.connect();
    let mut number = 0;
    pair.world.intercept(move |_, datagram| {
        let bytes = &datagram.bytes;
        let message = packets::word(bytes, 1).unwrap_or(0) & MessageNumber::MAX.value();
        if !packets::is_data(bytes) || packets::is_retransmission(bytes) || message == 0 {
            return Verdict::Pass;
        }
        number += 1;
        if number > 500 && number % 500 < 8 {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair.stream(Side::Caller, MEGABITS_PER_SECOND, 12 * SECOND);
    let listener = pair.statistics(Side::Listener).total;
    (pair, listener)
}

#[test]
fn bursts_as_long_as_a_row_are_rebuilt_where_there_is_no_time_to_ask() {
    let clean = || LinkConfig::delayed(ONE_WAY);
    for layout in ["even", "staircase"] {
        for arq in ["never", "onreq", "always"] {
            let text = format!("fec,cols:8,rows:4,layout:{layout},arq:{arq}");
            let (pair, listener) = streamed_with_bursts(scenario(1, &text, clean()));
            pair.assert_everything_arrived_from(Side::Caller);
            assert!(listener.packets_lost >= 160, "{text}: {listener:?}");
            assert_eq!(
                listener.filter_packets_rebuilt, listener.packets_lost,
                "{text}"
            );
            assert_eq!(listener.packets_dropped, 0, "{text}");
        }
    }
    let mut without = scenario(1, "fec", clean());
    without.connection.packet_filter = None;
    let (_, listener) = streamed_with_bursts(without);
    assert!(listener.packets_dropped >= 150, "without it: {listener:?}");
}

#[test]
fn with_never_nothing_is_asked_for_and_nothing_repeated() {
    let scenario = scenario(2, "fec,cols:5,rows:5,arq:never", random(5.0)).latency(500 * MS);
    let (_, caller, listener) = streamed(scenario, 20 * SECOND);
    assert!(
        listener.packets_dropped > 0,
        "five percent are more than it rebuilds"
    );
    assert_eq!((listener.naks_sent, caller.naks_received), (0, 0));
    assert_eq!(caller.packets_retransmitted, 0);
    assert_eq!(
        caller.packets_sent,
        caller.packets_sent_unique + caller.filter_packets_sent
    );
    assert_eq!(
        listener.filter_packets_rebuilt + listener.packets_dropped,
        listener.packets_lost
    );
}

#[test]
fn with_onreq_only_what_cannot_be_rebuilt_is_asked_for_and_all_arrives() {
    let mut scenario = scenario(3, "fec,cols:5,rows:5", random(3.0)).latency(600 * MS);
    scenario.connection.max_duplicate_percent = 0;
    let (pair, caller, listener) = streamed(scenario, 20 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    assert!(listener.filter_packets_rebuilt > 300, "{listener:?}");
    assert!(listener.filter_packets_lost > 0 && caller.packets_send_lost > 0);
    // Reports are repeated when they may have got lost themselves.
    assert!(
        caller.packets_retransmitted <= listener.filter_packets_lost * 3 / 2,
        "{} repeated, {} could not be rebuilt",
        caller.packets_retransmitted,
        listener.filter_packets_lost
    );
}

/// Of packets that only FEC packets tell of, the receiver does not know yet that it lacks them.
#[test]
fn with_onreq_a_loss_that_ends_with_a_row_is_asked_for() {
    for text in ["fec,cols:10", "fec,cols:10,rows:5,layout:even"] {
        let clean = LinkConfig::delayed(ONE_WAY);
        let mut pair = scenario(13, text, clean).latency(600 * MS).connect();
        let mut number = 0;
        pair.world.intercept(move |_, datagram| {
            let bytes = &datagram.bytes;
            let message = packets::word(bytes, 1).unwrap_or(0) & MessageNumber::MAX.value();
            if !packets::is_data(bytes) || packets::is_retransmission(bytes) || message == 0 {
                return Verdict::Pass;
            }
            number += 1;
            // The third to the fifth row of a matrix, the first of them from its middle on.
            if number % 500 > 325 && number % 500 <= 350 {
                Verdict::Drop
            } else {
                Verdict::Pass
            }
        });
        pair.stream(Side::Caller, MEGABITS_PER_SECOND, 5 * SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
        let listener = pair.statistics(Side::Listener).total;
        assert_eq!(listener.packets_dropped, 0, "{text}");
        assert!(listener.filter_packets_lost >= 200, "{text}: {listener:?}");
        assert!(listener.naks_sent >= 9, "{text}: {listener:?}");
    }
}

/// What is rebuilt from a forged FEC packet is not authentic: it is asked for like any loss.
#[test]
fn what_a_forged_fec_packet_makes_of_a_packet_is_refused_and_asked_for() {
    for key_of_clear in [false, true] {
        let mode = if key_of_clear {
            CipherMode::Ctr
        } else {
            CipherMode::Gcm
        };
        let scenario = scenario(14, "fec,cols:10", random(1.0))
            .latency(600 * MS)
            .encrypted(KeyLength::Aes128)
            .cipher(mode);
        let mut pair = scenario.connect();
        pair.world.intercept(move |_, datagram| {
            let mut bytes = datagram.bytes.clone();
            let message = packets::word(&bytes, 1).unwrap_or(0) & MessageNumber::MAX.value();
            if !packets::is_data(&bytes) || message != 0 {
                return Verdict::Pass;
            }
            // Another payload, or key flags that make the lost packet one in the clear.
            let at = if key_of_clear { 17 } else { 20 };
            bytes[at] ^= 1;
            Verdict::Change(bytes)
        });
        pair.stream(Side::Caller, MEGABITS_PER_SECOND, 5 * SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
        let listener = pair.statistics(Side::Listener).total;
        let refused = listener.packets_undecrypted + listener.packets_clear_refused;
        assert!(refused > 20, "{mode:?}: {listener:?}");
        assert_eq!(listener.filter_packets_rebuilt, 0, "{mode:?}");
        assert!(listener.filter_packets_lost >= refused, "{mode:?}");
    }
}

#[test]
fn with_always_losses_are_asked_for_beside_it() {
    let scenario = scenario(4, "fec,cols:10,arq:always", random(3.0)).latency(600 * MS);
    let (pair, caller, listener) = streamed(scenario, 20 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    assert!(listener.filter_packets_rebuilt > 100, "{listener:?}");
    assert!(
        caller.packets_send_lost * 10 >= listener.packets_lost * 9,
        "{caller:?}"
    );
}

/// A slow stream fills a matrix in more time than there is: what is lost is asked for in time.
#[test]
fn with_onreq_what_the_filter_would_rebuild_too_late_is_asked_for() {
    let link = LinkConfig::delayed(10 * MS).losing(Probability::percent(5.0));
    let text = "fec,cols:10,rows:5,layout:even";
    let mut pair = scenario(15, text, link).latency(150 * MS).connect();
    pair.stream(Side::Caller, 1.0, 30 * SECOND);
    let listener = pair.statistics(Side::Listener).total;
    let lost = listener.packets_lost;
    assert!(lost > 100, "{listener:?}");
    // Each report and each repetition may get lost as well.
    assert!(listener.packets_dropped * 8 < lost, "{listener:?}");
}

/// The end of a stream leaves groups open for ever.
#[test]
fn with_onreq_losses_of_an_unfinished_group_are_asked_for() {
    let text = "fec,cols:10,rows:20,layout:even";
    let clean = LinkConfig::delayed(10 * MS);
    let mut pair = scenario(16, text, clean).latency(300 * MS).connect();
    let mut number = 0;
    pair.world.intercept(move |_, datagram| {
        let bytes = &datagram.bytes;
        if !packets::is_data(bytes) || packets::is_retransmission(bytes) {
            return Verdict::Pass;
        }
        number += 1;
        match number {
            12..=14 => Verdict::Drop,
            _ => Verdict::Pass,
        }
    });
    pair.stream(Side::Caller, 1.0, 200 * MS);
    pair.assert_everything_arrived_from(Side::Caller);
    assert_eq!(pair.statistics(Side::Listener).total.packets_dropped, 0);
}

/// Reports and repetitions get lost like anything else: what is still missing is asked for again.
#[test]
fn with_onreq_a_loss_is_asked_for_until_it_is_repeated() {
    for (first_reports, first_repetitions) in [(1, 0), (3, 0), (0, 1), (0, 3), (2, 2)] {
        let clean = LinkConfig::delayed(ONE_WAY);
        let mut pair = scenario(17, "fec,cols:5", clean)
            .latency(800 * MS)
            .connect();
        let (mut number, mut reports, mut repetitions) = (0, 0, 0);
        pair.world.intercept(move |_, datagram| {
            let bytes = &datagram.bytes;
            let verdict = |is_lost: bool| {
                if is_lost {
                    Verdict::Drop
                } else {
                    Verdict::Pass
                }
            };
            if packets::is_control(bytes, packets::NAK) {
                reports += 1;
                return verdict(reports <= first_reports);
            }
            if !packets::is_data(bytes) {
                return Verdict::Pass;
            }
            if packets::is_retransmission(bytes) {
                repetitions += 1;
                return verdict(repetitions <= 2 * first_repetitions);
            }
            // Two of a row are more than it rebuilds; the filter's packets count as well.
            number += 1;
            verdict(number == 602 || number == 603)
        });
        pair.stream(Side::Caller, MEGABITS_PER_SECOND, 3 * SECOND);
        pair.assert_everything_arrived_from(Side::Caller);
        let listener = pair.statistics(Side::Listener).total;
        assert_eq!(listener.packets_dropped, 0, "{listener:?}");
        assert_eq!(listener.filter_packets_lost, 2, "{listener:?}");
        assert!(listener.naks_sent > first_reports.max(first_repetitions));
    }
}

/// What comes late is not lost: with jitter and without loss, hardly anything is asked for.
#[test]
fn packets_out_of_order_are_neither_lost_nor_asked_for() {
    let link = LinkConfig::delayed(ONE_WAY).jittering(20 * MS);
    let scenario = scenario(5, "fec,cols:5,rows:5", link).latency(400 * MS);
    let (pair, caller, listener) = streamed(scenario, 30 * SECOND);
    pair.assert_everything_arrived_from(Side::Caller);
    assert_eq!(listener.packets_dropped, 0);
    let percent = caller.packets_retransmitted * 100 / caller.packets_sent_unique;
    assert!(
        percent <= 3,
        "{} needless repetitions",
        caller.packets_retransmitted
    );
}

#[test]
fn the_sequence_number_wraps_under_loss_and_nobody_notices() {
    for text in [
        "fec,cols:5,rows:5,arq:never",
        "fec,cols:7,rows:-3,layout:even,arq:never",
    ] {
        let run = |first: u32| {
            let mut scenario = scenario(6, text, random(2.0)).latency(300 * MS);
            scenario.first_sequence = Some(SequenceNumber::new(first));
            let (pair, _, listener) = streamed(scenario, 4 * SECOND);
            (pair.inbox(Side::Listener).delivered, listener)
        };
        let (delivered, calm) = run(1000);
        for before in [1, 3, 700, 2001] {
            let (wrapped, listener) = run(0x7FFF_FFFF - before);
            assert_eq!(wrapped, delivered, "{text} {before}");
            assert_eq!(listener.filter_packets_rebuilt, calm.filter_packets_rebuilt);
            assert_eq!(listener.control_ignored, 0);
        }
        assert!(calm.filter_packets_rebuilt > 20, "{text}: {calm:?}");
    }
}

/// A row may straddle a key change: each packet is opened with its own key.
#[test]
fn ciphertext_is_rebuilt_and_opened_while_the_keys_change() {
    for mode in [CipherMode::Ctr, CipherMode::Gcm] {
        let mut scenario = scenario(7, "fec,cols:5,rows:5,arq:never", random(3.0))
            .latency(400 * MS)
            .encrypted(KeyLength::Aes256)
            .cipher(mode);
        scenario.connection.key_refresh = KeyRefresh::new(700, 300);
        let (pair, _, listener) = streamed(scenario, 20 * SECOND);
        assert!(listener.key_refreshes > 10, "{mode:?}");
        assert!(listener.filter_packets_rebuilt > 300, "{listener:?}");
        assert_eq!(listener.packets_undecrypted, 0, "{mode:?}");
        assert_eq!(listener.packets_clear_refused, 0, "{mode:?}");
        assert_eq!(pair.inbox(Side::Listener).missing, listener.packets_dropped);
    }
}

#[test]
fn both_directions_are_protected() {
    let mut pair = scenario(8, "fec,cols:5,rows:5", random(1.0)).connect();
    pair.publish(Side::Listener, 8.0, 5 * SECOND);
    pair.stream(Side::Caller, 8.0, 5 * SECOND);
    for side in [Side::Caller, Side::Listener] {
        let total = pair.statistics(side).total;
        assert!(total.filter_packets_sent > 1000 && total.filter_packets_rebuilt > 10);
    }
}

/// A reader gets hardly any room, so that it cannot fill ours by way of a filter either.
#[test]
fn who_gets_no_room_is_sent_fec_packets_and_nothing_of_its_is_rebuilt() {
    let mut scenario = scenario(12, "fec,cols:5,rows:5", random(1.0));
    scenario.connection.receive_buffer_packets = Some(32);
    let mut pair = scenario.connect();
    pair.stream(Side::Caller, 8.0, 5 * SECOND);
    let listener = pair.statistics(Side::Listener).total;
    assert!(listener.filter_packets_received > 1000);
    assert_eq!(listener.filter_packets_rebuilt, 0);
    assert!(listener.naks_sent > 0, "losses are reported instead");
}

#[test]
fn filters_that_differ_are_refused_and_the_caller_hears_why() {
    let mut pair = scenario(9, "fec,cols:5", LinkConfig::delayed(ONE_WAY)).build();
    pair.node_mut(Side::Listener).admission.config.packet_filter = filter("fec,cols:6");
    pair.call();
    assert!(!pair.await_connection(4 * SECOND));
    let code = RejectReason::Peer(RejectCode::new(14));
    let heard = pair
        .events()
        .iter()
        .any(|(_, event)| matches!(event, Event::Refused { reason, .. } if *reason == code));
    assert!(heard, "{:?}", pair.events());
    let gone = |event: &Event| matches!(event, Event::RequestGone(_));
    assert!(pair.events().iter().any(|(_, event)| gone(event)));
}

#[test]
fn one_side_alone_may_say_what_the_filter_is() {
    for (caller, listener) in [("fec", "fec,cols:5,rows:5"), ("fec,cols:5,rows:5", "fec")] {
        let mut pair = scenario(10, caller, random(1.0)).build();
        pair.node_mut(Side::Listener).admission.config.packet_filter = filter(listener);
        pair.call();
        assert!(pair.await_connection(4 * SECOND));
        for side in [Side::Caller, Side::Listener] {
            let negotiated = pair.node(side).endpoint.negotiated(pair.id(side)).unwrap();
            let agreed = negotiated.packet_filter.unwrap().to_string();
            assert_eq!(agreed, "fec,arq:onreq,cols:5,layout:staircase,rows:5");
        }
    }
}

#[test]
fn payloads_leave_room_for_the_filters_header() {
    let mut pair = scenario(11, "fec,cols:5", LinkConfig::delayed(ONE_WAY)).connect();
    let id = pair.id(Side::Caller);
    let mut send = |bytes: usize| {
        pair.world.with(0, |node, now| {
            node.endpoint.send(now, id, vec![7; bytes].into(), now)
        })
    };
    assert_eq!(send(1452), Ok(()));
    let error = SendError::TooLarge {
        bytes: 1453,
        limit: 1452,
    };
    assert_eq!(send(1453), Err(error));
}

/// What each layout leaves unrecovered where nothing can be asked for, and what it costs.
/// The snapshot is what the documentation says.
#[test]
fn what_the_layouts_recover() {
    let links = [
        ("random 0.5 %", random(0.5)),
        ("random 2 %", random(2.0)),
        ("random 5 %", random(5.0)),
        ("bursts of 3, 1 %", bursts(1.0, 3.0)),
        ("bursts of 8, 1 %", bursts(1.0, 8.0)),
    ];
    let layouts = [
        "none",
        "fec,cols:10",
        "fec,cols:5",
        "fec,cols:10,rows:-5",
        "fec,cols:10,rows:5",
        "fec,cols:10,rows:5,layout:even",
        "fec,cols:20,rows:10",
    ];
    let mut table = String::from("filter                           wire ");
    for (name, _) in &links {
        write!(table, " {name:>17}").unwrap();
    }
    table.push('\n');
    for text in layouts {
        let mut cells = String::new();
        let mut wire = 0.0;
        for (seed, (_, link)) in (20..).zip(&links) {
            let mut scenario = Scenario::new(seed).link(link.clone()).latency(90 * MS);
            if text != "none" {
                scenario.connection.packet_filter = filter(&format!("{text},arq:never"));
            } else {
                scenario.connection.packet_filter = None;
            }
            // A latency below the round trip, and above the matrix: 20 x 10 take 210 ms.
            if text.contains("cols:20") {
                scenario = scenario.latency(450 * MS);
            }
            let length = 40 * SECOND;
            let (pair, caller, listener) = streamed(scenario, length);
            let sent = pair.sent(Side::Caller);
            let lost = sent - pair.inbox(Side::Listener).delivered;
            let percent = lost as f64 * 100.0 / sent as f64;
            write!(cells, " {percent:>15.3} %").unwrap();
            if text != "none" {
                assert_eq!(listener.naks_sent, 0);
            }
            wire = caller.bytes_sent as f64 / (sent as f64 * PAYLOAD_BYTES as f64);
        }
        writeln!(table, "{text:<31} {wire:.3} {cells}").unwrap();
    }
    insta::assert_snapshot!(table);
}
