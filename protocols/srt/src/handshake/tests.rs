use core::net::SocketAddr;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tidegate_units::{Duration, Instant};

use super::*;
use crate::RejectReason;
use crate::crypto::SessionKeys;
use crate::wire::{
    CipherMode, Control, ControlPacket, ExtensionCommand, ExtensionWriter, Handshake, HsExtension,
    HsFlags, KeyLength, KeyMaterialResponse, KeyState, Packet, RejectCode, RequestType,
    SequenceNumber, SocketId, SrtVersion, Timestamp, WireText,
};

const PASSPHRASE: &[u8] = b"correct-horse-battery";
const NOW: Instant = Instant::from_millis(5000);
const STAMP: Timestamp = Timestamp::new(77);

fn side(socket: u32, latency_millis: u64) -> OurSide {
    OurSide {
        group: None,
        socket: SocketId::new(socket),
        segment_bytes: 1500,
        flow_window_packets: 8192,
        latency: Duration::from_millis(latency_millis),
        peer_latency: Duration::ZERO,
        max_latency: Duration::from_secs(8),
        too_late_drop: true,
        nak_report: true,
        packet_filter: None,
    }
}

fn remote() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 9], 9000))
}

fn caller_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4000))
}

fn keys() -> SessionKeys {
    let mut random = ChaCha20Rng::from_seed([3; 32]);
    SessionKeys::generate(PASSPHRASE, KeyLength::Aes256, CipherMode::Ctr, &mut random).unwrap()
}

fn call(keys: Option<SessionKeys>) -> CallerHandshake {
    let call = Call {
        remote: remote(),
        ours: side(0x1111, 200),
        initial_sequence: SequenceNumber::new(1000),
        stream_id: StreamId::from("#!::r=cam1,m=publish"),
        keys,
        group: None,
        timeout: Duration::from_secs(3),
    };
    CallerHandshake::new(NOW, call)
}

fn handshake(datagram: &[u8]) -> Handshake<'_> {
    match Packet::parse(datagram).unwrap() {
        Packet::Control(ControlPacket {
            control: Control::Handshake(handshake),
            ..
        }) => handshake,
        other => panic!("not a handshake: {other:?}"),
    }
}

/// The caller's conclusion, after the listener gave it a cookie.
fn conclusion_of(caller: &mut CallerHandshake) -> Vec<u8> {
    let induction = caller.poll_transmit(NOW, STAMP).unwrap();
    let reply = induction_reply(&handshake(&induction), STAMP, 4711, None).to_vec();
    assert!(
        reply.len() <= induction.len(),
        "a stranger gets no more than he sent"
    );
    assert!(matches!(
        caller.handle(NOW, &handshake(&reply)),
        CallStep::Waiting
    ));
    caller.poll_transmit(NOW, STAMP).unwrap()
}

fn read(datagram: &[u8]) -> Result<ConclusionRequest, RejectReason> {
    ConclusionRequest::read(&handshake(datagram), SrtVersion::HANDSHAKE_5)
}

type Build<'a> = &'a dyn Fn(&mut ExtensionWriter);

/// A conclusion with extension blocks of the test's choice.
fn conclusion_with(build: impl FnOnce(&mut ExtensionWriter)) -> Vec<u8> {
    let plain = conclusion_of(&mut call(None));
    let mut extensions = ExtensionWriter::new();
    build(&mut extensions);
    let changed = Handshake {
        extensions: extensions.blocks(),
        ..handshake(&plain)
    };
    ControlPacket::new(STAMP, SocketId::LISTENER, changed).to_vec()
}

fn hs_request() -> [u8; HsExtension::BYTES] {
    hs_request_from(SrtVersion::OURS, HsFlags::LIVE)
}

fn hs_request_from(version: SrtVersion, flags: HsFlags) -> [u8; HsExtension::BYTES] {
    HsExtension {
        version,
        flags,
        receive_latency_millis: 120,
        send_latency_millis: 120,
    }
    .to_bytes()
}

