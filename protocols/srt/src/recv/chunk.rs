use bytes::{Bytes, BytesMut};

/// Payloads are carved out of chunks of this size: one allocation for about 49 packets.
const CHUNK_BYTES: usize = 64 * 1024;
/// A connection that receives little gets small chunks first.
const FIRST_CHUNK_BYTES: usize = 4 * 1024;

/// Hands out memory for received payloads.
///
/// A payload shares its chunk with its neighbours, which arrive and are let go at about
/// the same time; the receive buffer itself is reused at once.
#[derive(Debug)]
pub(crate) struct PayloadMemory {
    chunk: BytesMut,
    next_chunk_bytes: usize,
}

impl Default for PayloadMemory {
    fn default() -> Self {
        Self {
            chunk: BytesMut::new(),
            next_chunk_bytes: FIRST_CHUNK_BYTES,
        }
    }
}

impl PayloadMemory {
    /// A copy of `payload`.
    pub(crate) fn copy(&mut self, payload: &[u8]) -> Bytes {
        self.reserve(payload.len());
        self.chunk.extend_from_slice(payload);
        self.chunk.split().freeze()
    }

    /// A payload of `len` bytes that `open` writes straight into its place, unless it says
    /// that it cannot.
    pub(crate) fn open<E>(
        &mut self,
        len: usize,
        open: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Bytes, E> {
        self.reserve(len);
        self.chunk.resize(len, 0);
        if let Err(error) = open(&mut self.chunk) {
            self.chunk.clear();
            return Err(error);
        }
        Ok(self.chunk.split().freeze())
    }

    fn reserve(&mut self, len: usize) {
        if self.chunk.capacity() < len {
            self.chunk = BytesMut::with_capacity(self.next_chunk_bytes.max(len));
            self.next_chunk_bytes = CHUNK_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_share_a_chunk_and_keep_their_bytes() {
        let mut memory = PayloadMemory::default();
        let payloads: Vec<Bytes> = (0..200_u8).map(|byte| memory.copy(&[byte; 1316])).collect();
        for (byte, payload) in (0_u8..).zip(&payloads) {
            assert!(payload.iter().all(|&b| b == byte));
        }
        let end = payloads[10].as_ptr().wrapping_add(1316);
        assert_eq!(end, payloads[11].as_ptr(), "neighbours lie side by side");
    }

    #[test]
    fn a_payload_that_cannot_be_opened_leaves_no_trace() {
        let mut memory = PayloadMemory::default();
        assert_eq!(memory.open(6, |_| Err("sealed")), Err("sealed"));
        let opened = memory.open(3, |out| {
            out.copy_from_slice(b"ABC");
            Ok::<(), ()>(())
        });
        assert_eq!(opened.unwrap(), "ABC");
    }
}
