use rand_core::RngCore;
use tidegate_units::{Duration, Instant};

use super::announcer::Announcer;
use super::key_encryption_key::KeyEncryptionKey;
use super::receive_keys::ReceiveKeys;
use super::refresh::KeyRefresh;
use super::send_keys::{KeyGeneration, SendKeys};
use super::session_keys::{SessionKeys, wrapped_message};
use super::stream_key::{SlotPair, StreamKey};
use super::{CryptoCounters, CryptoError, KeyError};
use crate::wire::{
    CipherMode, DataKey, KeyLength, KeyMaterialMessage, KeyMaterialResponse, KeyState, SALT_BYTES,
    SequenceNumber,
};

/// Encryption of one connection: both directions, and the change of their keys.
///
/// Both directions start with the caller's key. Each side later changes the key of what
/// it sends, announces the change with a key material message and waits for its echo.
#[derive(Debug)]
pub struct ConnectionCrypto {
    kek: KeyEncryptionKey,
    salt: [u8; SALT_BYTES],
    send: SendKeys,
    receive: ReceiveKeys,
    announcer: Announcer,
    /// The peer's latest key material message, and the one before.
    answered: Vec<u8>,
    superseded: Vec<u8>,
    send_state: KeyState,
    shared_key_user: Option<Direction>,
    yields: bool,
    counters: CryptoCounters,
}

/// Payload in both directions under the one key they share would use its key stream
/// twice, because both count from the same sequence number. Who comes first has it; when
/// the first payloads of both cross on the way, the side that accepted the call stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Send,
    Receive,
}

impl ConnectionCrypto {
    /// Encryption with the keys both sides agreed on in the handshake.
    #[must_use]
    pub fn new(keys: SessionKeys, refresh: KeyRefresh) -> Self {
        let answered = keys.message().to_vec();
        Self {
            send: SendKeys::new(keys.slots.clone(), refresh),
            receive: ReceiveKeys::new(keys.slots),
            kek: keys.kek,
            salt: keys.salt,
            announcer: Announcer::default(),
            answered,
            superseded: Vec::new(),
            send_state: KeyState::Secured,
            shared_key_user: None,
            yields: false,
            counters: CryptoCounters::default(),
        }
    }

    /// The same, for the side that accepted the call: it gives way when both began to send
    /// before either had heard from the other.
    #[must_use]
    pub const fn yielding(mut self) -> Self {
        self.yields = true;
        self
    }

    /// The key for one more new packet: call it once per packet, not for retransmissions.
    ///
    /// # Errors
    /// If the peer has already sent payload with the key both directions share.
    pub fn next_key(&mut self) -> Result<KeyGeneration, CryptoError> {
        if self.send.is_initial() {
            self.claim_shared_key(Direction::Send)?;
        }
        Ok(self.send.take())
    }

    /// Encrypts `plain` into `out`, which is as long. A retransmission comes out the same.
    ///
    /// # Errors
    /// If the key of that generation has been replaced since.
    pub fn seal(
        &self,
        generation: KeyGeneration,
        sequence: SequenceNumber,
        plain: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.send.seal(generation, sequence, plain, out)
    }

    /// Decrypts `secret` into `out`, which is as long.
    ///
    /// # Errors
    /// If the packet is in the clear, names a key that was not announced, or uses the key
    /// this side already sends with.
    pub fn open(
        &mut self,
        key: DataKey,
        sequence: SequenceNumber,
        secret: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        if !self.receive.is_initial(key) {
            return self.receive.open(key, sequence, secret, out);
        }
        if self.yields && self.send.is_initial() {
            self.shared_key_user = Some(Direction::Receive);
        }
        self.claim_shared_key(Direction::Receive)?;
        self.receive.open(key, sequence, secret, out)
    }

    /// Takes a key material request; what it returns is the body of the response. `None`:
    /// it was ignored and counted.
    pub fn handle_request(&mut self, body: &[u8]) -> Option<&[u8]> {
        if body == self.superseded {
            // A late duplicate: taking it would put an old key in the place of the next.
            // Older messages than this one do not contain the key in use.
            self.counters.stale_requests += 1;
            return None;
        }
        if body != self.answered {
            self.take_announced(body).ok()?;
            self.superseded = core::mem::replace(&mut self.answered, body.to_vec());
            self.counters.keys_received += 1;
        }
        Some(&self.answered)
    }

    /// Takes a key material response.
    pub fn handle_response(&mut self, body: &[u8]) {
        if !self.announcer.is_pending() {
            self.counters.unexpected_responses += 1;
            return;
        }
        match KeyMaterialResponse::parse(body) {
            Ok(KeyMaterialResponse::Taken(echo)) if self.announcer.is_echo(echo) => {
                self.announcer.stop();
                self.send.confirm();
                self.send_state = KeyState::Secured;
            }
            // The announced key stays unused; the one in use goes on working.
            Ok(KeyMaterialResponse::Refused(state)) => {
                self.counters.refused_announcements += 1;
                self.send_state = state;
            }
            Ok(KeyMaterialResponse::Taken(_)) | Err(_) => self.counters.unexpected_responses += 1,
        }
    }

