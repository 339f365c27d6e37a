use crate::packet::PACKET_BYTES;
use bytes::Bytes;
use std::collections::VecDeque;

/// Packets that wait for their time, by number.
#[derive(Debug, Default)]
pub(super) struct Queue {
    chunks: VecDeque<Chunk>,
    /// Number of the first packet.
    head: u64,
    /// Behind the last.
    end: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    /// What is left of it.
    bytes: Bytes,
    due: i64,
    arrived: i64,
}

/// The first packet that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub(super) number: u64,
    /// 188 bytes; fewer at the end of a stream that is no transport stream.
    pub(super) bytes: &'a [u8],
    pub(super) due: i64,
    pub(super) arrived: i64,
}

impl Queue {
    pub(super) fn push(&mut self, bytes: Bytes, arrived: i64, due: i64) {
        self.end += bytes.len().div_ceil(PACKET_BYTES) as u64;
        self.bytes += bytes.len();
        if !bytes.is_empty() {
            self.chunks.push_back(Chunk {
                bytes,
                due,
                arrived,
            });
        }
    }

    /// The number the next packet pushed will have.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    pub(super) const fn head_number(&self) -> u64 {
        self.head
    }

    pub(super) const fn byte_count(&self) -> usize {
        self.bytes
    }

    pub(super) fn head(&self) -> Option<Head<'_>> {
        let chunk = self.chunks.front()?;
        Some(Head {
            number: self.head,
            bytes: chunk.bytes.chunks(PACKET_BYTES).next()?,
            due: chunk.due,
            arrived: chunk.arrived,
        })
    }

    /// Takes the first packet away; true if the next one is of the same chunk.
    pub(super) fn advance(&mut self) -> bool {
        let Some(chunk) = self.chunks.front_mut() else {
            return false;
        };
        let taken = chunk.bytes.len().min(PACKET_BYTES);
        let _ = chunk.bytes.split_to(taken);
        self.head += 1;
        self.bytes -= taken;
        if chunk.bytes.is_empty() {
            self.chunks.pop_front();
            return false;
        }
        true
    }
}
