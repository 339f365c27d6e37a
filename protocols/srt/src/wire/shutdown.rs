use super::WireError;
use super::body::{ControlBody, PADDING_BYTES};
use super::header::ControlHeader;

/// The peer closed the connection; nothing more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shutdown;

impl<'a> ControlBody<'a> for Shutdown {
    const KIND: u16 = 5;

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
