use bytes::{Bytes, BytesMut};
use tidegate_units::{Duration, Instant};

/// Payloads are carved out of chunks: one allocation for six to 49 packets.
const MIN_CHUNK_BYTES: usize = 8 * 1024;
const MAX_CHUNK_BYTES: usize = 64 * 1024;
/// A chunk that was filled sooner is followed by one twice as large …
const SHORT_TIME: Duration = Duration::from_millis(25);
/// … and one that lasted longer by one half as large: somebody who keeps a single payload keeps
/// its chunk, and the rest of the newest chunk waits for payloads.
const LONG_TIME: Duration = Duration::from_millis(100);

/// Hands out memory for received payloads.
///
/// A payload shares its chunk with its neighbours, which arrive and are let go at about
/// the same time; the receive buffer itself is reused at once.
#[derive(Debug)]
pub(crate) struct PayloadMemory {
    chunk: BytesMut,
    chunk_bytes: usize,
    since: Instant,
}

impl Default for PayloadMemory {
    fn default() -> Self {
        Self {
            chunk: BytesMut::new(),
            chunk_bytes: MIN_CHUNK_BYTES,
            since: Instant::ZERO,
        }
    }
}

impl PayloadMemory {
    /// A copy of `payload`.
    pub(crate) fn copy(&mut self, now: Instant, payload: &[u8]) -> Bytes {
        self.reserve(now, payload.len());
        self.chunk.extend_from_slice(payload);
        self.chunk.split().freeze()
    }

    /// A payload of `len` bytes that `open` writes straight into its place, unless it says
    /// that it cannot.
    pub(crate) fn open<E>(
        &mut self,
        now: Instant,
        len: usize,
        open: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Bytes, E> {
        self.reserve(now, len);
        self.chunk.resize(len, 0);
        if let Err(error) = open(&mut self.chunk) {
            self.chunk.clear();
            return Err(error);
        }
        Ok(self.chunk.split().freeze())
    }

    fn reserve(&mut self, now: Instant, len: usize) {
        if self.chunk.capacity() >= len {
            return;
        }
        let lasted = now.saturating_since(self.since);
        if lasted < SHORT_TIME {
            self.chunk_bytes = (self.chunk_bytes * 2).min(MAX_CHUNK_BYTES);
        } else if lasted > LONG_TIME {
            self.chunk_bytes = (self.chunk_bytes / 2).max(MIN_CHUNK_BYTES);
        }
        self.since = now;
        self.chunk = BytesMut::with_capacity(self.chunk_bytes.max(len));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_share_a_chunk_and_keep_their_bytes() {
        let mut memory = PayloadMemory::default();
        let payloads: Vec<Bytes> = (0..200_u8)
            .map(|byte| memory.copy(Instant::ZERO, &[byte; 1316]))
            .collect();
        for (byte, payload) in (0_u8..).zip(&payloads) {
            assert!(payload.iter().all(|&b| b == byte));
        }
        let end = payloads[10].as_ptr().wrapping_add(1316);
        assert_eq!(end, payloads[11].as_ptr(), "neighbours lie side by side");
    }

    #[test]
    fn a_payload_that_cannot_be_opened_leaves_no_trace() {
        let mut memory = PayloadMemory::default();
        let now = Instant::ZERO;
        assert_eq!(memory.open(now, 6, |_| Err("sealed")), Err("sealed"));
        let opened = memory.open(now, 3, |out| {
            out.copy_from_slice(b"ABC");
            Ok::<(), ()>(())
        });
        assert_eq!(opened.unwrap(), "ABC");
    }

    /// The size of the chunks after two seconds of a live packet each `micros`.
    fn chunk_bytes_after(memory: &mut PayloadMemory, micros: usize) -> usize {
        let from = memory.since + Duration::from_secs(1);
        for at in (0..2_000_000).step_by(micros) {
            memory.copy(from + Duration::from_micros(at as u64), &[0; 1316]);
        }
        memory.chunk_bytes
    }

    #[test]
    fn chunks_are_as_large_as_the_stream_is_fast() {
        let mut memory = PayloadMemory::default();
        for (megabits, kilobytes) in [(1, 8), (6, 32), (50, 64), (6, 32), (1, 8)] {
            let bytes = chunk_bytes_after(&mut memory, 10_528 / megabits);
            assert_eq!(bytes, kilobytes * 1024, "{megabits} Mbit/s");
        }
    }
}
