use thiserror::Error;

/// Why a payload was not encrypted or decrypted. The packet counts as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// A packet in the clear on an encrypted connection.
    #[error("the peer sent a packet in the clear on an encrypted connection")]
    ClearOnEncrypted,
    /// A packet names a key this side never got.
    #[error("the peer encrypted a packet with a key it did not announce")]
    UnknownKey,
    /// The tag of a packet is not what its key makes of it.
    #[error("the packet was changed on the way, or encrypted with another key")]
    NotAuthentic,
    /// The key a packet was first sent with has been replaced twice since.
    #[error("the key this packet was first sent with is gone")]
    RetiredKey,
    /// Both directions of a connection start with one key: encrypting payload in both
    /// would use the same key stream twice.
    #[error("the peer already sends with the only key of this connection")]
    TwoWay,
    /// A payload too short for its tag, or a destination that does not fit it.
    #[error("the payload is too short for its cipher, or does not fit its destination")]
    Length,
}
