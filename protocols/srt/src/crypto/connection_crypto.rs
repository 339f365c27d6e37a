use rand_core::RngCore;
use tidegate_units::{Duration, Instant};

use super::announcer::Announcer;
use super::key_encryption_key::KeyEncryptionKey;
use super::receive_keys::ReceiveKeys;
use super::refresh::KeyRefresh;
use super::send_keys::{KeyGeneration, SendKeys};
use super::session_keys::{SessionKeys, wrapped_message};
use super::stream_key::{SlotPair, StreamKey};
use super::{CryptoCounters, CryptoError, KeyError, Suite};
use crate::wire::{
    CipherMode, DataHeader, KeyLength, KeyMaterialMessage, KeyMaterialResponse, KeyState,
    SALT_BYTES,
};

/// Encryption of one connection: both directions, and the change of their keys.
///
/// Both directions start with the caller's key. Each side later changes the key of what
/// it sends, announces the change with a key material message and waits for its echo.
#[derive(Debug)]
pub struct ConnectionCrypto {
    pub(super) kek: KeyEncryptionKey,
    mode: CipherMode,
    pub(super) salt: [u8; SALT_BYTES],
    send: SendKeys,
    receive: ReceiveKeys,
    announcer: Announcer,
    /// The peer's latest key material message, and the one before.
    pub(super) answered: Vec<u8>,
    superseded: Vec<u8>,
    send_state: KeyState,
    receive_state: KeyState,
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
            mode: keys.mode,
            salt: keys.salt,
            announcer: Announcer::default(),
            answered,
            superseded: Vec::new(),
            send_state: KeyState::Secured,
            receive_state: KeyState::Secured,
            shared_key_user: None,
            yields: false,
            counters: CryptoCounters::default(),
        }
    }

    /// The same, for the side that accepted the call. In counter mode it gives way when both
    /// began to send before either had heard from the other. Galois mode must not use a nonce
    /// twice even then, so there it sends with a key of its own, after that was confirmed.
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
        if self.yields && self.mode == CipherMode::Gcm && self.send.is_initial() {
            self.send.leave_initial();
        }
        if self.send.is_initial()
            && *self.shared_key_user.get_or_insert(Direction::Send) != Direction::Send
        {
            return Err(CryptoError::TwoWay);
        }
        Ok(self.send.take())
    }

    /// Encrypts the payload of the packet with this header into `out`, which is longer by the
    /// cipher's tag. A retransmission comes out the same.
    ///
    /// # Errors
    /// If the key of that generation has been replaced since.
    pub fn seal(
        &self,
        generation: KeyGeneration,
        header: &DataHeader,
        plain: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.send.seal(generation, header, plain, out)
    }

    /// Decrypts the payload of the packet with this header into `out`, which is shorter by
    /// the cipher's tag.
    ///
    /// # Errors
    /// If the packet is in the clear, names a key that was not announced, was changed on the
    /// way as far as the cipher can tell, or uses the key this side already sends with.
    pub fn open(
        &mut self,
        header: &DataHeader,
        secret: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        if !self.receive.is_initial(header.key) {
            self.receive.open(header, secret, out)?;
            self.receive_state = KeyState::Secured;
            return Ok(());
        }
        let gives_way = self.yields && self.send.is_initial();
        if self.shared_key_user == Some(Direction::Send) && !gives_way {
            return Err(CryptoError::TwoWay);
        }
        // Only what the cipher accepts may take the key away from this side's sending.
        self.receive.open(header, secret, out)?;
        self.shared_key_user = Some(Direction::Receive);
        self.receive_state = KeyState::Secured;
        Ok(())
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

    /// Whether nothing can be sealed before the peer has confirmed this side's first key.
    #[must_use]
    pub const fn waits_for_key(&self) -> bool {
        self.send.waits()
    }

    /// Where the sending direction stands.
    #[must_use]
    pub const fn send_state(&self) -> KeyState {
        if self.send.waits() {
            return KeyState::Securing;
        }
        self.send_state
    }

    /// Where the receiving direction stands. A refresh that cannot be taken shows until
    /// packets open with the keys that are there.
    #[must_use]
    pub const fn receive_state(&self) -> KeyState {
        self.receive_state
    }

    /// The key length.
    #[must_use]
    pub const fn key_length(&self) -> KeyLength {
        self.kek.length()
    }

    /// The cipher mode.
    #[must_use]
    pub const fn mode(&self) -> CipherMode {
        self.mode
    }

    /// Whether what opens is what the peer sealed, and nobody else.
    #[must_use]
    pub const fn is_proof(&self) -> bool {
        matches!(self.mode, CipherMode::Gcm)
    }

    /// What was odd about the peer's key exchange.
    #[must_use]
    pub const fn counters(&self) -> &CryptoCounters {
        &self.counters
    }

    const fn suite(&self) -> Suite {
        Suite {
            mode: self.mode,
            length: self.kek.length(),
        }
    }

    fn make_next_key(&mut self, now: Instant, random: &mut impl RngCore) -> Result<(), KeyError> {
        let key = StreamKey::random(self.suite(), &self.salt, random)?;
        self.send.announce(key);
        let message = wrapped_message(&self.kek, self.mode, &self.salt, self.send.slots())?;
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
        let taken = self.unwrap_and_install(&message);
        self.receive_state = match taken {
            Ok(()) => KeyState::Secured,
            Err(KeyError::CipherMode) => KeyState::BadCryptoMode,
            Err(KeyError::WrongPassphrase) => KeyState::BadSecret,
            Err(_) => self.receive_state,
        };
        taken.map_err(|_| self.counters.bad_requests += 1)
    }

    fn unwrap_and_install(&mut self, message: &KeyMaterialMessage<'_>) -> Result<(), KeyError> {
        let suite = self.suite();
        if (message.cipher(), message.key_length()) != (suite.mode, suite.length) {
            return Err(KeyError::CipherMode);
        }
        let keys = self.kek.unwrap(message.wrapped())?;
        let announced = SlotPair::split(&*keys, message.keys(), suite, &self.salt)?;
        self.receive
            .install(&announced)
            .map_err(|_| KeyError::Internal)
    }
}
