//! Rounds of transport streams.

use crate::failure;
use crate::limits::{AHEAD, CHUNK_PACKETS, READ_BYTES, SHORTEST};
use crate::pace::{self, Pace};
use bytes::{Bytes, BytesMut};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use tidegate_engine::{Clock, Feed, FeedWriter, Parking, RunError, TsChunk};
use tidegate_mpegts::{PACKET_BYTES, Restamp, Schedule, Slicer};
use tidegate_units::Instant;

/// Ticks of the program clock that packets in one chunk may be apart.
const CHUNK_TICKS: i64 = 27_000 * AHEAD.as_millis() as i64;
const TICKS_PER_MILLI: u128 = 27_000;

/// Plays transport streams one after another, as one that never breaks.
#[derive(Debug)]
pub(crate) struct TsPlayer {
    writer: FeedWriter<TsChunk>,
    restamp: Restamp,
    schedule: Schedule<[u8; PACKET_BYTES]>,
    chunk: BytesMut,
    /// When the first packet of the chunk belongs.
    chunk_at: i64,
    pace: Pace,
    clock: Clock,
    /// The file's clock when the round began, and now.
    span: Option<(i64, i64)>,
    has_begun: bool,
}

impl TsPlayer {
    pub(crate) fn new(feed: &Feed, clock: Clock) -> Self {
        Self {
            writer: feed.ts_writer(),
            restamp: Restamp::new(),
            schedule: Schedule::new(),
            chunk: BytesMut::new(),
            chunk_at: 0,
            pace: Pace::default(),
            clock,
            span: None,
            has_begun: false,
        }
    }

    /// Plays the file once. False if it must stop.
    pub(crate) fn round(
        &mut self,
        mut file: &File,
        path: &Path,
        parking: &Parking,
        connected: impl Fn(),
    ) -> Result<bool, RunError> {
        if core::mem::replace(&mut self.has_begun, true) {
            self.restamp.restart();
        }
        self.span = None;
        let mut slicer = Slicer::new();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return Err(failure::unreadable(path, &error)),
            };
            let mut has_clock = true;
            slicer.push(&buffer[..count], |packet| {
                has_clock &= self.take(*packet.bytes())
            });
            if !has_clock {
                return Err(failure::no_clock(path));
            }
            if self.span.is_some() {
                connected();
            }
            if !self.hand_over(parking) {
                return Ok(false);
            }
        }
        match self.span {
            None => Err(failure::no_clock(path)),
            Some((first, last)) if last - first < shortest_ticks() => Err(failure::too_short(path)),
            Some(_) => Ok(true),
        }
    }

    /// Hands over what is left: there is no further round. False if it must stop.
    pub(crate) fn finish(&mut self, parking: &Parking) -> bool {
        self.schedule.finish();
        self.hand_over(parking) && self.send(parking)
    }

    pub(crate) const fn delays(&self) -> u64 {
        self.pace.delays()
    }

    pub(crate) const fn jumps(&self) -> u64 {
        self.restamp.jumps()
    }

    fn take(&mut self, mut packet: [u8; PACKET_BYTES]) -> bool {
        let clock = self.restamp.packet(&mut packet).clock;
        if let Some(now) = clock {
            let (first, _) = self.span.unwrap_or((now, now));
            self.span = Some((first, now));
        }
        self.schedule.push(packet, clock)
    }

    fn hand_over(&mut self, parking: &Parking) -> bool {
        while let Some(next) = self.schedule.pop() {
            let is_full = self.chunk.len() >= CHUNK_PACKETS * PACKET_BYTES;
            let is_late = next.at.saturating_sub(self.chunk_at) > CHUNK_TICKS;
            if !self.chunk.is_empty() && (is_full || is_late) && !self.send(parking) {
                return false;
            }
            if self.chunk.is_empty() {
                self.chunk_at = next.at;
            }
            self.chunk.extend_from_slice(&next.packet);
        }
        true
    }

    /// Hands over the chunk when it may be.
    fn send(&mut self, parking: &Parking) -> bool {
        let bytes = self.chunk.split().freeze();
        if bytes.is_empty() {
            return true;
        }
        let due = self.pace.due(self.chunk_at, self.clock.now());
        if due.saturating_since(self.clock.now()) > AHEAD {
            // Whatever was due before goes out together.
            self.writer.seal();
        }
        if !pace::wait(due, self.clock, parking) {
            return false;
        }
        self.writer.push(chunk(bytes, self.clock.now(), due));
        self.writer.is_current()
    }
}

const fn chunk(bytes: Bytes, now: Instant, due: Instant) -> TsChunk {
    TsChunk {
        bytes,
        origin: now,
        arrived: now,
        due,
        lost_before: 0,
    }
}

const fn shortest_ticks() -> i64 {
    (SHORTEST.as_millis() * TICKS_PER_MILLI) as i64
}

impl Drop for TsPlayer {
    fn drop(&mut self) {
        self.writer.seal();
    }
}
