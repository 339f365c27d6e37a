//! Why a connection was refused: the true reason, and what of it goes on the wire.

use core::fmt;

use crate::wire::RejectCode;

/// The true reason of a refusal, for the operator's journal.
///
/// A stranger learns less: see [`RejectReason::stranger_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectReason {
    /// The key material does not open with the configured passphrase.
    WrongPassphrase,
    /// The stream asks for encryption, the caller came without.
    EncryptionRequired,
    /// The caller encrypts, the stream has no passphrase.
    EncryptionUnexpected,
    /// No source or output has this stream ID.
    UnknownStream,
    /// The stream ID is not readable.
    BadStreamId,
    /// The credential is not allowed to do this.
    Forbidden,
    /// The caller's address is not among those that are allowed.
    AddressNotAllowed,
    /// The caller wants something other than a stream.
    UnsupportedType,
    /// Whoever was to decide about the caller did not answer.
    Undecided,
    /// Another publisher is live on the source.
    AlreadyPublishing,
    /// Publishing to an output, or reading from a source.
    WrongMode,
    /// A limit on connections, readers or memory is reached.
    Overloaded,
    /// Too many handshakes are pending.
    Backlog,
    /// The handshake contradicts itself or the protocol.
    Rogue,
    /// The peer's SRT version is too old.
    Version,
    /// The peer wants a byte stream, live mode is messages.
    MessageApi,
    /// The peer wants another congestion controller than live.
    Congestion,
    /// The packet filters do not fit together.
    Filter,
    /// Bonding groups are not accepted here.
    Group,
    /// The cipher modes differ.
    CryptoMode,
    /// The peer's AES-GCM is that of SRT before 1.5.4, which repeats nonces.
    OldGaloisMode,
    /// The rendezvous cookies are equal.
    RendezvousCookie,
    /// Nobody answered in time.
    Timeout,
    /// The listener is closing.
    Closing,
    /// Something on this side failed.
    Internal,
    /// The peer refused a call of ours with this code.
    Peer(RejectCode),
}

/// The code every refusal for reasons of access has for strangers: `FORBIDDEN`.
const STRANGER: RejectCode = RejectCode::new(1403);

impl RejectReason {
    /// The code that says the true reason on the wire.
    #[must_use]
    pub const fn code(self) -> RejectCode {
        RejectCode::new(match self {
            Self::Peer(code) => return code,
            Self::Internal => 6,
            Self::Closing => 7,
            Self::Version => 8,
            Self::RendezvousCookie => 9,
            Self::WrongPassphrase => 10,
            Self::EncryptionRequired | Self::EncryptionUnexpected => 11,
            Self::MessageApi => 12,
            Self::Congestion => 13,
            Self::Filter => 14,
            Self::Group => 15,
            Self::Timeout => 16,
            Self::CryptoMode | Self::OldGaloisMode => 17,
            Self::Rogue => 4,
            Self::Backlog => 5,
            Self::BadStreamId => 1400,
            Self::Overloaded => 1402,
            Self::Forbidden | Self::AddressNotAllowed => 1403,
            Self::UnsupportedType => 1501,
            Self::Undecided => 1502,
            Self::UnknownStream => 1404,
            Self::WrongMode => 1405,
            Self::AlreadyPublishing => 1409,
        })
    }

    /// The code for the wire: the true one where the listener gives details, otherwise
    /// one and the same for everything that would tell which streams and secrets exist.
    #[must_use]
    pub const fn stranger_code(self, detail: bool) -> RejectCode {
        if detail || !self.is_about_access() {
            self.code()
        } else {
            STRANGER
        }
    }

    /// Whether the reason says something about streams, secrets or permissions here.
    #[must_use]
    pub const fn is_about_access(self) -> bool {
        matches!(
            self,
            Self::WrongPassphrase
                | Self::EncryptionRequired
                | Self::EncryptionUnexpected
                | Self::UnknownStream
                | Self::BadStreamId
                | Self::Forbidden
                | Self::AddressNotAllowed
                | Self::UnsupportedType
                | Self::Undecided
                | Self::AlreadyPublishing
                | Self::WrongMode
        )
    }

