//! Sixteen bytes before each payload, as many as SRT's header has.

/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 16;
/// Bytes of an answer, as many as a full SRT acknowledgement has.
pub(crate) const ANSWER_BYTES: usize = HEADER_BYTES + 28;

/// What a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Media, with a payload behind the header.
    Data,
    /// A publisher asks whether the relay is there, and how many of its packets have come.
    Publish,
    /// A reader wants every packet.
    Read,
    /// The relay knows the publisher or reader; the number says how many packets have come.
    Welcome,
    /// What came has come.
    Answer,
}

const KINDS: [Kind; 5] = [
    Kind::Data,
    Kind::Publish,
    Kind::Read,
    Kind::Welcome,
    Kind::Answer,
];

/// ```text
/// | kind, 4 bytes | member, 4 bytes | packet number, 8 bytes |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// The publisher's or reader's number.
    pub(crate) member: u32,
    pub(crate) number: u64,
}

impl Header {
    pub(crate) fn bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&(self.kind as u32).to_be_bytes());
        bytes[4..8].copy_from_slice(&self.member.to_be_bytes());
        bytes[8..].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    /// An answer that says `number` packets have come.
    pub(crate) fn answer(self) -> [u8; ANSWER_BYTES] {
        let mut bytes = [0; ANSWER_BYTES];
        bytes[..HEADER_BYTES].copy_from_slice(&self.bytes());
        bytes
    }

    /// The header of a datagram, if it has one.
    pub(crate) fn of(datagram: &[u8]) -> Option<Self> {
        let (bytes, _) = datagram.split_first_chunk::<HEADER_BYTES>()?;
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Some(Self {
            kind: *KINDS.get(usize::try_from(word(0)).ok()?)?,
            member: word(4),
            number: u64::from(word(8)) << 32 | u64::from(word(12)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        for kind in KINDS {
            let header = Header {
                kind,
                member: 70_000,
                number: u64::MAX - 1,
            };
            assert_eq!(Header::of(&header.bytes()), Some(header));
        }
    }

    #[test]
    fn what_is_too_short_or_of_no_known_kind_has_no_header() {
        assert_eq!(Header::of(&[0; HEADER_BYTES - 1]), None);
        assert_eq!(Header::of(&[9; HEADER_BYTES]), None);
    }
}