#[test]
fn caller_and_listener_agree() {
    let mut caller = call(Some(keys()));
    let conclusion = conclusion_of(&mut caller);
    let request = read(&conclusion).unwrap();
    assert!(request.stream_id.is_for("cam1"));
    let RequestedEncryption::KeyMaterial(key_material) = &request.encryption else {
        panic!("the caller encrypts");
    };
    let opened = key_material.open(PASSPHRASE).unwrap();
    let (response, theirs) =
        request.accept(STAMP, caller_address(), &side(0x2222, 500), Some(&opened));
    let CallStep::Connected(ours) = caller.handle(NOW, &handshake(&response)) else {
        panic!("the caller is connected");
    };
    assert_eq!(ours.peer_socket, SocketId::new(0x2222));
    assert_eq!(theirs.peer_socket, SocketId::new(0x1111));
    assert_eq!(ours.receive_latency, Duration::from_millis(200));
    assert_eq!(theirs.receive_latency, Duration::from_millis(500));
    assert_eq!(
        (ours.send_latency, theirs.send_latency),
        (theirs.receive_latency, ours.receive_latency)
    );
    assert_eq!(
        (ours.send_sequence, ours.receive_sequence),
        (theirs.receive_sequence, theirs.send_sequence)
    );
    assert_eq!(ours.encryption, theirs.encryption);
}

#[test]
fn an_unanswered_handshake_is_sent_again_every_250_ms_for_3_s() {
    let mut caller = call(None);
    let mut sent = 0;
    while caller.handle_timeout(caller.next_timeout()).is_none() {
        let now = caller.next_timeout();
        sent += usize::from(caller.poll_transmit(now, STAMP).is_some());
        assert_eq!(caller.poll_transmit(now, STAMP), None);
    }
    assert_eq!(sent, 12);
    let end = NOW + Duration::from_secs(3);
    assert_eq!(caller.next_timeout(), end);
    assert_eq!(caller.handle_timeout(end), Some(RejectReason::Timeout));
}

#[test]
fn a_refusal_ends_the_call_with_its_code() {
    let mut caller = call(None);
    let conclusion = conclusion_of(&mut caller);
    let code = RejectReason::WrongPassphrase.code();
    let refusal = read(&conclusion).unwrap().refuse(STAMP, code);
    let step = caller.handle(NOW, &handshake(&refusal));
    assert!(matches!(step, CallStep::Failed(RejectReason::Peer(seen)) if seen == code));
}

#[test]
fn a_listener_that_does_not_echo_the_sequence_number_is_rogue() {
    let mut caller = call(None);
    let conclusion = conclusion_of(&mut caller);
    let request = read(&conclusion).unwrap();
    let (response, _) = request.accept(STAMP, caller_address(), &side(0x2222, 120), None);
    let changed = Handshake {
        initial_sequence: SequenceNumber::new(1),
        ..handshake(&response)
    };
    let step = caller.handle(NOW, &changed);
    assert!(matches!(step, CallStep::Failed(RejectReason::Rogue)));
}

#[test]
fn a_listener_without_srt_5_is_too_old() {
    let mut caller = call(None);
    let induction = caller.poll_transmit(NOW, STAMP).unwrap();
    let step = caller.handle(NOW, &handshake(&induction));
    assert!(matches!(step, CallStep::Failed(RejectReason::Version)));
}

#[test]
fn an_encrypting_caller_connects_only_where_its_keys_were_taken() {
    let answers = [
        (None, RejectReason::EncryptionUnexpected),
        (Some(KeyState::NoSecret), RejectReason::EncryptionUnexpected),
        (Some(KeyState::BadSecret), RejectReason::WrongPassphrase),
        (Some(KeyState::BadCryptoMode), RejectReason::CryptoMode),
    ];
    for (state, expected) in answers {
        let mut caller = call(Some(keys()));
        let _conclusion = conclusion_of(&mut caller);
        let mut extensions = ExtensionWriter::new();
        extensions.push(ExtensionCommand::HANDSHAKE_RESPONSE, &hs_request());
        if let Some(state) = state {
            KeyMaterialResponse::Refused(state).with_bytes(|body| {
                extensions.push(ExtensionCommand::KEY_MATERIAL_RESPONSE, body);
            });
        }
        let plain = read(&conclusion_of(&mut call(None))).unwrap();
        let (response, _) = plain.accept(STAMP, caller_address(), &side(0x2222, 120), None);
        let answer = Handshake {
            extensions: extensions.blocks(),
            ..handshake(&response)
        };
        let step = caller.handle(NOW, &answer);
        assert!(
            matches!(step, CallStep::Failed(reason) if reason == expected),
            "{state:?}"
        );
    }
}

