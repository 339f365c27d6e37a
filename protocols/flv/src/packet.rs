use bytes::{Buf, Bytes};
use tidegate_codecs::Codec;

use crate::FlvError;
use crate::multitrack::TrackPart;

/// One part of a message: what it says about one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Number of the track among its kind.
    pub(crate) track: u8,
    pub(crate) codec: Codec,
    pub(crate) content: Content,
}

/// What a part says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The decoder configuration record.
    Header(Bytes),
    /// One frame.
    Frame {
        data: Bytes,
        /// Milliseconds from decoding to presentation.
        composition_ms: i32,
        /// The sender says that decoding can begin here.
        key: bool,
    },
    /// Nothing that is acted upon: an end, colours, channel names, commands.
    Other,
}

/// A message taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) packets: Vec<Packet>,
    /// What its time stamp leaves out.
    pub(crate) nanoseconds: u32,
    /// Why others of its packets are missing.
    pub(crate) problem: Option<FlvError>,
}

impl Parts {
    pub(crate) fn one(track: u8, codec: Codec, content: Content) -> Self {
        let packet = Packet {
            track,
            codec,
            content,
        };
        Self {
            packets: vec![packet],
            nanoseconds: 0,
            problem: None,
        }
    }

    /// The packets that `read` makes of a message's parts. One that cannot be used is not the
    /// trouble of the other tracks.
    pub(crate) fn of(
        parts: Vec<TrackPart>,
        nanoseconds: u32,
        read: impl Fn(TrackPart) -> Result<Packet, FlvError>,
    ) -> Self {
        let mut all = Self {
            nanoseconds,
            ..Self::default()
        };
        for part in parts {
            match read(part) {
                Ok(packet) => all.packets.push(packet),
                Err(problem) => all.problem = all.problem.or(Some(problem)),
            }
        }
        all
    }
}

/// Takes bytes off the front of a message.
pub(crate) fn take_byte(body: &mut Bytes) -> Result<u8, FlvError> {
    body.try_get_u8().map_err(|_| FlvError::Truncated)
}

pub(crate) fn take_u24(body: &mut Bytes) -> Result<u32, FlvError> {
    if body.len() < 3 {
        return Err(FlvError::Truncated);
    }
    Ok(body.get_uint(3) as u32)
}

/// A signed number of 24 bits.
pub(crate) fn take_i24(body: &mut Bytes) -> Result<i32, FlvError> {
    Ok(((take_u24(body)? << 8).cast_signed()) >> 8)
}

pub(crate) fn take(body: &mut Bytes, length: usize) -> Result<Bytes, FlvError> {
    if body.len() < length {
        return Err(FlvError::Truncated);
    }
    Ok(body.split_to(length))
}
