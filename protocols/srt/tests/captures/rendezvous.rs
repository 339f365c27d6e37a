//! Both sides of libsrt's rendezvous: ours in the place of each in turn.

use std::net::SocketAddr;

use tidegate_srt::handshake::{
    Agreed, Call, HandshakeRole, OurSide, RendezvousHandshake, RendezvousStage, RendezvousStep,
    restamp,
};
use tidegate_srt::wire::{ControlPacket, Handshake, RequestType, SequenceNumber, SocketId};
use tidegate_srt::{SessionKeys, StreamId};
use tidegate_units::{Duration, Instant};

use crate::payloads;
use crate::pcap::Datagram;
use crate::session::{PASSPHRASE, Session};

const SESSIONS: &[&str] = &["rendezvous", "rendezvous-ctr128"];

/// What libsrt's programs had as settings; the rest is what this side showed of itself.
fn side_of(
    session: &Session,
    address: SocketAddr,
    keys: Option<SessionKeys>,
) -> RendezvousHandshake {
    let (datagram, _, wave) = session
        .handshakes()
        .find(|(datagram, _, _)| datagram.from == address)
        .expect("both sides wave");
    let latency = Duration::from_millis(120);
    let call = Call {
        remote: datagram.to,
        group: None,
        ours: OurSide {
            group: None,
            packet_filter: None,
            socket: wave.socket,
            segment_bytes: 1500,
            flow_window_packets: 8192,
            latency,
            peer_latency: latency,
            max_latency: Duration::from_secs(8),
            too_late_drop: true,
            nak_report: true,
        },
        initial_sequence: wave.initial_sequence,
        stream_id: StreamId::from(""),
        keys,
        timeout: Duration::from_secs(30),
    };
    RendezvousHandshake::new(at(datagram), call, wave.cookie)
}

fn at(datagram: &Datagram) -> Instant {
    Instant::from_millis(1000) + Duration::from_micros(datagram.at_micros)
}

/// What became of a side of the captured rendezvous.
struct Replayed {
    stages: Vec<RendezvousStage>,
    agreed: Agreed,
}

/// Sends what the captured side sent, to the byte, and hears what it heard.
fn replay(session: &Session, address: SocketAddr) -> Replayed {
    let encrypted = session
        .handshakes()
        .any(|(datagram, _, _)| datagram.bytes.len() > 100);
    let keys = encrypted.then(|| payloads::opened(session));
    let mut side = side_of(session, address, keys);
    let mut stages = vec![side.stage()];
    let mut agreed: Option<Agreed> = None;
    let handshakes = session
        .handshakes()
        .skip_while(|(datagram, _, _)| datagram.from != address);
    for (datagram, packet, handshake) in handshakes {
        if datagram.from == address {
            assert_eq!(
                sent(&mut side, agreed.as_mut(), datagram, &packet),
                datagram.bytes
            );
            continue;
        }
        let is_addressed = packet.destination != SocketId::LISTENER;
        let step = side.handle(at(datagram), packet.timestamp, &handshake, is_addressed);
        let step = match step {
            RendezvousStep::KeysWanted(material) => {
                let keys = material.open(PASSPHRASE).unwrap();
                side.take_keys(at(datagram), &material, Ok(keys))
            }
            other => other,
        };
        stages.push(side.stage());
        match step {
            RendezvousStep::Waiting => {}
            RendezvousStep::Connected(done) => agreed = Some(*done),
            other => panic!("libsrt's handshakes are nothing odd: {other:?}"),
        }
    }
    let agreed = agreed.expect("both sides connect");
    Replayed { stages, agreed }
}

fn sent(
    side: &mut RendezvousHandshake,
    agreed: Option<&mut Agreed>,
    datagram: &Datagram,
    packet: &ControlPacket<'_>,
) -> Vec<u8> {
    match agreed {
        None => side
            .poll_transmit(at(datagram), packet.timestamp)
            .unwrap_or_default(),
        Some(agreed) => {
            let mut agreement = agreed.agreement.clone().unwrap_or_default();
            restamp(&mut agreement, packet.timestamp);
            agreement
        }
    }
}

fn first_of(session: &Session, address: SocketAddr) -> Handshake<'_> {
    let mut handshakes = session.handshakes();
    handshakes
        .find(|(datagram, _, _)| datagram.from == address)
        .unwrap()
        .2
}

#[test]
fn either_side_of_libsrts_rendezvous_can_be_ours() {
    for name in SESSIONS {
        let session = Session::read(name);
        let (early, late) = (session.datagrams[0].from, session.datagrams[0].to);
        let responder = replay(&session, early);
        assert_eq!(responder.agreed.role, HandshakeRole::Responder, "{name}");
        use RendezvousStage::{Attention, Fine, Initiated, Waving};
        assert_eq!(responder.stages, [Waving, Attention, Initiated, Initiated]);
        let initiator = replay(&session, late);
        assert_eq!(initiator.agreed.role, HandshakeRole::Initiator, "{name}");
        assert_eq!(initiator.stages, [Waving, Fine, Fine]);
        let (ours, theirs) = (&responder.agreed.negotiated, &initiator.agreed.negotiated);
        assert_eq!(ours.receive_latency, Duration::from_millis(120));
        assert_eq!(ours.receive_latency, theirs.send_latency);
        assert_eq!(ours.encryption, theirs.encryption);
        assert_eq!(ours.encryption.is_some(), *name == "rendezvous-ctr128");
    }
}

#[test]
fn each_direction_counts_from_its_senders_number() {
    for name in SESSIONS {
        let session = Session::read(name);
        let (early, late) = (session.datagrams[0].from, session.datagrams[0].to);
        let (ours, theirs) = (first_of(&session, early), first_of(&session, late));
        assert_ne!(ours.initial_sequence, theirs.initial_sequence);
        let negotiated = replay(&session, early).agreed.negotiated;
        assert_eq!(negotiated.send_sequence, ours.initial_sequence);
        assert_eq!(negotiated.receive_sequence, theirs.initial_sequence);
        let first = session.media().into_keys().next().unwrap();
        assert_eq!(
            SequenceNumber::new(first),
            theirs.initial_sequence,
            "{name}"
        );
    }
}

#[test]
fn the_captured_roles_follow_from_the_captured_cookies() {
    for name in SESSIONS {
        let session = Session::read(name);
        let agreement = session
            .handshakes()
            .find(|(_, _, handshake)| handshake.request == RequestType::Agreement)
            .unwrap();
        let initiator = agreement.0.from;
        let other = agreement.0.to;
        let (ours, theirs) = (first_of(&session, initiator), first_of(&session, other));
        let role = tidegate_srt::handshake::contest(ours.cookie, theirs.cookie);
        assert_eq!(role, Some(HandshakeRole::Initiator), "{name}");
    }
}
