use super::WireError;
use super::body::ControlBody;
use super::header::ControlHeader;
use super::numbers::{MessageNumber, SequenceNumber};
use super::word::{put_words, word};

/// The sender will not send these packets (again): do not wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DropRequest {
    /// The message, or [`MessageNumber::NONE`] when only the range is known.
    pub message: MessageNumber,
    /// The first packet given up.
    pub first: SequenceNumber,
    /// The last packet given up.
    pub last: SequenceNumber,
}

const BODY_BYTES: usize = 8;

impl<'a> ControlBody<'a> for DropRequest {
    const KIND: u16 = 7;

    fn parse(header: &ControlHeader, body: &'a [u8]) -> Result<Self, WireError> {
        WireError::need("drop request", body, BODY_BYTES)?;
        for value in [word(body, 0), word(body, 1)] {
            if value >> 31 != 0 {
                return Err(WireError::Forbidden {
                    what: "drop request's range",
                    value,
                });
            }
        }
        let (first, last) = (
            SequenceNumber::new(word(body, 0)),
            SequenceNumber::new(word(body, 1)),
        );
        if first.distance_to(last) < 0 {
            return Err(WireError::Forbidden {
                what: "drop request's backward range",
                value: last.value(),
            });
        }
        Ok(Self {
            message: MessageNumber::new(header.specific),
            first,
            last,
        })
    }

    fn specific(&self) -> u32 {
        self.message.value()
    }

    fn body_bytes(&self) -> usize {
        BODY_BYTES
    }

    fn emit_body(&self, out: &mut [u8]) {
        put_words(out, &[self.first.value(), self.last.value()]);
    }
}
