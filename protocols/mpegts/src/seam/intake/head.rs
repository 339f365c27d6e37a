//! The headers at the beginning of each picture, however many packets they take.

use crate::packet::Packet;
use crate::pes::PesHeader;
use tidegate_codecs::h264::{self, Opens};
use tidegate_codecs::{Codec, StreamReader, VideoHeaders};

/// Headers in front of the first slice are looked at up to here.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Reads the head of one picture after another.
#[derive(Clone, Debug)]
pub(super) struct Head {
    reader: StreamReader,
    bytes: Vec<u8>,
    /// How much must be there before another look; zero when the picture is known.
    look_at: usize,
    random_access: bool,
}

/// What a picture turned out to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) key: bool,
    pub(super) headers: bool,
    /// How a key frame begins behind another stream.
    pub(super) opens: Opens,
}

impl Head {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            reader: StreamReader::new(codec),
            bytes: Vec::new(),
            look_at: 0,
            random_access: false,
        }
    }

    /// Knows the headers that `other` read.
    pub(super) fn inherit(&mut self, other: &Self) {
        self.reader = other.reader.clone();
    }

    pub(super) const fn reader(&self) -> &StreamReader {
        &self.reader
    }

    /// A picture begins with the packet that is taken next.
    pub(super) fn begin(&mut self, packet: Packet<'_>) {
        self.bytes.clear();
        self.look_at = 1;
        self.random_access = packet.adaptation().is_some_and(|field| field.random_access);
    }

    /// Packets are missing: nothing more can be said about this picture.
    pub(super) fn lost(&mut self) {
        self.look_at = 0;
    }

    /// Whether it is known what the picture is, as far as it will be.
    pub(super) const fn is_known(&self) -> bool {
        self.look_at == 0
    }

    /// Takes a packet of the picture; what it is, in the packet that tells.
    pub(super) fn packet(&mut self, packet: Packet<'_>) -> Option<Found> {
        if self.look_at == 0 {
            return None;
        }
        self.bytes.extend_from_slice(packet.payload());
        if self.bytes.len() < self.look_at {
            return None;
        }
        self.look(self.bytes.len() >= MAX_HEAD_BYTES)
    }

    /// No more of the picture will come.
    pub(super) fn end(&mut self) -> Option<Found> {
        if self.look_at == 0 {
            return None;
        }
        self.look(true)
    }

    fn look(&mut self, is_last: bool) -> Option<Found> {
        let header = PesHeader::parse(&self.bytes);
        let payload = header.and_then(|header| self.bytes.get(header.payload_offset..));
        let info = payload.map(|payload| self.reader.read(payload));
        let info = info.unwrap_or_default();
        if !info.complete && !is_last {
            self.look_at = self.bytes.len() * 2;
            return None;
        }
        // What no decoder was ever told how to read is no place to begin.
        let is_readable = info.headers || self.reader.config().is_some();
        let key = info.complete && info.is_entry(self.random_access) && is_readable;
        let opens = payload
            .filter(|_| key)
            .map_or(Some(Opens::AsItIs), |it| self.opens(it));
        if opens.is_none() && !is_last {
            self.look_at = self.bytes.len() + 1;
            return None;
        }
        self.look_at = 0;
        info.complete.then(|| Found {
            key,
            headers: info.headers,
            opens: opens.unwrap_or(Opens::AsItIs),
        })
    }

    /// How a key frame begins behind another stream, if that can be told.
    fn opens(&self, unit: &[u8]) -> Option<Opens> {
        let config = self.reader.config().and_then(|config| config.video());
        match config.map(|video| &video.headers) {
            Some(VideoHeaders::H264 { sps, pps }) => {
                h264::opens(unit, sps.iter().chain(pps).map(|set| &**set))
            }
            _ => Some(Opens::AsItIs),
        }
    }
}
