//! Refused handshakes: the codes libsrt sends, and what ours would say to such callers.

use tidegate_srt::RejectReason;
use tidegate_srt::handshake::ConclusionRequest;
use tidegate_srt::wire::{GroupExtension, RejectCode, RequestType, SrtVersion};

use crate::session::Session;

#[test]
fn refusals_carry_libsrts_codes() {
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
        let is_refusal = |request| matches!(request, RequestType::Rejected(_));
        let (_, _, refusal) = session.handshake(false, is_refusal);
        assert_eq!(
            refusal.request,
            RequestType::Rejected(reason.code()),
            "{name}"
        );
    }
}

/// Ours differs from libsrt's in one thing: it has no socket to name, as it keeps no
/// state for a refused caller.
#[test]
fn our_refusal_is_libsrts_without_a_socket_of_its_own() {
    let session = Session::read("reject-wrong-passphrase");
    let is_refusal = |request| matches!(request, RequestType::Rejected(_));
    let (datagram, packet, theirs) = session.handshake(false, is_refusal);
    let (_, _, conclusion) = session.handshake(true, |request| request == RequestType::Conclusion);
    let code = RejectCode::new(10);
    let mut ours = tidegate_srt::handshake::refusal(&conclusion, packet.timestamp, code);
    let socket_field = 16 + 24..16 + 28;
    assert_eq!(
        ours[socket_field.clone()],
        conclusion.socket.value().to_be_bytes()
    );
    ours[socket_field].copy_from_slice(&theirs.socket.value().to_be_bytes());
    assert_eq!(ours, datagram.bytes);
}

/// libsrt's listener wanted another number of columns than its caller.
#[test]
fn a_filter_that_does_not_fit_ours_is_a_conflict() {
    let session = Session::read("reject-fec-conflict");
    let (_, _, conclusion) = session.handshake(true, |request| request == RequestType::Conclusion);
    let request = ConclusionRequest::read(&conclusion, SrtVersion::HANDSHAKE_5).unwrap();
    let agreed = |ours: &str| request.agreed_filter(Some(ours.parse().unwrap()));
    let conflict = agreed("fec,cols:10").unwrap_err().to_string();
    assert!(
        conflict.contains("cols: 10 here, 5 at the peer"),
        "{conflict}"
    );
    assert_eq!(agreed("fec").unwrap().unwrap().columns, 5);
    assert_eq!(request.agreed_filter(None).unwrap().unwrap().columns, 5);
}

#[test]
fn groups_are_recognised_by_their_kind_and_number() {
    let cases = [
        ("group-broadcast", GroupExtension::BROADCAST, 0x43f0_6817),
        ("group-backup", GroupExtension::BACKUP, 0x5af1_8335),
    ];
    for (name, kind, number) in cases {
        let session = Session::read(name);
        let (_, _, conclusion) =
            session.handshake(true, |request| request == RequestType::Conclusion);
        let read = ConclusionRequest::read(&conclusion, SrtVersion::HANDSHAKE_5).unwrap();
        let group = read.group.unwrap();
        assert_eq!((group.kind, group.group), (kind, number), "{name}");
    }
}
