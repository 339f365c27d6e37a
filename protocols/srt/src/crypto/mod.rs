//! Encryption: keys from a passphrase, payloads in AES counter or Galois/counter mode, change of
//! keys.
//!
//! [`KeyMaterial::open`] and [`SessionKeys::generate`] are slow on purpose and belong to
//! a key pool; everything in [`ConnectionCrypto`] is fast and belongs to the media path.

mod announcer;
mod connection_crypto;
mod counter_cipher;
mod counters;
mod crypto_error;
mod galois_cipher;
mod key_encryption_key;
mod key_error;
mod key_material;
mod payload_cipher;
mod receive_keys;
mod refresh;
mod send_keys;
mod session_keys;
mod stream_key;
mod suite;
#[cfg(test)]
mod tests;

pub use connection_crypto::ConnectionCrypto;
pub use counters::CryptoCounters;
pub use crypto_error::CryptoError;
pub use key_error::KeyError;
pub use key_material::KeyMaterial;
pub use refresh::KeyRefresh;
pub use send_keys::KeyGeneration;
pub use session_keys::SessionKeys;
use suite::Suite;
