use super::EXTENDED;
use crate::limits;
use crate::message::kind;

/// Turns messages into bytes.
#[derive(Debug)]
pub struct ChunkWriter {
    chunk_bytes: usize,
    /// What was said last on each chunk stream, by its number.
    last: [Option<Last>; CHUNK_STREAMS],
}

#[derive(Clone, Copy, Debug)]
struct Last {
    timestamp: u32,
    stream_id: u32,
}

const CHUNK_STREAMS: usize = 8;

/// Which chunk stream carries what, as ffmpeg and librtmp have it.
const fn chunk_stream_of(kind: u8) -> u8 {
    match kind {
        kind::COMMAND | kind::COMMAND_AMF3 => 3,
        kind::AUDIO => 4,
        kind::VIDEO => 6,
        kind::DATA | kind::DATA_AMF3 => 5,
        _ => 2,
    }
}

impl Default for ChunkWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkWriter {
    /// A writer at the first byte after the handshake.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            chunk_bytes: limits::CHUNK_BYTES_DEFAULT,
            last: [None; CHUNK_STREAMS],
        }
    }

    /// The chunk size from the next message on; the peer must have been told.
    pub const fn set_chunk_bytes(&mut self, bytes: usize) {
        self.chunk_bytes = if bytes == 0 { 1 } else { bytes };
    }

    /// Appends a message to `out`. Its body is given in `parts`, which follow one another.
    pub fn write(
        &mut self,
        kind: u8,
        timestamp: u32,
        stream_id: u32,
        parts: &[&[u8]],
        out: &mut Vec<u8>,
    ) {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        out.reserve(length + 18 + 5 * (length / self.chunk_bytes));
        let number = chunk_stream_of(kind);
        let last = self.last[usize::from(number)].replace(Last {
            timestamp,
            stream_id,
        });
        let extended = self.begin(number, last, (kind, timestamp, stream_id), length, out);
        let mut left = self.chunk_bytes;
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() {
                if left == 0 {
                    out.push(0xC0 | number);
                    out.extend_from_slice(extended.as_ref().map_or(&[], |time| &time[..]));
                    left = self.chunk_bytes;
                }
                let (now, later) = rest.split_at(left.min(rest.len()));
                out.extend_from_slice(now);
                left -= now.len();
                rest = later;
            }
        }
    }

    /// The header of a message's first chunk; gives the 32 bits of time that every further one
    /// repeats.
    fn begin(
        &self,
        number: u8,
        last: Option<Last>,
        (kind, timestamp, stream_id): (u8, u32, u32),
        length: usize,
        out: &mut Vec<u8>,
    ) -> Option<[u8; 4]> {
        // Servers differ in how they read differences of 32 bits, so there are none.
        let since = last
            .filter(|last| last.stream_id == stream_id)
            .and_then(|last| timestamp.checked_sub(last.timestamp))
            .filter(|since| *since < EXTENDED);
        let (format, time) = match since {
            Some(since) => (0x40, since),
            None => (0x00, timestamp.min(EXTENDED)),
        };
        // Longer messages than 24 bits can say are not made: the largest is 8 MB.
        let [_, a, b, c] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        out.push(format | number);
        out.extend_from_slice(&time.to_be_bytes()[1..]);
        out.extend_from_slice(&[a, b, c, kind]);
        if since.is_some() {
            return None;
        }
        out.extend_from_slice(&stream_id.to_le_bytes());
        if time < EXTENDED {
            return None;
        }
        out.extend_from_slice(&timestamp.to_be_bytes());
        Some(timestamp.to_be_bytes())
    }
}
