//! The bytes that are sent: seven transport stream packets with a number and a time.

use bytes::Bytes;
use tidegate_units::Instant;

/// Bytes in one SRT packet: seven transport stream packets.
pub(crate) const PAYLOAD_BYTES: usize = 7 * 188;

const MAGIC: u32 = 0x7469_6465;

/// A packet's number and the moment it was sent.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) number: u64,
    pub(crate) sent: Instant,
}

/// The `number`th packet of a stream.
pub(crate) fn packet(number: u64, sent: Instant) -> Bytes {
    let mut bytes = vec![0xFF; PAYLOAD_BYTES];
    for (index, ts) in bytes.chunks_mut(188).enumerate() {
        let counter = ((number * 7 + index as u64) & 0x0F) as u8;
        ts[..4].copy_from_slice(&[0x47, 0x01, 0x00, 0x10 | counter]);
    }
    bytes[4..8].copy_from_slice(&MAGIC.to_be_bytes());
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    bytes[16..24].copy_from_slice(&sent.as_micros().to_be_bytes());
    bytes.into()
}

/// Reads the mark back; `None` for anything that [`packet`] did not make.
pub(crate) fn mark(bytes: &[u8]) -> Option<Mark> {
    let word = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let magic = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
    (magic == MAGIC).then_some(())?;
    Some(Mark {
        number: word(8)?,
        sent: Instant::from_micros(word(16)?),
    })
}
