use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tidegate_units::{Duration, Instant};

use super::connection_crypto::ConnectionCrypto;
use super::session_keys::wrapped_message;
use super::stream_key::{Slot, SlotPair, StreamKey};
use super::{CryptoError, KeyMaterial, KeyRefresh, SessionKeys, Suite};
use crate::wire::{
    CipherMode, DataHeader, DataKey, KeyLength, KeyState, MessageNumber, SequenceNumber, SocketId,
    Timestamp,
};

const RTT: Duration = Duration::from_millis(20);

fn random() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

/// A caller and the listener that opened its keys, changing keys every 64 packets.
fn pair() -> (ConnectionCrypto, ConnectionCrypto) {
    pair_with(CipherMode::Ctr)
}

fn pair_with(mode: CipherMode) -> (ConnectionCrypto, ConnectionCrypto) {
    let passphrase = b"correct-horse-battery";
    let keys = SessionKeys::generate(passphrase, KeyLength::Aes192, mode, &mut random()).unwrap();
    let opened = KeyMaterial::parse(keys.message())
        .unwrap()
        .open(passphrase)
        .unwrap();
    let refresh = KeyRefresh::new(64, 16);
    (
        ConnectionCrypto::new(keys, refresh),
        ConnectionCrypto::new(opened, refresh),
    )
}

fn header(key: DataKey, number: u32) -> DataHeader {
    let live = DataHeader::live(
        SequenceNumber::new(number),
        MessageNumber::new(number + 1),
        Timestamp::new(number),
        SocketId::new(1),
    );
    DataHeader { key, ..live }
}

fn carry(
    from: &mut ConnectionCrypto,
    to: &mut ConnectionCrypto,
    number: u32,
) -> Result<DataKey, CryptoError> {
    let (plain, mut back) = ([number as u8; 188], [0; 188]);
    let mut secret = vec![0; 188 + from.mode().tag_bytes()];
    let generation = from.next_key()?;
    let header = header(generation.data_key(), number);
    from.seal(generation, &header, &plain, &mut secret)?;
    to.open(&header, &secret, &mut back)?;
    assert_eq!(back, plain);
    Ok(generation.data_key())
}

#[test]
fn keys_change_every_64_packets_once_the_peer_has_confirmed() {
    let (mut caller, mut listener) = pair();
    let (mut used, mut random) = (Vec::new(), random());
    for number in 0..200 {
        used.push(carry(&mut caller, &mut listener, number).unwrap());
        let now = Instant::from_millis(u64::from(number));
        if let Some(request) = caller.announcement(now, RTT, &mut random) {
            let response = listener.handle_request(request).unwrap().to_vec();
            caller.handle_response(&response);
        }
    }
    assert_eq!(used[63], DataKey::Even);
    assert_eq!(used[64], DataKey::Odd);
    assert_eq!(used[128], DataKey::Even);
    assert_eq!(listener.counters().keys_received, 3);
    assert_eq!(caller.next_announcement(), None);
}

#[test]
fn without_confirmation_the_old_key_stays_in_use() {
    let (mut caller, mut listener) = pair();
    for number in 0..200 {
        assert_eq!(carry(&mut caller, &mut listener, number), Ok(DataKey::Even));
        let _lost = caller.announcement(Instant::ZERO, RTT, &mut random());
    }
    assert!(caller.next_announcement().is_some(), "it goes on asking");
}

#[test]
fn a_lost_announcement_is_repeated_after_one_and_a_half_round_trips() {
    let (mut caller, mut listener) = pair();
    for number in 0..48 {
        carry(&mut caller, &mut listener, number).unwrap();
    }
    let start = Instant::from_millis(1000);
    let first = caller
        .announcement(start, RTT, &mut random())
        .unwrap()
        .to_vec();
    assert_eq!(caller.announcement(start, RTT, &mut random()), None);
    let later = start + RTT * 3 / 2;
    assert_eq!(caller.next_announcement(), Some(later));
    assert_eq!(
        caller.announcement(later, RTT, &mut random()),
        Some(&*first)
    );
}

