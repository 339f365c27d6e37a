use super::WireError;
use super::word::{WORD_BYTES, put_words, word};

/// The body of a group block: the connection is one leg of a bonding group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupExtension {
    /// The group's ID; bit 30 is set.
    pub group: u32,
    /// Broadcast 1, backup 2.
    pub kind: u8,
    /// Bit 0: the legs use the same message numbers, which they do anyway: libsrt refuses it.
    pub flags: u8,
    /// The leg's weight (backup) or unused.
    pub weight: u16,
}

impl GroupExtension {
    /// Set in the ID of every group, so that none is taken for a socket's.
    pub const ID_BIT: u32 = 1 << 30;
    /// Every leg carries every packet.
    pub const BROADCAST: u8 = 1;
    /// One leg carries the packets, the others wait.
    pub const BACKUP: u8 = 2;

    /// Bytes of the block's body.
    pub const BYTES: usize = 2 * WORD_BYTES;

    /// Reads a block's body.
    ///
    /// # Errors
    /// If it is too short.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        WireError::need("group extension", body, Self::BYTES)?;
        let [kind, flags, weight_high, weight_low] = word(body, 1).to_be_bytes();
        Ok(Self {
            group: word(body, 0),
            kind,
            flags,
            weight: u16::from_be_bytes([weight_high, weight_low]),
        })
    }

    /// The block's body.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let [high, low] = self.weight.to_be_bytes();
        let mut bytes = [0; Self::BYTES];
        put_words(
            &mut bytes,
            &[
                self.group,
                u32::from_be_bytes([self.kind, self.flags, high, low]),
            ],
        );
        bytes
    }
}
