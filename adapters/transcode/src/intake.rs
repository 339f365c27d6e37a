use crate::line::Held;
use bytes::BytesMut;
use std::sync::Arc;
use tidegate_engine::TsChunk;
use tidegate_mpegts::{Demux, Event, PACKET_BYTES, Role, Slicer, SoundMap, Stamp};
use tidegate_units::Instant;

/// Takes what comes: whole packets to be held, and the frames of their sound.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    slicer: Slicer,
    map: SoundMap,
    /// Gets tables and sound only.
    demux: Demux,
}

impl Intake {
    /// What follows is of another connection.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }

    /// Something is missing here.
    pub(crate) fn lost(&mut self) {
        self.slicer.restart();
        self.demux.lost();
    }

    /// Takes a chunk that came now; `None` if no packet is whole yet.
    pub(crate) fn take(&mut self, chunk: &TsChunk, now: Instant) -> Option<Held> {
        let Self { slicer, map, demux } = self;
        let stamp = Stamp {
            arrived: now,
            due: chunk.due,
        };
        let mut whole = BytesMut::with_capacity(chunk.bytes.len() + PACKET_BYTES);
        slicer.push(&chunk.bytes, |packet| {
            whole.extend_from_slice(packet.bytes());
            if map.packet(packet) != Role::Other {
                demux.push(stamp, packet.bytes());
            }
        });
        (!whole.is_empty()).then(|| Held {
            bytes: whole.freeze(),
            origin: chunk.origin,
            arrived: now,
            due: chunk.due,
            lost_before: chunk.lost_before,
            restarted: false,
        })
    }

    /// What was found of the sound, oldest first.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.demux.next_event()
    }

    pub(crate) const fn map(&self) -> &SoundMap {
        &self.map
    }

    /// The track of this PID.
    pub(crate) fn track(&self, pid: u16) -> Option<tidegate_mpegts::Track> {
        let tracks: &Arc<[_]> = self.demux.tracks();
        tracks.iter().find(|track| track.pid == pid).cloned()
    }
}
