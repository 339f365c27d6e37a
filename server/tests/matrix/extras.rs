//! A clip with everything beside picture and sound that contribution feeds carry.

use bytes::{Bytes, BytesMut};
use std::path::{Path, PathBuf};
use tidegate_mpegts::{Demux, Event, Mux, MuxTrack, MuxUnit, PACKET_BYTES, Packet, Stamp, crc32};
use tidegate_testkit::Reference;

/// A NAL unit with CEA-608 captions, as it is written into every key frame (ATSC A/53, 6.2.3).
pub(crate) const CAPTION: &[u8] = b"\x06\x04\x0E\xB5\0\x31GA94\x03\x41\xFF\xFC\x94\x2C\xFF\x80";

/// A packet of each is put in after so many others.
const DISTANCE: usize = 20;

/// A stream beside picture and sound.
pub(crate) struct Extra {
    /// As Tidegate calls it; empty for what no table names.
    pub(crate) name: &'static str,
    pub(crate) pid: u16,
    stream_type: u8,
    descriptors: &'static [u8],
    /// Begins a section or a PES packet.
    payload: &'static [u8],
}

const PES: &[u8] = b"\0\0\x01\xBD\0\x19\x84\0\0beside the picture";

/// SCTE-35, timed ID3, KLV, teletext, what nobody knows, and what no table names.
pub(crate) const EXTRAS: [Extra; 6] = [
    extra("scte35", 0x1F0, 0x86, b"\x05\x04CUEI", SPLICE),
    extra(
        "id3",
        0x1F1,
        0x15,
        b"\x26\x0D\xFF\xFFID3 \xFFID3 \0\x0F",
        PES,
    ),
    extra("klv", 0x1F2, 0x06, b"\x05\x04KLVA", PES),
    extra("teletext", 0x1F3, 0x06, b"\x56\x05eng\x09\0", PES),
    extra("data", 0x1F4, 0xC8, b"", PES),
    extra("", 0x1F5, 0, b"", PES),
];

/// A splice_null: its pointer, the section, and its checksum (SCTE 35, 9.6).
const SPLICE: &[u8] = b"\0\xFC\x30\x11\0\0\0\0\0\0\0\xFF\xF0\0\0\0\0\x7A\x4F\xBF\xFF";

const fn extra(
    name: &'static str,
    pid: u16,
    stream_type: u8,
    descriptors: &'static [u8],
    payload: &'static [u8],
) -> Extra {
    Extra {
        name,
        pid,
        stream_type,
        descriptors,
        payload,
    }
}

/// The clip with all of them in it.
pub(crate) fn with_extras(clip: &Reference, folder: &Path) -> PathBuf {
    let file = folder.join("extras.ts");
    let captioned = captioned(&std::fs::read(clip.file()).unwrap());
    std::fs::write(&file, with_packets(&captioned)).unwrap();
    file
}

/// A stream with captions in its key frames.
fn captioned(stream: &[u8]) -> BytesMut {
    let mut demux = Demux::new();
    demux.push(Stamp::default(), stream);
    demux.flush();
    let (mut mux, mut out) = (Mux::new(), BytesMut::new());
    let tracks = demux.tracks().iter().map(|track| MuxTrack {
        id: track.pid,
        config: track.config.clone().unwrap(),
        language: None,
    });
    mux.set_tracks(&tracks.collect::<Vec<_>>()).unwrap();
    while let Some(event) = demux.next_event() {
        if let Event::Unit(unit) = event {
            let unit = MuxUnit {
                track: unit.pid,
                pts: unit.pts,
                dts: unit.dts,
                key: unit.random_access,
                data: with_caption(&unit.data),
            };
            mux.push(&unit, &mut out);
        }
    }
    out
}

/// A key frame with captions in front of its first slice; anything else as it is.
fn with_caption(unit: &Bytes) -> Bytes {
    const FIRST_SLICE: &[u8] = &[0, 0, 1, 0x65];
    let Some(at) = unit.windows(4).position(|bytes| bytes == FIRST_SLICE) else {
        return unit.clone();
    };
    [&unit[..at], &[0, 0, 1], CAPTION, &unit[at..]]
        .concat()
        .into()
}

fn with_packets(stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stream.len() * 2);
    let mut map_pid = None;
    for (number, packet) in stream.as_chunks::<PACKET_BYTES>().0.iter().enumerate() {
        let seen = Packet::new(packet).unwrap();
        if seen.pid() == 0 {
            let payload = seen.payload();
            map_pid = Some(u16::from_be_bytes([payload[11], payload[12]]) & 0x1FFF);
        }
        if Some(seen.pid()) == map_pid {
            out.extend(longer_map(packet, seen.payload()));
        } else {
            out.extend_from_slice(packet);
        }
        if number % DISTANCE == DISTANCE - 1 {
            let round = number / DISTANCE;
            out.extend(EXTRAS.iter().flat_map(|extra| packet_of(extra, round)));
        }
    }
    out
}

/// The program map, which names the extras too.
fn longer_map(packet: &[u8; PACKET_BYTES], payload: &[u8]) -> Vec<u8> {
    let length = usize::from(u16::from_be_bytes([payload[2], payload[3]]) & 0x0FFF);
    let mut section = payload[1..=length - 1].to_vec();
    for extra in EXTRAS.iter().filter(|extra| !extra.name.is_empty()) {
        section.push(extra.stream_type);
        section.extend((0xE000 | extra.pid).to_be_bytes());
        section.extend((0xF000 | u16::try_from(extra.descriptors.len()).unwrap()).to_be_bytes());
        section.extend_from_slice(extra.descriptors);
    }
    let length = u16::try_from(section.len() + 4 - 3).unwrap();
    section[1..3].copy_from_slice(&(0xB000 | length).to_be_bytes());
    let crc = crc32(&section);
    let mut out = packet[..4].to_vec();
    out[3] &= 0xDF; // no adaptation field
    out.push(0);
    out.extend(section);
    out.extend(crc.to_be_bytes());
    assert!(out.len() <= PACKET_BYTES, "the map needs a second packet");
    out.resize(PACKET_BYTES, 0xFF);
    out
}

/// The `round`th packet of a stream.
fn packet_of(extra: &Extra, round: usize) -> Vec<u8> {
    let [high, low] = extra.pid.to_be_bytes();
    let counter = u8::try_from(round % 16).unwrap();
    let mut packet = vec![0x47, 0x40 | high, low, 0x10 | counter];
    packet.extend_from_slice(extra.payload);
    packet.extend(u32::try_from(round).unwrap().to_be_bytes());
    packet.resize(PACKET_BYTES, 0xFF);
    packet
}

/// The rounds of a stream that are in a received stream, in its order.
pub(crate) fn rounds(extra: &Extra, received: &[u8]) -> Vec<u32> {
    let packets = received.as_chunks::<PACKET_BYTES>().0.iter();
    let own = packets.filter(|packet| Packet::new(packet).is_some_and(|p| p.pid() == extra.pid));
    let round = |packet: &[u8; PACKET_BYTES]| {
        let at = 4 + extra.payload.len();
        assert_eq!(&packet[4..at], extra.payload, "another payload");
        u32::from_be_bytes(packet[at..at + 4].try_into().unwrap())
    };
    own.map(round).collect()
}
