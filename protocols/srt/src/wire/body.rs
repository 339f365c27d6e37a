use super::WireError;
use super::header::ControlHeader;

/// What every control packet type says about itself; the header around it is common.
pub(crate) trait ControlBody<'a>: Sized {
    /// The type in the header's first word.
    const KIND: u16;

    /// Reads what follows the header.
    fn parse(header: &ControlHeader, body: &'a [u8]) -> Result<Self, WireError>;

    /// The low half of the header's first word.
    fn subtype(&self) -> u16 {
        0
    }

    /// The header's type-specific word.
    fn specific(&self) -> u32 {
        0
    }

    /// Bytes after the header.
    fn body_bytes(&self) -> usize;

    /// Writes them; `out` is exactly that long.
    fn emit_body(&self, out: &mut [u8]);
}

/// Packets with nothing to say are sent with four bytes of padding, as libsrt does; with
/// or without it they are accepted.
pub(crate) const PADDING_BYTES: usize = 4;
