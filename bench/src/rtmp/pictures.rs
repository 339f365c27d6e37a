//! Which packet of the stream is the last of each picture, and how a picture is known again.

use crate::payload::PAYLOAD_BYTES;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use tidegate_codecs::{Codec, nal};
use tidegate_mpegts::{Demux, Event, PACKET_BYTES, Packet, Stamp};

/// A picture's first slice in short: neither container changes that.
pub(super) type Print = u64;

/// Bytes in front of the picture in an FLV video tag: codec, kind, composition time.
const TAG_BYTES: usize = 5;
/// The kind of tag with a picture in it.
const CODED_PICTURE: u8 = 1;

/// For each picture of a stream, the number of the packet that ends it.
pub(super) fn of_stream(stream: &[u8]) -> HashMap<Print, usize> {
    let mut demux = Demux::new();
    let mut prints = Vec::new();
    let mut video = None;
    for payload in stream.chunks(PAYLOAD_BYTES) {
        demux.push(Stamp::default(), payload);
        while let Some(event) = demux.next_event() {
            match event {
                Event::Tracks(tracks) => {
                    let is_video = |track: &&tidegate_mpegts::Track| track.codec == Codec::H264;
                    video = tracks.iter().find(is_video).map(|track| track.pid);
                }
                Event::Unit(unit) if Some(unit.pid) == video => {
                    prints.push(of_slices(nal::split(&unit.data)));
                }
                Event::Unit(_) => {}
            }
        }
    }
    let ends = video.map(|pid| ends(stream, pid)).unwrap_or_default();
    let found = prints.into_iter().zip(ends);
    found
        .filter_map(|(print, end)| Some((print?, end)))
        .collect()
}

/// A picture in an FLV video tag.
pub(super) fn of_message(body: &[u8]) -> Option<Print> {
    let (tag, mut rest) = body.split_at_checked(TAG_BYTES)?;
    if tag[1] != CODED_PICTURE {
        return None;
    }
    let units = std::iter::from_fn(|| {
        let (length, behind) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (unit, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some(unit)
    });
    of_slices(units)
}

fn of_slices<'a>(mut units: impl Iterator<Item = &'a [u8]>) -> Option<Print> {
    let slice = units.find(|unit| matches!(unit.first().map(|byte| byte & 0x1F), Some(1 | 5)))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(slice);
    Some(hasher.finish())
}

/// The packet with the last transport packet of each PES packet of a PID.
fn ends(stream: &[u8], pid: u16) -> Vec<usize> {
    let (packets, _) = stream.as_chunks::<PACKET_BYTES>();
    let mut ends = Vec::new();
    for (number, bytes) in packets.iter().enumerate() {
        let Some(packet) = Packet::new(bytes).filter(|packet| packet.pid() == pid) else {
            continue;
        };
        let place = number * PACKET_BYTES / PAYLOAD_BYTES;
        if packet.unit_start() {
            ends.push(place);
        } else if let Some(end) = ends.last_mut()
            && packet.has_payload()
        {
            *end = place;
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_again_in_a_tag_without_what_is_around_its_slice() {
        let unit = [
            0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 0x65, 1, 2, 3, 0, 0, 1, 0x0C, 0xFF,
        ];
        let body = [0x17, 1, 0, 0, 0, 0, 0, 0, 4, 0x65, 1, 2, 3];
        let print = of_slices(nal::split(&unit));
        assert!(print.is_some());
        assert_eq!(print, of_message(&body));
        assert_eq!(of_message(&[0x17, 0, 0, 0, 0, 1]), None);
        assert_ne!(of_message(&[0x17, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 1]), print);
    }
}
