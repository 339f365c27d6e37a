//! Captured callers, heard by our listener: what they sent comes out of it.

use tidegate_srt::wire::{Control, ControlPacket, ExtensionCommand, Packet, RequestType};
use tidegate_srt::{CipherMode, KeyLength, RejectReason};
use tidegate_units::Duration;

use crate::caller::Caller;
use crate::listener::Listener;
use crate::payloads;
use crate::pcap::{self, Datagram};
use crate::session::Session;

/// Longer than any capture's latency and libsrt's linger.
const WAIT: Duration = Duration::from_secs(1);

/// What reached libsrt's listener.
fn to_listener(session: &Session) -> impl Iterator<Item = &Datagram> {
    session
        .datagrams
        .iter()
        .filter(|datagram| datagram.to.port() == 9000)
}

fn heard(name: &str) -> Listener {
    let session = Session::read(name);
    let caller = to_listener(&session).next().unwrap().from;
    let mut listener = Listener::new(caller);
    let (_, _, answer) = session.handshake(false, |request| request == RequestType::Conclusion);
    // AES-GCM authenticates the socket ID.
    listener.connection.socket = Some(answer.socket);
    listener.hear(to_listener(&session), WAIT);
    listener
}

fn bytes_of(listener: &Listener) -> Vec<u8> {
    listener
        .received
        .iter()
        .flat_map(|received| received.payload.to_vec())
        .collect()
}

#[test]
fn what_the_caller_sent_comes_out_bit_exact() {
    let sessions = [
        "plain-streamid",
        "ctr128",
        "ctr192",
        "ctr256",
        "ctr128-key-refresh",
        "gcm128",
        "gcm256",
        "gcm128-key-refresh",
        "ipv6-ctr128",
        "caller-1.5.1",
        "listener-1.5.1",
    ];
    for name in sessions {
        let listener = heard(name);
        assert!(bytes_of(&listener) == pcap::payload(), "{name}");
        assert!(
            listener
                .received
                .iter()
                .all(|received| received.dropped_before == 0),
            "{name}"
        );
        assert!(
            listener.closed,
            "{name}: the caller's shutdown ends the connection"
        );
    }
}

#[test]
fn a_caller_over_a_lossy_link_is_received_complete() {
    let mut listener = heard("loss-nak-retransmit");
    assert!(bytes_of(&listener) == pcap::payload().repeat(5));
    let total = listener.statistics().total;
    assert!(total.packets_lost > 0, "losses were seen and repaired");
    assert_eq!(total.packets_dropped, 0);
}

/// The distance between two packets at play-out is the distance they were sent at,
/// whatever the network did in between.
#[test]
fn packets_are_due_at_the_distances_of_their_timestamps() {
    for name in ["ctr128", "loss-nak-retransmit"] {
        let media = Session::read(name).media();
        let listener = heard(name);
        let stamps: Vec<_> = media
            .values()
            .map(|(header, _)| header.timestamp.as_micros())
            .collect();
        let first = listener.received[0].due;
        for (received, stamp) in listener.received.iter().zip(&stamps) {
            let played_after = received.due.micros_from(first);
            assert_eq!(played_after, i64::from(stamp - stamps[0]), "{name}");
        }
    }
}

#[test]
fn a_key_refresh_is_answered_as_libsrt_answers_it() {
    for name in ["ctr128-key-refresh", "gcm128-key-refresh"] {
        answer_refresh(name);
    }
}

fn answer_refresh(name: &str) {
    let session = Session::read(name);
    let answer = |bytes: &[u8]| match Packet::parse(bytes) {
        Ok(Packet::Control(ControlPacket {
            control: Control::Extension(extension),
            ..
        })) => {
            assert_eq!(extension.command, ExtensionCommand::KEY_MATERIAL_RESPONSE);
            Some(extension.body.to_vec())
        }
        _ => None,
    };
    let theirs: Vec<_> = session
        .datagrams
        .iter()
        .filter(|datagram| datagram.from.port() == 9000)
        .filter_map(|datagram| answer(&datagram.bytes))
        .collect();
    let ours: Vec<_> = heard(name)
        .sent
        .iter()
        .filter_map(|bytes| answer(bytes))
        .collect();
    assert_eq!(ours, theirs);
    assert_eq!(theirs[0].len(), 16 + 16 + 2 * KeyLength::Aes128.bytes() + 8);
}

