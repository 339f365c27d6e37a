//! Our handshakes in libsrt's place: the same to the byte.

use tidegate_srt::handshake::{
    Call, CallStep, CallerHandshake, ConclusionRequest, OurSide, RequestedEncryption,
    induction_reply,
};
use tidegate_srt::wire::{Handshake, RequestType, SequenceNumber, SrtVersion};
use tidegate_srt::{AccessMode, FilterConfig, SessionKeys, StreamId};
use tidegate_units::{Duration, Instant};

use crate::session::{PASSPHRASE, Session};

/// Caller–listener sessions between two libsrt 1.5.5 that use what is supported.
const SESSIONS: &[&str] = &[
    "plain-streamid",
    "ctr128",
    "ctr192",
    "ctr256",
    "ctr128-key-refresh",
    "gcm128",
    "gcm256",
    "gcm128-key-refresh",
    "ipv6-ctr128",
    "loss-nak-retransmit",
    "fec-row",
    "fec-staircase",
    "fec-even",
    "fec-ctr128",
];

/// Sessions in which libsrt calls as a bonding group of two legs.
const GROUPS: &[&str] = &["group-broadcast", "group-backup"];

/// What libsrt's caller asked for; its listener wanted `fec` and no more.
pub(crate) fn packet_filter(name: &str) -> Option<FilterConfig> {
    let text = match name {
        "fec-row" => "fec,cols:5",
        "fec-staircase" => "fec,cols:5,rows:5,layout:staircase,arq:onreq",
        "fec-even" => "fec,cols:5,rows:5,layout:even,arq:never",
        "fec-ctr128" => "fec,cols:5,rows:5",
        _ => return None,
    };
    Some(text.parse().unwrap())
}

fn is_induction(request: RequestType) -> bool {
    request == RequestType::Induction
}

fn is_conclusion(request: RequestType) -> bool {
    request == RequestType::Conclusion
}

/// The settings libsrt's program had, whose `latency` is both directions'.
fn side(handshake: &Handshake<'_>, name: &str) -> OurSide {
    let latency = Duration::from_millis(match name {
        "loss-nak-retransmit" | "group-broadcast" | "group-backup" => 300,
        _ => 120,
    });
    OurSide {
        group: None,
        socket: handshake.socket,
        segment_bytes: 1500,
        flow_window_packets: 8192,
        latency,
        peer_latency: latency,
        max_latency: Duration::from_secs(8),
        too_late_drop: true,
        nak_report: true,
        packet_filter: packet_filter(name),
    }
}

fn request(conclusion: &Handshake<'_>) -> ConclusionRequest {
    ConclusionRequest::read(conclusion, SrtVersion::HANDSHAKE_5).unwrap()
}

fn keys(request: &ConclusionRequest) -> Option<SessionKeys> {
    match &request.encryption {
        RequestedEncryption::None => None,
        RequestedEncryption::KeyMaterial(material) => Some(material.open(PASSPHRASE).unwrap()),
    }
}

#[test]
fn our_induction_reply_is_libsrts() {
    for name in SESSIONS {
        let session = Session::read(name);
        let (_, _, asked) = session.handshake(true, is_induction);
        let (datagram, packet, reply) = session.handshake(false, is_induction);
        let ours = induction_reply(&asked, packet.timestamp, reply.cookie, None);
        assert_eq!(ours.to_vec(), datagram.bytes, "{name}");
    }
}

#[test]
fn our_response_is_libsrts() {
    for name in SESSIONS {
        let session = Session::read(name);
        let (asking, _, conclusion) = session.handshake(true, is_conclusion);
        let (datagram, packet, answer) = session.handshake(false, is_conclusion);
        let request = request(&conclusion);
        let (ours, negotiated) = request.accept(
            packet.timestamp,
            asking.from,
            &side(&answer, name),
            keys(&request).as_ref(),
        );
        assert_eq!(ours, datagram.bytes, "{name}");
        assert_eq!(negotiated.peer_version, SrtVersion::OURS);
    }
}

#[test]
fn our_call_is_libsrts_and_takes_its_answer() {
    for name in SESSIONS.iter().chain(GROUPS) {
        let session = Session::read(name);
        let (induction, sent, asked) = session.handshake(true, is_induction);
        let (conclusion, concluded, captured) = session.handshake(true, is_conclusion);
        let (_, _, reply) = session.handshake(false, is_induction);
        let (_, _, answer) = session.handshake(false, is_conclusion);
        let request = request(&captured);
        let now = Instant::from_millis(1);
        let call = Call {
            remote: induction.to,
            ours: side(&asked, name),
            initial_sequence: asked.initial_sequence,
            stream_id: request.stream_id.clone(),
            keys: keys(&request),
            group: request.group,
            timeout: Duration::from_secs(3),
        };
        let mut caller = CallerHandshake::new(now, call);
        assert_eq!(
            caller.poll_transmit(now, sent.timestamp),
            Some(induction.bytes.clone())
        );
        assert!(
            matches!(caller.handle(now, &reply), CallStep::Waiting),
            "{name}"
        );
        let ours = caller.poll_transmit(now, concluded.timestamp).unwrap();
        assert_eq!(ours, conclusion.bytes, "{name}");
        let CallStep::Connected(negotiated) = caller.handle(now, &answer) else {
            panic!("{name}: not connected");
        };
        assert_eq!(negotiated.peer_socket, answer.socket);
        assert_eq!(
            (negotiated.send_sequence, negotiated.receive_sequence),
            (asked.initial_sequence, asked.initial_sequence)
        );
    }
}

#[test]
fn the_first_packet_has_the_agreed_sequence_number() {
    for name in SESSIONS {
        let session = Session::read(name);
        let (_, _, conclusion) = session.handshake(true, is_conclusion);
        let first = session.media().into_keys().next().unwrap();
        assert_eq!(
            SequenceNumber::new(first),
            conclusion.initial_sequence,
            "{name}"
        );
    }
}

#[test]
fn callers_and_listeners_of_1_5_1_are_understood() {
    let session = Session::read("caller-1.5.1");
    let (_, _, conclusion) = session.handshake(true, is_conclusion);
    assert_eq!(request(&conclusion).hs.version, SrtVersion::new(1, 5, 1));
    let session = Session::read("listener-1.5.1");
    let (_, _, conclusion) = session.handshake(true, is_conclusion);
    assert_eq!(request(&conclusion).hs.version, SrtVersion::new(1, 5, 5));
}

#[test]
fn the_stream_id_is_read() {
    let session = Session::read("plain-streamid");
    let (_, _, conclusion) = session.handshake(true, is_conclusion);
    let id = request(&conclusion).stream_id;
    assert_eq!(id, StreamId::from("#!::r=live/cam1,m=publish,u=alice"));
    assert!(id.is_for("live/cam1"));
    assert_eq!(id.access().unwrap().mode(), Some(AccessMode::Publish));
}
