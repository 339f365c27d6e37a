//! Captured sessions with a packet filter: ours makes libsrt's FEC packets to the byte, and
//! rebuilds from libsrt's what is taken away.

use tidegate_srt::wire::{Control, DataHeader, MessageNumber, Packet};
use tidegate_srt::{ConnectionConfig, Counters};
use tidegate_units::Duration;

use crate::caller::Caller;
use crate::handshakes::packet_filter;
use crate::listener::Listener;
use crate::payloads;
use crate::pcap;
use crate::session::Session;

const SESSIONS: [&str; 4] = ["fec-row", "fec-staircase", "fec-even", "fec-ctr128"];
/// Longer than any capture's latency.
const WAIT: Duration = Duration::from_secs(1);

/// What the captured caller sent as data, the filter's packets included, in order.
fn data_of(session: &Session) -> Vec<(DataHeader, Vec<u8>)> {
    session
        .packets()
        .filter(|(datagram, _)| datagram.to.port() == 9000)
        .filter_map(|(_, packet)| match packet {
            Packet::Data { header, payload } => Some((header, payload.to_vec())),
            Packet::Control(_) => None,
        })
        .collect()
}

/// Hears a session whose media packets `lost` (by number) do not arrive.
fn heard_without(name: &str, lost: core::ops::Range<usize>) -> (Listener, Counters) {
    let session = Session::read(name);
    let mut listener = Listener::new(session.datagrams[0].from);
    // The listener leaves everything to its caller, as libsrt's did.
    listener.connection.packet_filter = Some("fec".parse().unwrap());
    // With the captures' 120 ms and a round trip nobody has measured yet, the last moment to ask
    // for a repetition comes before some columns are complete.
    listener.connection.latency = Duration::from_millis(400);
    let mut number = 0;
    listener.mangle = Some(Box::new(move |datagram| {
        let Ok(Packet::Data { header, .. }) = Packet::parse(datagram) else {
            return;
        };
        if header.message != MessageNumber::NONE {
            if lost.contains(&number) {
                datagram.clear();
            }
            number += 1;
        }
    }));
    let to_listener = |datagram: &&pcap::Datagram| datagram.to.port() == 9000;
    listener.hear(session.datagrams.iter().filter(to_listener), WAIT);
    let total = listener.statistics().total;
    (listener, total)
}

fn naks(listener: &Listener) -> usize {
    let is_nak = |bytes: &&Vec<u8>| {
        matches!(Packet::parse(bytes), Ok(Packet::Control(packet))
            if matches!(packet.control, Control::Nak(_)))
    };
    listener.sent.iter().filter(is_nak).count()
}

fn assert_complete(listener: &Listener, what: &str) {
    let bytes: Vec<u8> = listener
        .received
        .iter()
        .flat_map(|received| received.payload.to_vec())
        .collect();
    assert!(bytes == pcap::payload(), "{what}");
}

#[test]
fn a_session_with_a_filter_is_received_bit_exact_and_its_own_packets_are_no_media() {
    for name in SESSIONS {
        let (listener, total) = heard_without(name, 0..0);
        assert_complete(&listener, name);
        let fec = data_of(&Session::read(name)).len() as u64 - 80;
        assert_eq!(total.filter_packets_received, fec, "{name}");
        assert_eq!(total.packets_received_unique, 80, "{name}");
        assert_eq!(total.filter_packets_rebuilt, 0, "{name}");
        assert_eq!(total.filter_packets_lost, 0, "{name}");
        assert_eq!(total.control_ignored, 0, "{name}: all of libsrt's are good");
        assert_eq!(naks(&listener), 0, "{name}");
    }
}

#[test]
fn each_packet_that_is_taken_away_is_rebuilt_without_asking() {
    for name in SESSIONS {
        for lost in 0..80 {
            let (listener, total) = heard_without(name, lost..lost + 1);
            let what = format!("{name} without {lost}");
            assert_complete(&listener, &what);
            assert_eq!(total.filter_packets_rebuilt, 1, "{what}");
            assert_eq!(total.packets_lost, 1, "{what}");
            assert_eq!(total.packets_dropped, 0, "{what}");
            assert_eq!(naks(&listener), 0, "{what}");
        }
    }
}

/// All columns of the captures have begun by packet 24, and end with a FEC packet as long as
/// the burst begins by packet 56.
#[test]
fn bursts_as_long_as_a_row_are_rebuilt_from_columns() {
    for name in ["fec-staircase", "fec-even", "fec-ctr128"] {
        for first in 24..=56 {
            let (listener, total) = heard_without(name, first..first + 5);
            let what = format!("{name} from {first}");
            assert_complete(&listener, &what);
            assert_eq!(total.filter_packets_rebuilt, 5, "{what}");
            assert_eq!(naks(&listener), 0, "{what}");
        }
    }
}

/// Two losses in one row without columns: with `onreq` exactly they are asked for.
#[test]
fn what_cannot_be_rebuilt_is_asked_for_and_nothing_else() {
    let session = Session::read("fec-row");
    let first = data_of(&session)[0].0.sequence;
    let (listener, total) = heard_without("fec-row", 41..43);
    assert_eq!(total.filter_packets_lost, 2);
    let mut asked: Vec<_> = listener
        .sent
        .iter()
        .filter_map(|bytes| match Packet::parse(bytes) {
            Ok(Packet::Control(packet)) => match packet.control {
                Control::Nak(nak) => {
                    Some(nak.losses.iter().map(Result::unwrap).collect::<Vec<_>>())
                }
                _ => None,
            },
            _ => None,
        })
        .flatten()
        .map(|range| (range.first, range.packets()))
        .collect();
    asked.dedup();
    assert_eq!(asked, [(first.plus(41), 2)]);
}

/// The same payload through our caller, at the same times: the same packets in the same order,
/// the filter's included, to the byte but for the socket they go to.
#[test]
fn our_caller_makes_libsrts_fec_packets() {
    for name in SESSIONS {
        let session = Session::read(name);
        let keys = (name == "fec-ctr128").then(|| payloads::opened(&session));
        let connection = ConnectionConfig {
            packet_filter: packet_filter(name),
            ..ConnectionConfig::default()
        };
        let mut caller = Caller::with(&session, keys, b"", connection);
        caller.replay(&session, &pcap::payload());
        assert!(caller.connected, "{name}");
        let theirs = data_of(&session);
        assert_eq!(caller.sent.len(), theirs.len(), "{name}");
        for ((ours, our_payload), (theirs, their_payload)) in caller.sent.iter().zip(&theirs) {
            let expected = DataHeader {
                destination: ours.destination,
                ..*theirs
            };
            assert_eq!(*ours, expected, "{name}");
            assert!(our_payload == their_payload, "{name}: {ours:?}");
        }
        let fec = theirs.len() as u64 - 80;
        assert_eq!(caller.statistics().total.filter_packets_sent, fec, "{name}");
    }
}
