//! What was sent comes out: in the clear, encrypted, with keys changing, after losses.

use tidegate_srt::crypto::ConnectionCrypto;
use tidegate_srt::wire::{
    CipherMode, Control, ControlPacket, DataKey, ExtensionCommand, Packet, RequestType,
};
use tidegate_srt::{KeyError, KeyMaterial, KeyRefresh, SessionKeys};

use crate::pcap;
use crate::session::{PASSPHRASE, Session};

/// The key material of the initiator's handshake.
fn key_material(session: &Session) -> KeyMaterial {
    let block = session
        .handshakes()
        .filter(|(_, _, handshake)| handshake.request == RequestType::Conclusion)
        .flat_map(|(_, _, handshake)| handshake.extensions.iter())
        .map(Result::unwrap)
        .find(|block| block.command == ExtensionCommand::KEY_MATERIAL_REQUEST)
        .expect("the capture is encrypted");
    KeyMaterial::parse(block.body).unwrap()
}

pub(crate) fn opened(session: &Session) -> SessionKeys {
    key_material(session).open(PASSPHRASE).unwrap()
}

#[test]
fn clear_sessions_carry_the_payload() {
    for name in [
        "plain-streamid",
        "rendezvous",
        "fec-row",
        "fec-staircase",
        "fec-even",
    ] {
        let sent: Vec<u8> = Session::read(name)
            .media()
            .into_values()
            .flat_map(|(_, payload)| payload)
            .collect();
        assert!(sent == pcap::payload(), "{name}");
    }
}

#[test]
fn encrypted_sessions_decrypt_to_the_payload() {
    let sessions = [
        "ctr128",
        "ctr192",
        "ctr256",
        "ipv6-ctr128",
        "caller-1.5.1",
        "listener-1.5.1",
        "rendezvous-ctr128",
        "fec-ctr128",
        "gcm128",
        "gcm256",
    ];
    for name in sessions {
        let session = Session::read(name);
        let mut crypto = ConnectionCrypto::new(opened(&session), KeyRefresh::DEFAULT);
        let mut sent = Vec::new();
        for (header, secret) in session.media().into_values() {
            let mut plain = vec![0; secret.len() - crypto.mode().tag_bytes()];
            assert_eq!(header.key, DataKey::Even);
            crypto.open(&header, &secret, &mut plain).unwrap();
            sent.extend(plain);
        }
        assert!(sent == pcap::payload(), "{name}");
    }
}

#[test]
fn our_encryption_makes_libsrts_ciphertext() {
    for name in ["ctr128", "ctr192", "ctr256", "gcm128", "gcm256"] {
        let session = Session::read(name);
        let mut crypto = ConnectionCrypto::new(opened(&session), KeyRefresh::DEFAULT);
        let payload = pcap::payload();
        for ((sequence, (header, expected)), plain) in
            session.media().into_iter().zip(payload.chunks(1316))
        {
            let generation = crypto.next_key().unwrap();
            let mut secret = vec![0; plain.len() + crypto.mode().tag_bytes()];
            crypto
                .seal(generation, &header, plain, &mut secret)
                .unwrap();
            assert_eq!(generation.data_key(), header.key);
            assert!(secret == expected, "{name}, sequence {sequence}");
        }
    }
}

/// The listener's side of a key change: the announcement is answered as libsrt answers
/// it, and packets before and after the change decrypt.
#[test]
fn a_key_refresh_is_followed() {
    for name in ["ctr128-key-refresh", "gcm128-key-refresh"] {
        follow_refresh(name);
    }
}

fn follow_refresh(name: &str) {
    let session = Session::read(name);
    let mut crypto = ConnectionCrypto::new(opened(&session), KeyRefresh::DEFAULT);
    let (mut sent, mut keys_used, mut answer) = (Vec::new(), Vec::new(), None);
    for (_, packet) in session.packets() {
        match packet {
            Packet::Data { header, payload } => {
                let mut plain = vec![0; payload.len() - crypto.mode().tag_bytes()];
                crypto.open(&header, payload, &mut plain).unwrap();
                sent.extend(plain);
                keys_used.push(header.key);
            }
            Packet::Control(ControlPacket {
                control: Control::Extension(extension),
                ..
            }) => {
                if extension.command == ExtensionCommand::KEY_MATERIAL_REQUEST {
                    answer = crypto.handle_request(extension.body).map(<[u8]>::to_vec);
                } else {
                    assert_eq!(extension.command, ExtensionCommand::KEY_MATERIAL_RESPONSE);
                    assert_eq!(answer.as_deref(), Some(extension.body));
                }
            }
            Packet::Control(_) => {}
        }
    }
    assert!(sent == pcap::payload());
    assert_eq!(crypto.counters().keys_received, 1);
    keys_used.dedup();
    assert_eq!(keys_used, [DataKey::Even, DataKey::Odd]);
}

#[test]
fn a_lossy_session_is_complete_and_its_retransmissions_repeat_the_original() {
    let session = Session::read("loss-nak-retransmit");
    let media = session.media();
    let sent: Vec<u8> = media
        .values()
        .flat_map(|(_, payload)| payload.clone())
        .collect();
    assert!(sent == pcap::payload().repeat(5));
    let mut retransmitted = 0;
    for (_, packet) in session.packets() {
        let Packet::Data { header, payload } = packet else {
            continue;
        };
        let (original, bytes) = &media[&header.sequence.value()];
        assert_eq!(payload, bytes);
        assert_eq!(header.timestamp, original.timestamp);
        assert_eq!(header.message, original.message);
        retransmitted += usize::from(header.retransmitted);
    }
    assert!(retransmitted > 0);
}

#[test]
fn another_passphrase_does_not_open_the_keys() {
    let material = key_material(&Session::read("ctr256"));
    assert_eq!(
        material.open(b"wrong-horse-battery").unwrap_err(),
        KeyError::WrongPassphrase
    );
}

#[test]
fn galois_mode_is_recognised_and_not_mistaken_for_counter_mode() {
    for name in ["gcm128", "gcm256", "gcm128-key-refresh"] {
        let session = Session::read(name);
        assert_eq!(key_material(&session).cipher(), CipherMode::Gcm, "{name}");
        assert_eq!(opened(&session).cipher(), CipherMode::Gcm, "{name}");
    }
}
