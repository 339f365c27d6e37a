use super::WireError;
use super::body::ControlBody;
use super::header::ControlHeader;
use super::loss_list::LossList;

/// A negative acknowledgement: these packets are missing, send them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nak<'a> {
    /// The missing packets.
    pub losses: LossList<'a>,
}

impl<'a> ControlBody<'a> for Nak<'a> {
    const KIND: u16 = 3;

    fn parse(_header: &ControlHeader, body: &'a [u8]) -> Result<Self, WireError> {
        Ok(Self {
            losses: LossList::new(body),
        })
    }

    fn body_bytes(&self) -> usize {
        self.losses.as_bytes().len()
    }

    fn emit_body(&self, out: &mut [u8]) {
        out.copy_from_slice(self.losses.as_bytes());
    }
}