#[test]
fn callers_that_cannot_be_served_are_refused_with_libsrts_codes() {
    let cases = [
        ("reject-wrong-passphrase", RejectReason::WrongPassphrase),
        (
            "reject-unencrypted-caller",
            RejectReason::EncryptionRequired,
        ),
        ("reject-gcm-vs-ctr", RejectReason::CryptoMode),
        ("reject-fec-conflict", RejectReason::Filter),
    ];
    for (name, reason) in cases {
        let session = Session::read(name);
        let caller = session.datagrams[0].from;
        let mut listener = Listener::new(caller);
        listener.encryption_required = name != "reject-fec-conflict";
        listener.connection.packet_filter = Some("fec,cols:10".parse().unwrap());
        // As libsrt's was told in the one capture that is about it.
        listener.cipher = Some(CipherMode::Ctr);
        let handshakes = to_listener(&session)
            .filter(|datagram| datagram.from == caller && datagram.bytes.starts_with(&[0x80, 0]));
        listener.hear(handshakes, WAIT);
        assert_eq!(listener.refused, Some(reason), "{name}");
        assert_eq!(listener.told, Some(reason.code()), "{name}");
        assert!(listener.received.is_empty());
    }
}

/// Losses nobody repairs are said, not glossed over.
#[test]
fn packets_that_never_come_are_counted_where_they_are_missing() {
    let session = Session::read("ctr128");
    let mut listener = Listener::new(session.datagrams[0].from);
    let mut number = 0;
    listener.mangle = Some(Box::new(move |datagram| {
        if datagram[0] & 0x80 == 0 {
            number += 1;
            if number % 7 == 0 {
                datagram.clear();
            }
        }
    }));
    listener.hear(to_listener(&session), WAIT);
    let payload = pcap::payload();
    let messages: Vec<&[u8]> = payload.chunks(1316).collect();
    let mut next = 0;
    for received in &listener.received {
        next += received.dropped_before as usize;
        assert_eq!(received.payload, messages[next]);
        assert_eq!(
            received.dropped_before,
            u32::from(next % 7 == 0 && next > 0)
        );
        next += 1;
    }
    assert_eq!(next, 80);
    assert_eq!(listener.statistics().total.packets_dropped, 11);
}

/// Whatever a network or a stranger does to the packets: no panic, and never more comes
/// out than was sent.
#[test]
fn mangled_sessions_are_survived() {
    for name in [
        "plain-streamid",
        "ctr128-key-refresh",
        "gcm128-key-refresh",
        "loss-nak-retransmit",
    ] {
        let session = Session::read(name);
        for seed in 1..40_u64 {
            let mut listener = Listener::new(to_listener(&session).next().unwrap().from);
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            listener.mangle = Some(Box::new(move |datagram| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let at = (state >> 8) as usize % datagram.len().min(64);
                match state % 16 {
                    0 => datagram.truncate(at),
                    1 | 2 => datagram[at] ^= 1 << (state >> 32 & 7),
                    3 => datagram[at..].fill(0xFF),
                    _ => {}
                }
            }));
            listener.hear(to_listener(&session), WAIT);
            assert!(
                listener.received.len() <= session.media().len() + 40,
                "{name} {seed}"
            );
        }
    }
}

/// With the captured keys and sequence number our caller sends what libsrt's sent: the
/// same numbers, flags and ciphertext.
#[test]
fn our_caller_sends_what_libsrts_sent() {
    for name in [
        "plain-streamid",
        "ctr128",
        "ctr192",
        "ctr256",
        "gcm128",
        "gcm256",
        "ipv6-ctr128",
        "listener-1.5.1",
    ] {
        let session = Session::read(name);
        let is_plain = name == "plain-streamid";
        let keys = (!is_plain).then(|| payloads::opened(&session));
        let stream_id: &[u8] = if is_plain {
            b"#!::r=live/cam1,m=publish,u=alice"
        } else {
            b""
        };
        let mut caller = Caller::new(&session, keys, stream_id);
        caller.replay(&session, &pcap::payload());
        assert!(caller.connected, "{name}");
        let media = session.media();
        assert_eq!(caller.sent.len(), media.len(), "{name}");
        for ((ours, our_payload), (theirs, their_payload)) in caller.sent.iter().zip(media.values())
        {
            assert_eq!(ours.sequence, theirs.sequence, "{name}");
            assert_eq!(ours.message, theirs.message, "{name}");
            assert_eq!(ours.timestamp, theirs.timestamp, "{name}");
            assert_eq!(
                (ours.boundary, ours.in_order),
                (theirs.boundary, theirs.in_order)
            );
            assert_eq!((ours.key, ours.retransmitted), (theirs.key, false));
            assert!(our_payload == their_payload, "{name}");
        }
    }
}

#[test]
fn our_caller_repeats_what_libsrts_listener_reports_lost() {
    let session = Session::read("loss-nak-retransmit");
    let mut caller = Caller::new(&session, None, b"");
    caller.replay(&session, &pcap::payload().repeat(5));
    let total = caller.statistics().total;
    assert_eq!(total.packets_sent_unique, 400);
    assert!(total.naks_received > 10 && total.packets_retransmitted > 10);
    assert_eq!(
        total.control_ignored, 0,
        "no report of a real listener is out of range"
    );
    let original = session.media();
    for (header, payload) in &caller.sent {
        assert!(*payload == original[&header.sequence.value()].1);
    }
}