#[test]
fn a_plain_caller_does_not_connect_to_a_listener_that_speaks_of_keys() {
    let mut caller = call(None);
    let conclusion = conclusion_of(&mut caller);
    let request = read(&conclusion).unwrap();
    let (response, _) = request.accept(STAMP, caller_address(), &side(0x2222, 120), Some(&keys()));
    let step = caller.handle(NOW, &handshake(&response));
    assert!(matches!(
        step,
        CallStep::Failed(RejectReason::EncryptionRequired)
    ));
}

fn call_with_filter(text: &str) -> CallerHandshake {
    let plain = call(None).call().clone();
    let ours = OurSide {
        packet_filter: Some(text.parse().unwrap()),
        ..plain.ours
    };
    CallerHandshake::new(NOW, Call { ours, ..plain })
}

#[test]
fn a_filter_of_the_callers_is_answered_and_both_have_the_same() {
    let mut caller = call_with_filter("fec,cols:5,arq:never");
    let request = read(&conclusion_of(&mut caller)).unwrap();
    let (response, theirs) = request.accept(STAMP, caller_address(), &side(0x2222, 120), None);
    let CallStep::Connected(negotiated) = caller.handle(NOW, &handshake(&response)) else {
        panic!("not connected");
    };
    let agreed = negotiated.packet_filter.unwrap().to_string();
    assert_eq!(agreed, "fec,arq:never,cols:5,layout:staircase,rows:1");
    assert_eq!(theirs.packet_filter, negotiated.packet_filter);
}

#[test]
fn a_caller_with_a_filter_does_not_connect_to_a_listener_that_does_not_answer_to_it() {
    let mut caller = call_with_filter("fec,cols:5");
    let conclusion = conclusion_of(&mut caller);
    let mut request = read(&conclusion).unwrap();
    // As a listener from before there were filters.
    request.packet_filter = None;
    let (response, _) = request.accept(STAMP, caller_address(), &side(0x2222, 120), None);
    let step = caller.handle(NOW, &handshake(&response));
    assert!(matches!(step, CallStep::Failed(RejectReason::Filter)));
}

#[test]
fn a_caller_without_a_filter_is_not_told_of_the_listeners() {
    let mut caller = call(None);
    let request = read(&conclusion_of(&mut caller)).unwrap();
    let ours = OurSide {
        packet_filter: Some("fec,cols:5".parse().unwrap()),
        ..side(0x2222, 120)
    };
    let (response, negotiated) = request.accept(STAMP, caller_address(), &ours, None);
    assert_eq!(negotiated.packet_filter, None);
    let CallStep::Connected(negotiated) = caller.handle(NOW, &handshake(&response)) else {
        panic!("not connected");
    };
    assert_eq!(negotiated.packet_filter, None);
}

