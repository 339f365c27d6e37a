use super::WireError;
use super::body::{ControlBody, PADDING_BYTES};
use super::header::ControlHeader;

/// The peer's application failed. Only file transfers send it (4000: file system).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerError {
    /// What failed.
    pub code: u32,
}

impl<'a> ControlBody<'a> for PeerError {
    const KIND: u16 = 8;

    fn parse(header: &ControlHeader, _padding: &'a [u8]) -> Result<Self, WireError> {
        Ok(Self {
            code: header.specific,
        })
    }

    fn specific(&self) -> u32 {
        self.code
    }

    fn body_bytes(&self) -> usize {
        PADDING_BYTES
    }

    fn emit_body(&self, out: &mut [u8]) {
        out.fill(0);
    }
}