#[test]
fn a_packet_sent_before_the_change_is_retransmitted_with_its_old_key() {
    let (mut caller, mut listener) = pair();
    let old = caller.next_key().unwrap();
    let (mut before, mut after) = ([0; 188], [0; 188]);
    caller
        .seal(old, &header(DataKey::Even, 0), &[1; 188], &mut before)
        .unwrap();
    for number in 1..70 {
        carry(&mut caller, &mut listener, number).unwrap();
        if let Some(request) = caller.announcement(Instant::ZERO, RTT, &mut random()) {
            let response = listener.handle_request(request).unwrap().to_vec();
            caller.handle_response(&response);
        }
    }
    caller
        .seal(old, &header(DataKey::Even, 0), &[1; 188], &mut after)
        .unwrap();
    assert_eq!(before, after);
}

#[test]
fn a_packet_in_the_clear_is_refused() {
    let (mut caller, _) = pair();
    let clear = caller.open(&header(DataKey::Clear, 0), &[0; 4], &mut [0; 4]);
    assert_eq!(clear, Err(CryptoError::ClearOnEncrypted));
}

#[test]
fn payload_in_both_directions_under_the_shared_key_is_refused() {
    let (mut caller, mut listener) = pair();
    carry(&mut caller, &mut listener, 0).unwrap();
    assert_eq!(listener.next_key().unwrap_err(), CryptoError::TwoWay);
}

#[test]
fn the_accepting_side_gives_way_when_first_payloads_cross() {
    let (mut caller, listener) = pair();
    let mut listener = listener.yielding();
    listener.next_key().unwrap();
    carry(&mut caller, &mut listener, 0).unwrap();
    assert_eq!(listener.next_key().unwrap_err(), CryptoError::TwoWay);
    assert!(caller.next_key().is_ok());
}

#[test]
fn a_refresh_with_another_salt_is_ignored_and_counted() {
    let (_, mut listener) = pair();
    let mut other_random = ChaCha20Rng::from_seed([8; 32]);
    let other = SessionKeys::generate(
        b"correct-horse-battery",
        KeyLength::Aes192,
        CipherMode::Ctr,
        &mut other_random,
    );
    assert_eq!(listener.handle_request(other.unwrap().message()), None);
    assert_eq!(listener.counters().foreign_salts, 1);
    assert_eq!(listener.handle_request(b"garbage"), None);
    assert_eq!(listener.counters().bad_requests, 1);
}

#[test]
fn a_late_duplicate_of_an_earlier_request_does_not_bring_old_keys_back() {
    let (mut caller, mut listener) = pair();
    let (mut random, mut requests) = (random(), Vec::new());
    for number in 0..300 {
        carry(&mut caller, &mut listener, number).unwrap();
        if let Some(request) = caller.announcement(Instant::ZERO, RTT, &mut random) {
            requests.push(request.to_vec());
            let response = listener
                .handle_request(&requests[requests.len() - 1])
                .unwrap();
            caller.handle_response(response);
        }
        for old in requests.iter().rev().skip(1) {
            assert_eq!(listener.handle_request(old), None);
        }
    }
    assert!(requests.len() > 3);
    assert_eq!(listener.counters().keys_received, requests.len() as u64);
}

#[test]
fn a_repeated_request_is_answered_again() {
    let (caller, mut listener) = pair();
    let request = caller.answered;
    assert_eq!(listener.handle_request(&request), Some(&*request));
    assert_eq!(listener.counters().keys_received, 0);
}

#[test]
fn a_response_nobody_asked_for_changes_nothing() {
    let (mut caller, _) = pair();
    caller.handle_response(&KeyState::BadSecret.to_wire());
    assert_eq!(caller.send_state(), KeyState::Secured);
    assert_eq!(caller.counters().unexpected_responses, 1);
}

#[test]
fn a_key_in_use_cannot_be_exchanged_under_its_packets() {
    let (mut caller, mut listener) = pair();
    carry(&mut caller, &mut listener, 0).unwrap();
    let mut slots = SlotPair::default();
    let suite = Suite {
        mode: CipherMode::Ctr,
        length: KeyLength::Aes192,
    };
    let forged = StreamKey::random(suite, &caller.salt, &mut random()).unwrap();
    slots.put(Slot::Even, forged);
    let message = wrapped_message(&caller.kek, CipherMode::Ctr, &caller.salt, &slots).unwrap();
    assert_eq!(listener.handle_request(&message), None);
    assert_eq!(listener.counters().bad_requests, 1);
    carry(&mut caller, &mut listener, 1).unwrap();
}