#[test]
fn what_live_mode_cannot_do_is_refused_with_its_reason() {
    let request = ExtensionCommand::HANDSHAKE_REQUEST;
    let cases: [(RejectReason, Build<'_>); 6] = [
        (RejectReason::Filter, &|blocks| {
            let filter = WireText::encode(b"xor,cols:5");
            blocks
                .push(request, &hs_request())
                .push(ExtensionCommand::FILTER, &filter);
        }),
        (RejectReason::Group, &|blocks| {
            blocks
                .push(request, &hs_request())
                .push(ExtensionCommand::GROUP, &[0x40; 8]);
        }),
        (RejectReason::Congestion, &|blocks| {
            let file = WireText::encode(b"file");
            blocks
                .push(request, &hs_request())
                .push(ExtensionCommand::CONGESTION, &file);
        }),
        (RejectReason::MessageApi, &|blocks| {
            let stream = HsFlags::LIVE.with(HsFlags::STREAM, true);
            blocks.push(request, &hs_request_from(SrtVersion::OURS, stream));
        }),
        (RejectReason::Rogue, &|blocks| {
            blocks.push(
                request,
                &hs_request_from(SrtVersion(0x0001_0200), HsFlags::LIVE),
            );
        }),
        (RejectReason::Rogue, &|_| {}),
    ];
    for (expected, build) in cases {
        assert_eq!(read(&conclusion_with(build)).unwrap_err(), expected);
    }
}

#[test]
fn a_peer_below_the_least_version_is_refused() {
    let datagram = conclusion_with(|blocks| {
        let old = hs_request_from(SrtVersion::HANDSHAKE_5, HsFlags::LIVE);
        blocks.push(ExtensionCommand::HANDSHAKE_REQUEST, &old);
    });
    let refused = ConclusionRequest::read(&handshake(&datagram), SrtVersion::OURS);
    assert_eq!(refused.unwrap_err(), RejectReason::Version);
}

#[test]
fn extensions_come_in_any_order_and_unknown_ones_are_skipped() {
    let datagram = conclusion_with(|blocks| {
        blocks
            .push(ExtensionCommand(4242), b"from the future")
            .push(ExtensionCommand::STREAM_ID, &WireText::encode(b"cam1"))
            .push(ExtensionCommand::CONGESTION, &WireText::encode(b"live"))
            .push(ExtensionCommand::HANDSHAKE_REQUEST, &hs_request());
    });
    assert!(read(&datagram).unwrap().stream_id.is_for("cam1"));
}

#[test]
fn repeated_extensions_are_refused() {
    let twice = |command, body: &[u8]| {
        read(&conclusion_with(|blocks| {
            let request = hs_request();
            blocks.push(ExtensionCommand::HANDSHAKE_REQUEST, &request);
            blocks.push(command, body).push(command, body);
        }))
        .unwrap_err()
    };
    let live = WireText::encode(b"live");
    assert_eq!(
        twice(ExtensionCommand::CONGESTION, &live),
        RejectReason::Rogue
    );
    let filter = WireText::encode(b"fec,cols:5");
    assert_eq!(
        twice(ExtensionCommand::FILTER, &filter),
        RejectReason::Filter
    );
    assert_eq!(
        twice(ExtensionCommand::STREAM_ID, &live),
        RejectReason::Rogue
    );
}

#[test]
fn a_caller_of_version_4_is_told_by_a_shutdown() {
    let datagram = conclusion_of(&mut call(None));
    let old = Handshake {
        version: 4,
        ..handshake(&datagram)
    };
    assert_eq!(
        ConclusionRequest::read(&old, SrtVersion::HANDSHAKE_5).unwrap_err(),
        RejectReason::Version
    );
    let told = refusal(&old, STAMP, RejectCode::new(8));
    let Ok(Packet::Control(packet)) = Packet::parse(&told) else {
        panic!("a control packet")
    };
    assert!(matches!(packet.control, Control::Shutdown(_)));
    assert_eq!(packet.destination, SocketId::new(0x1111));
}

#[test]
fn a_refusal_is_no_longer_than_the_shortest_conclusion() {
    let datagram = conclusion_of(&mut call(None));
    let told = refusal(&handshake(&datagram), STAMP, RejectCode::new(10));
    assert_eq!(told.len(), 64);
    assert_eq!(
        handshake(&told).request,
        RequestType::Rejected(RejectCode::new(10))
    );
}

#[test]
fn a_repeated_response_differs_in_its_timestamp_alone() {
    let request = read(&conclusion_of(&mut call(None))).unwrap();
    let (mut first, _) = request.accept(STAMP, caller_address(), &side(0x2222, 120), None);
    let (second, _) = request.accept(
        Timestamp::new(0x0102_0304),
        caller_address(),
        &side(0x2222, 120),
        None,
    );
    assert_ne!(first, second);
    restamp(&mut first, Timestamp::new(0x0102_0304));
    assert_eq!(first, second);
}

#[test]
fn key_material_that_is_none_is_rogue_and_the_caller_chooses_the_cipher_mode() {
    let with_key_material = |body: &[u8]| {
        read(&conclusion_with(|blocks| {
            let request = hs_request();
            blocks.push(ExtensionCommand::HANDSHAKE_REQUEST, &request);
            blocks.push(ExtensionCommand::KEY_MATERIAL_REQUEST, body);
        }))
    };
    assert_eq!(
        with_key_material(&[0; 72]).unwrap_err(),
        RejectReason::Rogue
    );
    let mut gcm = keys().message().to_vec();
    (gcm[8], gcm[9]) = (4, 1);
    let RequestedEncryption::KeyMaterial(material) = with_key_material(&gcm).unwrap().encryption
    else {
        panic!("the caller encrypts");
    };
    assert_eq!(material.cipher(), CipherMode::Gcm);
}

/// One side of a rendezvous; of two cookies the greater one is the initiator's.
fn rendezvous(socket: u32, cookie: u32, seed: u8) -> RendezvousHandshake {
    let mut random = ChaCha20Rng::from_seed([seed; 32]);
    let (length, mode) = (KeyLength::Aes128, CipherMode::Ctr);
    let call = Call {
        remote: remote(),
        ours: side(socket, 200),
        initial_sequence: SequenceNumber::new(1000),
        stream_id: StreamId::default(),
        keys: SessionKeys::generate(PASSPHRASE, length, mode, &mut random).ok(),
        group: None,
        timeout: Duration::from_secs(30),
    };
    RendezvousHandshake::new(NOW, call, cookie)
}

/// `initiator` waves, hears `responder`'s wave and asks; what the responder makes of it.
fn ask(
    now: Instant,
    initiator: &mut RendezvousHandshake,
    responder: &mut RendezvousHandshake,
    wave_of_responder: &[u8],
) -> RendezvousStep {
    let wave = initiator.poll_transmit(now, STAMP).unwrap();
    responder.handle(now, STAMP, &handshake(&wave), false);
    initiator.handle(now, STAMP, &handshake(wave_of_responder), false);
    let request = initiator.poll_transmit(now, STAMP).unwrap();
    responder.handle(now, STAMP, &handshake(&request), true)
}

#[test]
fn late_keys_of_a_peer_that_started_anew_are_not_taken_for_the_new_ones() {
    let mut responder = rendezvous(1, 50, 1);
    let wave = responder.poll_transmit(NOW, STAMP).unwrap();
    let mut gone = rendezvous(2, 100, 2);
    let RendezvousStep::KeysWanted(old) = ask(NOW, &mut gone, &mut responder, &wave) else {
        panic!("the responder needs the keys opened");
    };
    let later = NOW + Duration::from_millis(1500);
    let mut anew = rendezvous(3, 101, 3);
    let RendezvousStep::KeysWanted(new) = ask(later, &mut anew, &mut responder, &wave) else {
        panic!("the responder needs the new keys opened");
    };
    responder.take_keys(
        later,
        &old,
        old.open(PASSPHRASE).map_err(|_| unreachable!()),
    );
    let now = later + Duration::from_secs(1);
    assert_eq!(responder.poll_transmit(now, STAMP), None, "no answer yet");
    // Neither does a failure to open the old ones concern the new peer.
    let failed = responder.take_keys(now, &old, Err(RejectReason::WrongPassphrase));
    assert!(matches!(failed, RendezvousStep::Waiting), "{failed:?}");
    responder.take_keys(now, &new, new.open(PASSPHRASE).map_err(|_| unreachable!()));
    let response = responder.poll_transmit(now, STAMP).unwrap();
    let agreed = anew.handle(now, STAMP, &handshake(&response), true);
    assert!(matches!(agreed, RendezvousStep::Connected(_)), "{agreed:?}");
}
