use super::geometry::Line;

/// The payload of a FEC packet: which group it is for, and the XOR of that group.
///
/// ```text
///   line (8, −1: the row) | key flags (8) | length (16)
///   payload, as long as the group's longest
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FecBody<'a> {
    pub(super) line: Line,
    pub(super) flags: u8,
    pub(super) length: u16,
    pub(super) payload: &'a [u8],
}

/// Bytes before the payload: how much shorter media payloads have to be.
pub(crate) const FEC_HEADER_BYTES: usize = 4;
/// The line that means the row.
const ROW: u8 = 0xFF;

impl<'a> FecBody<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, payload) = bytes.split_first_chunk::<FEC_HEADER_BYTES>()?;
        let [line, flags, high, low] = *header;
        if payload.is_empty() {
            return None;
        }
        Some(Self {
            line: match line {
                ROW => Line::Row,
                column => Line::Column(column),
            },
            flags,
            length: u16::from_be_bytes([high, low]),
            payload,
        })
    }

    pub(super) const fn wire_bytes(&self) -> usize {
        FEC_HEADER_BYTES + self.payload.len()
    }

    /// Writes it into `out`, which is as long as [`Self::wire_bytes`] says.
    pub(super) fn emit(&self, out: &mut [u8]) {
        let (header, payload) = out.split_at_mut(FEC_HEADER_BYTES);
        let [high, low] = self.length.to_be_bytes();
        let line = match self.line {
            Line::Row => ROW,
            Line::Column(column) => column,
        };
        header.copy_from_slice(&[line, self.flags, high, low]);
        payload.copy_from_slice(self.payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_was_written_and_an_empty_one_is_none() {
        for line in [Line::Row, Line::Column(0), Line::Column(126)] {
            let body = FecBody {
                line,
                flags: 3,
                length: 0x0524,
                payload: b"xor",
            };
            let mut out = vec![0; body.wire_bytes()];
            body.emit(&mut out);
            assert_eq!(FecBody::parse(&out), Some(body));
        }
        assert_eq!(FecBody::parse(&[0xFF, 0, 5, 0x24]), None);
        assert_eq!(FecBody::parse(&[]), None);
    }
}
