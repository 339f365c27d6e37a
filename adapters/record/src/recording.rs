//! Cutting a stream into segments, and writing them.

use crate::disk::{Disk, SegmentFile};
use crate::limits;
use core::time::Duration;
use std::io;
use std::time::SystemTime;
use tidegate_engine::TsChunk;
use tidegate_units::Instant;

const PACKET_BYTES: usize = 188;

/// A recording in progress.
///
/// ```text
///   (no file) ── first chunk ──► writing ── its time is over ──► looking for a cut
///       ▲                          ▲                                    │
///       │ a new connection         └── at the tables before a key frame ┘
///       └──────────────────────────────── (or after CUT_WAIT, anywhere)
/// ```
pub(crate) struct Recording {
    disk: Box<dyn Disk>,
    segment: Duration,
    file: Option<Segment>,
    /// Not handed to the operating system yet.
    buffer: Vec<u8>,
    /// Handed over, not on the medium yet.
    unsynced: bool,
}

struct Segment {
    name: String,
    file: Box<dyn SegmentFile>,
    began: Instant,
}

impl Recording {
    pub(crate) fn new(disk: Box<dyn Disk>, segment: Duration) -> Self {
        let buffer = Vec::with_capacity(limits::BUFFER_BYTES + (64 << 10));
        Self {
            disk,
            segment,
            file: None,
            buffer,
            unsynced: false,
        }
    }

    /// Takes in what arrived. Yields the bytes it had to write for that.
    pub(crate) fn push(&mut self, chunk: &TsChunk) -> io::Result<u64> {
        let mut written = 0;
        let before = match self.cut(chunk) {
            Some(Cut::InBuffer(at)) => {
                let after = self.buffer.split_off(at);
                written += self.finish()?;
                self.buffer = after;
                0
            }
            Some(Cut::InChunk(at)) => {
                self.buffer.extend_from_slice(&chunk.bytes[..at]);
                written += self.finish()?;
                at
            }
            None => 0,
        };
        self.open(chunk.arrived)?;
        self.buffer.extend_from_slice(&chunk.bytes[before..]);
        if self.buffer.len() >= limits::BUFFER_BYTES {
            written += self.flush()?;
        }
        Ok(written)
    }

    /// Hands what was gathered to the operating system; how much that was.
    pub(crate) fn flush(&mut self) -> io::Result<u64> {
        let Some(segment) = &mut self.file else {
            return Ok(0);
        };
        if self.buffer.is_empty() {
            return Ok(0);
        }
        segment.file.write(&self.buffer)?;
        self.unsynced = true;
        let bytes = self.buffer.len() as u64;
        self.buffer.clear();
        Ok(bytes)
    }

    /// Waits until what was handed over is on the medium.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if let (Some(segment), true) = (&mut self.file, self.unsynced) {
            segment.file.sync()?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Ends the current file; the next chunk begins another.
    pub(crate) fn finish(&mut self) -> io::Result<u64> {
        let written = self.flush()?;
        self.sync()?;
        self.file = None;
        Ok(written)
    }

    /// Deletes what has been kept long enough.
    pub(crate) fn tidy(&mut self) -> io::Result<()> {
        let current = self.file.as_ref().map(|segment| segment.name.as_str());
        self.disk.tidy(current)
    }

    /// The file being written.
    pub(crate) fn file_name(&self) -> Option<&str> {
        self.file.as_ref().map(|segment| segment.name.as_str())
    }

    fn open(&mut self, now: Instant) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let time = time.replace(':', "-");
        for number in 0..limits::SAME_SECOND_MAX {
            let name = match number {
                0 => format!("{time}.ts"),
                // Sorts after the one without a number: '_' comes after '.'.
                _ => format!("{time}_{number:03}.ts"),
            };
            match self.disk.create(&name) {
                Ok(file) => {
                    self.file = Some(Segment {
                        name,
                        file,
                        began: now,
                    });
                    return self.tidy();
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }

    /// Where to begin the next segment, if it is time and this chunk has a place for it.
    fn cut(&self, chunk: &TsChunk) -> Option<Cut> {
        let began = self.file.as_ref()?.began;
        let age = chunk.arrived.saturating_since(began);
        if age < self.segment {
            return None;
        }
        let Some(key) = chunk.entry_point() else {
            return (age >= self.segment + limits::CUT_WAIT).then_some(Cut::InChunk(0));
        };
        // A file should begin with the tables, which encoders put right before a key frame.
        if let Some(tables) = last_tables(&chunk.bytes[..key]) {
            return Some(Cut::InChunk(tables));
        }
        let near = self
            .buffer
            .len()
            .saturating_sub(limits::TABLES_BEFORE_KEY * PACKET_BYTES);
        let near = near.next_multiple_of(PACKET_BYTES).min(self.buffer.len());
        let aligned = self.buffer.len().is_multiple_of(PACKET_BYTES);
        match last_tables(&self.buffer[near..]) {
            Some(tables) if aligned => Some(Cut::InBuffer(near + tables)),
            _ => Some(Cut::InChunk(key)),
        }
    }
}

/// A place to begin the next segment at.
enum Cut {
    /// At this offset in what was gathered.
    InBuffer(usize),
    /// At this offset in the chunk at hand.
    InChunk(usize),
}

/// The offset of the last packet that begins a program association table.
fn last_tables(packets: &[u8]) -> Option<usize> {
    let starts_pat =
        |packet: &[u8]| packet[0] == 0x47 && packet[1] & 0x5F == 0x40 && packet[2] == 0;
    let packet = packets.chunks_exact(PACKET_BYTES).rposition(starts_pat)?;
    Some(packet * PACKET_BYTES)
}

#[cfg(test)]
#[path = "recording_tests.rs"]
mod tests;