#[test]
fn nothing_secret_is_printed() {
    let (caller, _) = pair();
    let printed = format!("{caller:?}");
    assert!(printed.contains("KeyEncryptionKey(…)") && printed.contains("StreamKey(…)"));
}

/// Carries announcement and answer.
fn exchange_keys(from: &mut ConnectionCrypto, to: &mut ConnectionCrypto, now: Instant) {
    if let Some(request) = from.announcement(now, RTT, &mut random()) {
        let response = to.handle_request(request).unwrap().to_vec();
        from.handle_response(&response);
    }
}

#[test]
fn in_galois_mode_keys_change_as_in_counter_mode() {
    let (mut caller, mut listener) = pair_with(CipherMode::Gcm);
    let mut used = Vec::new();
    for number in 0..200 {
        used.push(carry(&mut caller, &mut listener, number).unwrap());
        exchange_keys(&mut caller, &mut listener, Instant::from_millis(1));
    }
    used.dedup();
    assert_eq!(
        used,
        [DataKey::Even, DataKey::Odd, DataKey::Even, DataKey::Odd]
    );
}

/// A nonce used twice gives away the authentication key: unlike in counter mode, not even
/// the first packets of two sides that begin at once may share the key.
#[test]
fn in_galois_mode_the_accepting_side_sends_only_with_a_confirmed_key_of_its_own() {
    let (mut caller, listener) = pair_with(CipherMode::Gcm);
    let mut listener = listener.yielding();
    let first = listener.next_key().unwrap();
    assert_eq!(first.data_key(), DataKey::Odd);
    assert_eq!(listener.next_announcement(), Some(Instant::ZERO));
    let lost = listener.announcement(Instant::ZERO, RTT, &mut random());
    assert!(lost.is_some() && listener.waits_for_key());
    exchange_keys(&mut listener, &mut caller, Instant::from_millis(100));
    assert!(!listener.waits_for_key());
    for number in 1..300 {
        let key = carry(&mut listener, &mut caller, number).unwrap();
        assert_eq!(key == DataKey::Odd, number / 64 % 2 == 0, "{number}");
        carry(&mut caller, &mut listener, number).unwrap();
        exchange_keys(&mut listener, &mut caller, Instant::ZERO);
    }
}

#[test]
fn a_forged_packet_does_not_take_the_shared_key_away_in_galois_mode() {
    let (mut caller, _) = pair_with(CipherMode::Gcm);
    let forged = caller.open(&header(DataKey::Even, 0), &[7; 204], &mut [0; 188]);
    assert_eq!(forged, Err(CryptoError::NotAuthentic));
    assert!(caller.next_key().is_ok());
}

#[test]
fn each_direction_says_where_its_keys_stand() {
    let (mut caller, mut listener) = pair_with(CipherMode::Gcm);
    listener = listener.yielding();
    assert_eq!(listener.send_state(), KeyState::Secured);
    listener.next_key().unwrap();
    assert_eq!(listener.send_state(), KeyState::Securing);
    exchange_keys(&mut listener, &mut caller, Instant::ZERO);
    assert_eq!(listener.send_state(), KeyState::Secured);
    let mut forged = caller.answered.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(caller.handle_request(&forged), None);
    assert_eq!(caller.receive_state(), KeyState::BadSecret);
    carry(&mut listener, &mut caller, 1).unwrap();
    assert_eq!(caller.receive_state(), KeyState::Secured);
}

#[test]
fn a_refresh_with_another_cipher_mode_is_ignored_and_counted() {
    let (caller, mut listener) = pair_with(CipherMode::Gcm);
    let mut message = caller.answered;
    (message[8], message[9]) = (2, 0);
    assert_eq!(listener.handle_request(&message), None);
    assert_eq!(listener.counters().bad_requests, 1);
}
