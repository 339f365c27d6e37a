use super::WireError;
use super::word::{WORD_BYTES, halves, join, put_word, word};

/// What an extension block carries (its command).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExtensionCommand(pub u16);

impl ExtensionCommand {
    /// Version, capabilities and latency of the initiator.
    pub const HANDSHAKE_REQUEST: Self = Self(1);
    /// The responder's answer to it.
    pub const HANDSHAKE_RESPONSE: Self = Self(2);
    /// Wrapped keys.
    pub const KEY_MATERIAL_REQUEST: Self = Self(3);
    /// Their echo, or why they were not taken.
    pub const KEY_MATERIAL_RESPONSE: Self = Self(4);
    /// Which stream is meant.
    pub const STREAM_ID: Self = Self(5);
    /// The congestion controller's name.
    pub const CONGESTION: Self = Self(6);
    /// The packet filter's configuration.
    pub const FILTER: Self = Self(7);
    /// Membership in a bonding group.
    pub const GROUP: Self = Self(8);
}

/// One extension block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionBlock<'a> {
    /// What it carries.
    pub command: ExtensionCommand,
    /// Whole words.
    pub body: &'a [u8],
}

/// The extension blocks of a handshake, still in their datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ExtensionBlocks<'a> {
    bytes: &'a [u8],
}

/// More blocks than this in one handshake are not read.
pub const MAX_EXTENSION_BLOCKS: usize = 16;

impl<'a> ExtensionBlocks<'a> {
    /// No blocks.
    pub const NONE: Self = Self { bytes: &[] };

    /// Wraps what follows a handshake's fixed part.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The encoded blocks.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The blocks in the order they came. After a malformed one nothing follows.
    pub fn iter(&self) -> impl Iterator<Item = Result<ExtensionBlock<'a>, WireError>> + use<'a> {
        Blocks { rest: self.bytes }.take(MAX_EXTENSION_BLOCKS)
    }
}

struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<ExtensionBlock<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = core::mem::take(&mut self.rest);
        let (command, words) = halves(word(rest, 0));
        let need = (1 + usize::from(words)) * WORD_BYTES;
        if let Err(error) = WireError::need("handshake extension", rest, need) {
            return Some(Err(error));
        }
        let (block, rest) = rest.split_at(need);
        self.rest = rest;
        let command = ExtensionCommand(command);
        Some(Ok(ExtensionBlock {
            command,
            body: &block[WORD_BYTES..],
        }))
    }
}

/// Builds the extension blocks of a handshake.
#[derive(Clone, Debug, Default)]
pub struct ExtensionWriter {
    bytes: Vec<u8>,
}

impl ExtensionWriter {
    /// No blocks yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends a block; a body that is not whole words is padded with zeros.
    pub fn push(&mut self, command: ExtensionCommand, body: &[u8]) -> &mut Self {
        let words = body.len().div_ceil(WORD_BYTES);
        let start = self.bytes.len();
        self.bytes.resize(start + (1 + words) * WORD_BYTES, 0);
        let block = &mut self.bytes[start..];
        put_word(block, 0, join(command.0, words as u16));
        block[WORD_BYTES..][..body.len()].copy_from_slice(body);
        self
    }

    /// The blocks so far.
    #[must_use]
    pub fn blocks(&self) -> ExtensionBlocks<'_> {
        ExtensionBlocks::new(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_as_they_were_written_padded_to_words() {
        let mut writer = ExtensionWriter::new();
        writer
            .push(ExtensionCommand::STREAM_ID, b"abcde")
            .push(ExtensionCommand(99), &[]);
        let blocks: Vec<_> = writer.blocks().iter().map(Result::unwrap).collect();
        assert_eq!(blocks[0].body, b"abcde\0\0\0");
        assert_eq!(
            blocks[1],
            ExtensionBlock {
                command: ExtensionCommand(99),
                body: &[]
            }
        );
    }

    #[test]
    fn a_block_longer_than_its_datagram_ends_the_walk_with_an_error() {
        let blocks = ExtensionBlocks::new(&[0, 5, 0xFF, 0xFF, 1, 2, 3, 4]);
        let items: Vec<_> = blocks.iter().collect();
        assert_eq!(items.len(), 1);
        assert!(items[0].is_err());
    }

    #[test]
    fn a_handshake_full_of_empty_blocks_is_read_only_so_far() {
        let bytes = [0; 4096];
        assert_eq!(
            ExtensionBlocks::new(&bytes).iter().count(),
            MAX_EXTENSION_BLOCKS
        );
    }
}
