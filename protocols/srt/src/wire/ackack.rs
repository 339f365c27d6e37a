use super::WireError;
use super::body::{ControlBody, PADDING_BYTES};
use super::header::ControlHeader;

/// Answers a small or full ACK at once, which gives the receiver its round-trip time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckAck {
    /// The number of the answered ACK.
    pub number: u32,
}

impl<'a> ControlBody<'a> for AckAck {
    const KIND: u16 = 6;

    fn parse(header: &ControlHeader, _padding: &'a [u8]) -> Result<Self, WireError> {
        Ok(Self {
            number: header.specific,
        })
    }

    fn specific(&self) -> u32 {
        self.number
    }

    fn body_bytes(&self) -> usize {
        PADDING_BYTES
    }

    fn emit_body(&self, out: &mut [u8]) {
        out.fill(0);
    }
}