    /// The reason's name in the journal and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongPassphrase => "wrong_passphrase",
            Self::EncryptionRequired => "encryption_required",
            Self::EncryptionUnexpected => "encryption_unexpected",
            Self::UnknownStream => "unknown_stream",
            Self::BadStreamId => "bad_stream_id",
            Self::Forbidden => "forbidden",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::UnsupportedType => "unsupported_type",
            Self::Undecided => "webhook_failed",
            Self::AlreadyPublishing => "already_publishing",
            Self::WrongMode => "wrong_mode",
            Self::Overloaded => "overloaded",
            Self::Backlog => "backlog",
            Self::Rogue => "rogue_handshake",
            Self::Version => "version_too_old",
            Self::MessageApi => "stream_mode",
            Self::Congestion => "congestion_control",
            Self::Filter => "packet_filter",
            Self::Group => "bonding_group",
            Self::CryptoMode => "cipher_mode",
            Self::OldGaloisMode => "old_aes_gcm",
            Self::RendezvousCookie => "rendezvous_cookie",
            Self::Timeout => "timeout",
            Self::Closing => "closing",
            Self::Internal => "internal_error",
            Self::Peer(_) => "refused_by_peer",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::WrongPassphrase => "the caller's passphrase is not the configured one",
            Self::EncryptionRequired => "the stream requires encryption and the caller sent none",
            Self::EncryptionUnexpected => "the caller encrypts and the stream has no passphrase",
            Self::UnknownStream => "no source or output has the caller's stream ID",
            Self::BadStreamId => "the caller's stream ID is not readable",
            Self::Forbidden => "the caller's credential does not allow this",
            Self::AddressNotAllowed => "the caller's address is not allowed here",
            Self::UnsupportedType => "the caller wants something other than a live stream",
            Self::Undecided => "whoever was to decide about the caller did not answer",
            Self::AlreadyPublishing => "another publisher is live on this source",
            Self::WrongMode => "the caller publishes to an output or reads from a source",
            Self::Overloaded => "a configured limit is reached",
            Self::Backlog => "too many handshakes are pending",
            Self::Rogue => "the caller's handshake contradicts the protocol",
            Self::Version => "the caller's SRT version is too old",
            Self::MessageApi => "the caller wants a byte stream instead of live messages",
            Self::Congestion => "the caller wants a congestion control other than live",
            Self::Filter => "the packet filters of the two sides do not fit together",
            Self::Group => "the caller's connection belongs to a bonding group",
            Self::CryptoMode => "the cipher modes of the two sides differ",
            Self::OldGaloisMode => {
                "AES-GCM as SRT before 1.5.4 does it repeats nonces: update SRT at the peer, \
                 or use AES-CTR there"
            }
            Self::RendezvousCookie => "both rendezvous cookies are equal",
            Self::Timeout => "the peer did not answer in time",
            Self::Closing => "the listener is closing",
            Self::Internal => "an internal failure",
            Self::Peer(code) => return write!(f, "the peer refused the call: {code}"),
        };
        f.write_str(sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_cannot_tell_a_wrong_stream_from_a_wrong_secret() {
        let access = [
            RejectReason::UnknownStream,
            RejectReason::WrongPassphrase,
            RejectReason::EncryptionRequired,
            RejectReason::AlreadyPublishing,
            RejectReason::AddressNotAllowed,
            RejectReason::UnsupportedType,
            RejectReason::Undecided,
        ];
        for reason in access {
            assert_eq!(reason.stranger_code(false), STRANGER);
            assert_eq!(reason.stranger_code(true), reason.code());
        }
    }

    #[test]
    fn reasons_that_tell_nothing_about_streams_are_always_told() {
        assert_eq!(
            RejectReason::Filter.stranger_code(false),
            RejectCode::new(14)
        );
        assert_eq!(
            RejectReason::CryptoMode.stranger_code(false),
            RejectCode::new(17)
        );
    }
}
