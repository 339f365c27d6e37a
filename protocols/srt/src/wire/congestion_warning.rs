use super::WireError;
use super::body::{ControlBody, PADDING_BYTES};
use super::header::ControlHeader;

/// Asks the sender to slow down by an eighth. No known peer sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CongestionWarning;

impl<'a> ControlBody<'a> for CongestionWarning {
    const KIND: u16 = 4;

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
