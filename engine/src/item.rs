use crate::track::{Track, Tracks};
use bytes::Bytes;
use std::sync::Arc;
use tidegate_units::Instant;

/// Whole transport-stream packets as they came, normally seven of them.
#[derive(Clone, Debug)]
pub struct TsChunk {
    /// A multiple of 188 bytes for a well-behaved sender; never altered on the way.
    pub bytes: Bytes,
    /// When the packet originated, on our clock: what its sender stamped it with, else when it
    /// was received.
    pub origin: Instant,
    /// When the packet was received.
    pub arrived: Instant,
    /// When it should be played out.
    pub due: Instant,
    /// Packets lost for good just before this one.
    pub lost_before: u32,
}

impl TsChunk {
    /// What has just arrived from where neither its origin nor its time of play-out is known.
    #[must_use]
    pub const fn live(bytes: Bytes, now: Instant) -> Self {
        Self {
            bytes,
            origin: now,
            arrived: now,
            due: now,
            lost_before: 0,
        }
    }

    /// Where in it a decoder can begin: the offset of a packet with the random access
    /// indicator that also carries the clock. (Encoders mark every audio frame as random
    /// access, but the clock rides on the video.)
    #[must_use]
    pub fn entry_point(&self) -> Option<usize> {
        const ADAPTATION: u8 = 0x20;
        const RANDOM_ACCESS_AND_PCR: u8 = 0x40 | 0x10;
        let packet = self.bytes.chunks_exact(188).position(|packet| {
            packet[0] == 0x47
                && packet[3] & ADAPTATION != 0
                && packet[4] > 0
                && packet[5] & RANDOM_ACCESS_AND_PCR == RANDOM_ACCESS_AND_PCR
        })?;
        Some(packet * 188)
    }
}

/// One access unit of one track.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The track it belongs to: [`crate::Track::id`].
    pub track: u16,
    /// Presentation time on the 90 kHz clock, without wraps.
    pub pts_90khz: i64,
    /// Decoding time on the 90 kHz clock, without wraps.
    pub dts_90khz: i64,
    /// Decoding can begin here. Always true for audio.
    pub key: bool,
    /// Belongs to a video track.
    pub video: bool,
    /// Something is missing between this unit and the one before on its track.
    pub discontinuity: bool,
    /// Video as Annex B, AAC without ADTS, other audio one frame.
    pub data: Bytes,
    /// When its first packet was received.
    pub arrived: Instant,
    /// When it should be played out.
    pub due: Instant,
}

/// What travels in a lane.
pub trait Item: Clone + Send + Sync + 'static {
    /// The lane that carries it.
    const LANE: Lane;
    /// Bytes of payload, for a queue's byte limit.
    fn byte_count(&self) -> usize;
    /// When it was received.
    fn arrived(&self) -> Instant;
    /// When it should be played out.
    fn due(&self) -> Instant;
    /// A decoder that lost its place can begin in this batch.
    fn can_enter(batch: &Batch<Self>) -> bool
    where
        Self: Sized;
}

/// The two forms of one feed's media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// MPEG-TS bytes as they came.
    Ts,
    /// Access units per track.
    Frames,
}

impl Item for TsChunk {
    const LANE: Lane = Lane::Ts;

    fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    fn arrived(&self) -> Instant {
        self.arrived
    }

    fn due(&self) -> Instant {
        self.due
    }

    fn can_enter(batch: &Batch<Self>) -> bool {
        batch.iter().any(|chunk| chunk.entry_point().is_some())
    }
}

impl Item for Frame {
    const LANE: Lane = Lane::Frames;

    fn byte_count(&self) -> usize {
        self.data.len()
    }

    fn arrived(&self) -> Instant {
        self.arrived
    }

    fn due(&self) -> Instant {
        self.due
    }

    /// At a key frame; with sound alone, anywhere.
    fn can_enter(batch: &Batch<Self>) -> bool {
        let has_video = batch
            .tracks()
            .is_none_or(|tracks| tracks.iter().any(Track::is_video));
        batch
            .iter()
            .any(|frame| frame.key && (frame.video || !has_video))
    }
}

/// What one turn of a writer produced: sealed, shared by all readers, never changed.
#[derive(Debug)]
pub struct Batch<T> {
    items: Box<[T]>,
    byte_count: usize,
    session: u32,
    tracks: Option<Arc<Tracks>>,
}

impl<T: Item> Batch<T> {
    pub(crate) fn seal(items: Box<[T]>, session: u32, tracks: Option<Arc<Tracks>>) -> Self {
        let byte_count = items.iter().map(Item::byte_count).sum();
        Self {
            items,
            byte_count,
            session,
            tracks,
        }
    }

    /// The items, in order; never empty.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Payload bytes of all items.
    #[must_use]
    pub const fn byte_count(&self) -> usize {
        self.byte_count
    }

    /// Counts the writers of the feed: a new number is a new connection, whose time stamps
    /// need not continue the old ones.
    #[must_use]
    pub const fn session(&self) -> u32 {
        self.session
    }

    /// The tracks these frames belong to; `None` in the TS lane.
    #[must_use]
    pub const fn tracks(&self) -> Option<&Arc<Tracks>> {
        self.tracks.as_ref()
    }
}

impl<T> core::ops::Deref for Batch<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(flags: u8) -> TsChunk {
        let mut bytes = vec![0xFF; 376];
        for packet in bytes.chunks_exact_mut(188) {
            packet[..6].copy_from_slice(&[0x47, 0x01, 0x00, 0x30, 7, 0]);
        }
        bytes[188 + 5] = flags;
        let now = Instant::ZERO;
        TsChunk {
            bytes: bytes.into(),
            origin: now,
            arrived: now,
            due: now,
            lost_before: 0,
        }
    }

    #[test]
    fn a_key_frame_that_carries_the_clock_is_an_entry_point() {
        assert!(chunk(0x50).entry_point().is_some());
        assert!(chunk(0x40).entry_point().is_none());
        assert!(chunk(0x10).entry_point().is_none());
    }

    #[test]
    fn a_truncated_chunk_is_no_entry_point() {
        let mut short = chunk(0x50);
        short.bytes.truncate(190);
        assert!(short.entry_point().is_none());
    }
}
