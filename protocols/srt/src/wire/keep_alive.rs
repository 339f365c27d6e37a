use super::WireError;
use super::body::{ControlBody, PADDING_BYTES};
use super::header::ControlHeader;

/// Sent after a second of silence, so that the peer knows this side is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeepAlive;

impl<'a> ControlBody<'a> for KeepAlive {
    const KIND: u16 = 1;

    fn parse(_header: &ControlHeader, _padding: &'a [u8]) -> Result<Self, WireError> {
        Ok(Self)
    }

    fn body_bytes(&self) -> usize {
        PADDING_BYTES
    }

    fn emit_body(&self, out: &mut [u8]) {
        out.fill(0);
    }
}
