//! A rendezvous that hears handshakes nobody sane would send. Each step takes a byte that says
//! what happens, and a handshake of 48 bytes with up to 255 bytes of extensions behind it.
#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use tidegate_srt::handshake::{
    Call, CookieKey, HandshakeRole, OurSide, RendezvousHandshake, RendezvousStep,
};
use tidegate_srt::wire::{Control, Packet, SequenceNumber, SocketId, Timestamp};
use tidegate_srt::{RejectReason, StreamId};
use tidegate_units::{Duration, Instant};

const HANDSHAKE_BYTES: usize = 48;
const SOCKET: SocketId = SocketId::new(0x0123_4567);
const FIRST: SequenceNumber = SequenceNumber::new(1000);

fn rendezvous() -> RendezvousHandshake {
    let remote = SocketAddr::from(([192, 0, 2, 1], 9000));
    let call = Call {
        remote,
        group: None,
        ours: OurSide {
            socket: SOCKET,
            segment_bytes: 1500,
            flow_window_packets: 8192,
            latency: Duration::from_millis(120),
            peer_latency: Duration::ZERO,
            max_latency: Duration::from_secs(8),
            too_late_drop: true,
            nak_report: true,
            packet_filter: None,
            group: None,
        },
        initial_sequence: FIRST,
        stream_id: StreamId::from("live/fuzz"),
        keys: None,
        timeout: Duration::from_secs(30),
    };
    let cookie = CookieKey::new([7; 16]).bake_for_rendezvous(remote, 1);
    RendezvousHandshake::new(Instant::from_millis(1000), call, cookie)
}

fuzz_target!(|input: &[u8]| {
    let mut rendezvous = rendezvous();
    let mut now = Instant::from_millis(1000);
    let mut rest = input;
    let mut was_addressed = false;
    while let Some((&[what, extra], tail)) = rest.split_first_chunk() {
        now += Duration::from_millis(u64::from(what >> 2));
        let length = (HANDSHAKE_BYTES + usize::from(extra)).min(tail.len());
        let (body, tail) = tail.split_at(length);
        rest = tail;
        if let Some(sent) = rendezvous.poll_transmit(now, Timestamp::new(0)) {
            assert!(Packet::parse(&sent).is_ok());
        }
        let is_addressed = what & 1 == 1;
        let step = if what & 2 == 2 {
            rendezvous.handle_sign_of_life()
        } else {
            let mut datagram = vec![0; 16];
            datagram[0] = 0x80;
            datagram.extend_from_slice(body);
            let Ok(Packet::Control(packet)) = Packet::parse(&datagram) else {
                continue;
            };
            let Control::Handshake(handshake) = packet.control else {
                continue;
            };
            was_addressed |= is_addressed;
            rendezvous.handle(now, Timestamp::new(0), &handshake, is_addressed)
        };
        match step {
            RendezvousStep::Waiting => {}
            RendezvousStep::KeysWanted(_) => unreachable!("this side has no passphrase"),
            RendezvousStep::Failed(reason, _) => {
                assert!(was_addressed || reason == RejectReason::RendezvousCookie);
                return;
            }
            RendezvousStep::Connected(agreed) => {
                assert!(was_addressed, "nobody has shown that it heard us");
                assert_eq!(agreed.negotiated.send_sequence, FIRST);
                let agrees = agreed.agreement.is_some();
                assert_eq!(agrees, agreed.role == HandshakeRole::Initiator);
                return;
            }
        }
    }
});
