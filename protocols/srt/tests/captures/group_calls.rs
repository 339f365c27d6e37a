//! Our group in the place of libsrt's: what its legs say to the captured listener.

use std::net::SocketAddr;

use tidegate_srt::wire::{
    Control, ControlPacket, GroupExtension, Handshake, Packet, RequestType, SocketId,
};
use tidegate_srt::{
    CallerConfig, CookieKey, Endpoint, EndpointConfig, EndpointLimits, GroupCall, GroupKind,
    LegCall, SocketIdSpace, TransmitBatch,
};
use tidegate_units::Instant;

use crate::groups::{callers, group_of};
use crate::session::Session;

const NOW: Instant = Instant::from_millis(100_000);

/// Calls with as many legs as the captured group, of the same weights.
fn call(session: &Session, kind: GroupKind, asked: &[GroupExtension]) -> Endpoint {
    let mut endpoint = Endpoint::new(
        NOW,
        EndpointConfig {
            listen: None,
            socket_ids: SocketIdSpace::default(),
            cookie_key: CookieKey::new([1; 16]),
            limits: EndpointLimits::default(),
            seed: [2; 32],
        },
    );
    let remote = session.datagrams[0].to;
    let leg = |(way, asked): (usize, &GroupExtension)| LegCall {
        remote,
        weight: asked.weight,
        way: u8::try_from(way).unwrap(),
    };
    let legs = asked.iter().enumerate().map(leg).collect();
    let call = GroupCall::new(kind, legs, CallerConfig::default());
    endpoint.connect_group(NOW, call).unwrap();
    endpoint
}

/// The handshakes that are to be sent.
fn handshakes(endpoint: &mut Endpoint) -> Vec<Vec<u8>> {
    let mut batch = TransmitBatch::new(1 << 16);
    while endpoint.poll_transmit(NOW, &mut batch) {}
    let datagrams = batch.runs().flat_map(|run| run.datagrams());
    datagrams.map(<[u8]>::to_vec).collect()
}

fn handshake_of(bytes: &[u8]) -> Handshake<'_> {
    match Packet::parse(bytes).unwrap() {
        Packet::Control(ControlPacket {
            control: Control::Handshake(handshake),
            ..
        }) => handshake,
        other => panic!("{other:?}"),
    }
}

/// What the captured listener first answered to that leg, for ours.
fn induction_answer(session: &Session, leg: SocketAddr, ours: SocketId) -> Vec<u8> {
    let (datagram, ..) = session
        .handshakes()
        .find(|(datagram, _, handshake)| {
            datagram.to == leg && handshake.request == RequestType::Induction
        })
        .unwrap();
    let mut bytes = datagram.bytes.clone();
    bytes[12..16].copy_from_slice(&ours.value().to_be_bytes());
    bytes
}

/// libsrt's listener refuses a group that asks for anything which libsrt's callers do not.
#[test]
fn our_legs_ask_for_what_libsrts_ask_for() {
    let captures = [
        ("group-broadcast", GroupKind::Broadcast),
        ("group-backup", GroupKind::Backup),
    ];
    for (name, kind) in captures {
        let session = Session::read(name);
        let legs = callers(&session);
        let asked = |leg: &SocketAddr| {
            let (_, _, handshake) = session
                .handshakes()
                .find(|(datagram, _, handshake)| {
                    datagram.from == *leg && handshake.request == RequestType::Conclusion
                })
                .unwrap();
            group_of(&handshake)
        };
        let asked: Vec<GroupExtension> = legs.iter().map(asked).collect();
        let mut endpoint = call(&session, kind, &asked);
        let inductions = handshakes(&mut endpoint);
        for (induction, leg) in inductions.iter().zip(&legs) {
            let answer = induction_answer(&session, *leg, handshake_of(induction).socket);
            let listener = session.datagrams[0].to;
            endpoint.handle_datagram(NOW, listener, None, &answer);
        }
        let conclusions = handshakes(&mut endpoint);
        assert_eq!(conclusions.len(), asked.len(), "{name}");
        let first = group_of(&handshake_of(&conclusions[0])).group;
        assert_eq!(first & GroupExtension::ID_BIT, GroupExtension::ID_BIT);
        for (ours, theirs) in conclusions.iter().zip(asked) {
            let group = first;
            let ours = group_of(&handshake_of(ours));
            assert_eq!(ours, GroupExtension { group, ..theirs }, "{name}");
        }
    }
}
