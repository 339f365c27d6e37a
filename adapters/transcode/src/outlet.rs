use crate::limits::{CHUNK_PACKETS, HOLD};
use crate::line::{Held, Waiting};
use bytes::BytesMut;
use tidegate_engine::{Clock, Feed, FeedWriter, TsChunk};
use tidegate_mpegts::{MuxUnit, NewSound, PACKET_BYTES, Packet, SoundSwap};
use tidegate_units::Instant;

const CHUNK_BYTES: usize = CHUNK_PACKETS * PACKET_BYTES;

/// Writes the feed: packets with the sound taken out, and the new sound put in.
#[derive(Debug)]
pub(crate) struct Outlet {
    feed: Feed,
    clock: Clock,
    writer: Option<FeedWriter<TsChunk>>,
    swap: SoundSwap,
    packets: BytesMut,
    /// Origin and play-out of the first of the packets.
    stamp: Option<(Instant, Instant)>,
    lost_before: u32,
}

impl Outlet {
    pub(crate) fn new(feed: Feed, clock: Clock, sound: NewSound) -> Self {
        Self {
            feed,
            clock,
            writer: None,
            swap: SoundSwap::new(sound),
            packets: BytesMut::new(),
            stamp: None,
            lost_before: 0,
        }
    }

    /// What comes next need not continue what came.
    pub(crate) fn restart(&mut self) {
        self.end_of_turn();
        self.writer = None;
        self.swap.restart();
    }

    pub(crate) fn packets(&mut self, held: &Held) {
        if held.lost_before > 0 {
            self.write();
            self.lost_before = self.lost_before.saturating_add(held.lost_before);
        }
        self.stamp.get_or_insert((held.origin, held.due));
        for packet in held.bytes.as_chunks::<PACKET_BYTES>().0 {
            if let Some(packet) = Packet::new(packet) {
                self.swap.packet(packet, &mut self.packets);
            }
        }
        self.write_when_full();
    }

    pub(crate) fn sound(&mut self, frame: Waiting) {
        self.stamp.get_or_insert((frame.arrived, frame.due));
        let unit = MuxUnit {
            track: frame.pid,
            pts: frame.pts,
            dts: frame.pts,
            key: true,
            data: frame.data,
        };
        self.swap.frame(&frame.config, &unit, &mut self.packets);
        self.write_when_full();
    }

    /// Hands over what there is.
    pub(crate) fn end_of_turn(&mut self) {
        self.write();
        if let Some(writer) = &mut self.writer {
            writer.seal();
        }
    }

    fn write_when_full(&mut self) {
        if self.packets.len() >= CHUNK_BYTES {
            self.write();
        }
    }

    fn write(&mut self) {
        let bytes = self.packets.split().freeze();
        let Some((origin, due)) = self.stamp.take().filter(|_| !bytes.is_empty()) else {
            return;
        };
        let arrived = self.clock.now();
        let writer = self.writer.get_or_insert_with(|| self.feed.ts_writer());
        for at in (0..bytes.len()).step_by(CHUNK_BYTES) {
            writer.push(TsChunk {
                bytes: bytes.slice(at..bytes.len().min(at + CHUNK_BYTES)),
                origin,
                arrived,
                due: due + HOLD,
                lost_before: core::mem::take(&mut self.lost_before),
            });
        }
    }
}