    /// The key material request that is to be sent now, if any.
    pub fn announcement(
        &mut self,
        now: Instant,
        rtt: Duration,
        random: &mut impl RngCore,
    ) -> Option<&[u8]> {
        if self.send.next_key_is_due() {
            self.make_next_key(now, random).ok()?;
        }
        self.announcer.poll(now, rtt)
    }

    /// When [`Self::announcement`] has something to send.
    #[must_use]
    pub fn next_announcement(&self) -> Option<Instant> {
        if self.send.next_key_is_due() {
            Some(Instant::ZERO)
        } else {
            self.announcer.due()
        }
    }

    /// Where the sending direction stands.
    #[must_use]
    pub const fn send_state(&self) -> KeyState {
        self.send_state
    }

    /// Where the receiving direction stands.
    #[must_use]
    pub const fn receive_state(&self) -> KeyState {
        KeyState::Secured
    }

    /// The key length.
    #[must_use]
    pub const fn key_length(&self) -> KeyLength {
        self.kek.length()
    }

    /// What was odd about the peer's key exchange.
    #[must_use]
    pub const fn counters(&self) -> &CryptoCounters {
        &self.counters
    }

    fn claim_shared_key(&mut self, direction: Direction) -> Result<(), CryptoError> {
        if *self.shared_key_user.get_or_insert(direction) == direction {
            Ok(())
        } else {
            Err(CryptoError::TwoWay)
        }
    }

    fn make_next_key(&mut self, now: Instant, random: &mut impl RngCore) -> Result<(), KeyError> {
        let key = StreamKey::random(self.kek.length(), &self.salt, random)?;
        self.send.announce(key);
        let message = wrapped_message(&self.kek, &self.salt, self.send.slots())?;
        self.announcer.start(now, message);
        self.counters.keys_announced += 1;
        Ok(())
    }

    /// Unwrapping costs microseconds because the derived key is kept; a message with
    /// another salt would need the passphrase again and is not honoured.
    fn take_announced(&mut self, body: &[u8]) -> Result<(), ()> {
        let Ok(message) = KeyMaterialMessage::parse(body) else {
            self.counters.bad_requests += 1;
            return Err(());
        };
        if message.salt() != self.salt {
            self.counters.foreign_salts += 1;
            return Err(());
        }
        self.unwrap_and_install(&message)
            .map_err(|_| self.counters.bad_requests += 1)
    }

    fn unwrap_and_install(&mut self, message: &KeyMaterialMessage<'_>) -> Result<(), KeyError> {
        let length = self.kek.length();
        if message.cipher() != CipherMode::Ctr || message.key_length() != length {
            return Err(KeyError::CipherMode);
        }
        let keys = self.kek.unwrap(message.wrapped())?;
        let announced = SlotPair::split(&*keys, message.keys(), length, &self.salt)?;
        self.receive
            .install(&announced)
            .map_err(|_| KeyError::Internal)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::crypto::KeyMaterial;

    const RTT: Duration = Duration::from_millis(20);

    fn random() -> ChaCha20Rng {
        ChaCha20Rng::from_seed([7; 32])
    }

    /// A caller and the listener that opened its keys, changing keys every 64 packets.
    fn pair() -> (ConnectionCrypto, ConnectionCrypto) {
        let passphrase = b"correct-horse-battery";
        let keys = SessionKeys::generate(passphrase, KeyLength::Aes192, &mut random()).unwrap();
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

    fn carry(
        from: &mut ConnectionCrypto,
        to: &mut ConnectionCrypto,
        number: u32,
    ) -> Result<DataKey, CryptoError> {
        let sequence = SequenceNumber::new(number);
        let (plain, mut secret, mut back) = ([number as u8; 188], [0; 188], [0; 188]);
        let generation = from.next_key()?;
        from.seal(generation, sequence, &plain, &mut secret)?;
        to.open(generation.data_key(), sequence, &secret, &mut back)?;
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
            .seal(old, SequenceNumber::new(0), &[1; 188], &mut before)
            .unwrap();
        for number in 1..70 {
            carry(&mut caller, &mut listener, number).unwrap();
            if let Some(request) = caller.announcement(Instant::ZERO, RTT, &mut random()) {
                let response = listener.handle_request(request).unwrap().to_vec();
                caller.handle_response(&response);
            }
        }
        caller
            .seal(old, SequenceNumber::new(0), &[1; 188], &mut after)
            .unwrap();
        assert_eq!(before, after);
    }

    #[test]
    fn a_packet_in_the_clear_is_refused() {
        let (mut caller, _) = pair();
        let clear = caller.open(DataKey::Clear, SequenceNumber::new(0), &[0; 4], &mut [0; 4]);
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
        let forged = StreamKey::random(KeyLength::Aes192, &caller.salt, &mut random()).unwrap();
        slots.put(crate::crypto::stream_key::Slot::Even, forged);
        let message = wrapped_message(&caller.kek, &caller.salt, &slots).unwrap();
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
}
