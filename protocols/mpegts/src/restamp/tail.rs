//! How long the last unit of a PID lasts. Multiplexers put several frames of sound into one
//! unit, and fewer of them into the last.

use tidegate_codecs::{AudioFramer, Codec};

/// Bytes of a unit that are kept: no multiplexer gathers a second of sound.
const UNIT_BYTES_MAX: usize = 1 << 16;
/// Where the length of a PES header's optional part stands.
const OPTIONAL_LENGTH_AT: usize = 8;

/// The bytes of the unit that began last.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pes: Vec<u8>,
}

impl Tail {
    /// Takes the payload of a packet; `starts`: a unit begins in it.
    pub(super) fn take(&mut self, starts: bool, payload: &[u8]) {
        if starts {
            self.pes.clear();
            if is_sound(payload) {
                self.pes.extend_from_slice(payload);
            }
        } else if !self.pes.is_empty() && self.pes.len() + payload.len() <= UNIT_BYTES_MAX {
            self.pes.extend_from_slice(payload);
        }
    }

    /// How long its sound lasts, in ticks of 90 kHz; `None` where it cannot be told.
    pub(super) fn duration(&self) -> Option<i64> {
        let optional = usize::from(*self.pes.get(OPTIONAL_LENGTH_AT)?);
        let sound = self.pes.get(OPTIONAL_LENGTH_AT + 1 + optional..)?;
        let mut framer = AudioFramer::new(codec(sound)?, None)?;
        framer.push(Some(0), sound);
        let frames = core::iter::from_fn(|| framer.next_frame());
        let last = frames.last()?;
        // Durations are rounded down.
        Some(last.pts? + i64::from(last.duration) + 1)
    }
}

/// Whether a PES packet of sound begins here, by its stream_id: MPEG sound, or the private
/// streams that carry the others.
fn is_sound(payload: &[u8]) -> bool {
    matches!(payload, [0, 0, 1, 0xBD | 0xC0..=0xDF | 0xFD, ..])
}

/// What the first frame looks like.
fn codec(sound: &[u8]) -> Option<Codec> {
    match *sound {
        [0xFF, second, ..] if second & 0xF6 == 0xF0 => Some(Codec::Aac),
        [0xFF, second, ..] if second & 0xE0 == 0xE0 => Some(Codec::MpegAudio),
        [0x56, second, ..] if second & 0xE0 == 0xE0 => Some(Codec::AacLatm),
        [0x0B, 0x77, _, _, _, sixth, ..] if sixth >> 3 > 10 => Some(Codec::Eac3),
        [0x0B, 0x77, ..] => Some(Codec::Ac3),
        [0x7F, second, ..] if second & 0xE0 == 0xE0 => Some(Codec::Opus),
        _ => None,
    }
}
