//! Made media with the proportions of real ones: H.264 at 6 Mbit/s and AAC at 128 kbit/s.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use tidegate_codecs::{Codec, StreamConfig, StreamReader};
use tidegate_mpegts::{Mux, MuxTrack, MuxUnit};
use tidegate_netsim::Chance;

/// What a live sender puts in one packet: seven transport stream packets.
pub(crate) const PAYLOAD_BYTES: usize = 7 * 188;

pub(crate) const VIDEO: u16 = 0;
pub(crate) const AUDIO: u16 = 1;

/// Ticks of the 90 kHz clock.
const SECOND: i64 = 90_000;
const PICTURES_PER_SECOND: i64 = 25;
/// A key frame every two seconds.
const GROUP_PICTURES: i64 = 50;
/// Key frames are larger than the pictures between them by about so much.
const KEY_FRAME_BYTES: u64 = 150_000;
const PICTURE_BYTES: u64 = 27_000;
/// How much sizes vary.
const SPREAD_BYTES: u64 = 6_000;
/// 128 kbit/s in frames of 1024 samples at 48 kHz, without ADTS.
const SOUND_BYTES: usize = 341;
const SOUND_TICKS: i64 = 1920;

/// Delimiter, sequence and picture parameter sets of 1920×1080.
const KEY_HEAD: &[u8] = &[
    0, 0, 0, 1, 9, 0x10, 0, 0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27,
    0xE5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xC8, 0x3C, 0x60, 0xC6, 0x58,
    0, 0, 0, 1, 0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0, 0, 0, 1, 0x65, 0x88, 0x84, 0x00, 0x33,
];
/// Delimiter and the beginning of a slice.
const PICTURE_HEAD: &[u8] = &[
    0, 0, 0, 1, 9, 0x30, 0, 0, 0, 1, 0x41, 0x9A, 0x24, 0x6C, 0x41, 0x4F,
];
const ADTS: &[u8] = &[0xFF, 0xF1, 0x4C, 0x80, 0x2E, 0x7F, 0xFC];

/// The `number`-th payload of a stream that nobody looks into.
pub(crate) fn payload(number: u64) -> Bytes {
    let mut bytes = vec![0; PAYLOAD_BYTES];
    Chance::new(number).fill(&mut bytes);
    bytes.into()
}

/// `seconds` of pictures and sound, in the order in which they are sent.
pub(crate) fn units(seconds: i64) -> Vec<MuxUnit> {
    units_of(1, seconds)
}

/// The same of one of several encoders.
pub(crate) fn units_of(encoder: u64, seconds: i64) -> Vec<MuxUnit> {
    let mut chance = Chance::new(encoder);
    let mut units = Vec::new();
    let mut sound = 0;
    for number in 0..seconds * PICTURES_PER_SECOND {
        let time = SECOND + number * SECOND / PICTURES_PER_SECOND;
        units.push(picture(&mut chance, time, number % GROUP_PICTURES == 0));
        while SECOND + sound * SOUND_TICKS < time {
            units.push(MuxUnit {
                track: AUDIO,
                pts: SECOND + sound * SOUND_TICKS,
                dts: SECOND + sound * SOUND_TICKS,
                key: true,
                data: noise(&mut chance, &[], SOUND_BYTES),
            });
            sound += 1;
        }
    }
    units
}

/// The units as a transport stream.
pub(crate) fn transport_stream(units: &[MuxUnit]) -> Bytes {
    let mut mux = Mux::new();
    let tracks = [(VIDEO, Codec::H264, KEY_HEAD), (AUDIO, Codec::Aac, ADTS)];
    let tracks = tracks.map(|(id, codec, unit)| MuxTrack {
        id,
        config: config(codec, unit),
        language: None,
    });
    mux.set_tracks(&tracks).expect("tracks that can be carried");
    let mut stream = BytesMut::new();
    for unit in units {
        mux.push(unit, &mut stream);
    }
    stream.freeze()
}

fn config(codec: Codec, unit: &[u8]) -> Arc<StreamConfig> {
    let mut reader = StreamReader::new(codec);
    reader.read(unit);
    Arc::clone(reader.config().expect("the unit carries its configuration"))
}

fn picture(chance: &mut Chance, time: i64, key: bool) -> MuxUnit {
    let (head, bytes) = if key {
        (KEY_HEAD, KEY_FRAME_BYTES)
    } else {
        (PICTURE_HEAD, PICTURE_BYTES)
    };
    let bytes = bytes + chance.below(SPREAD_BYTES);
    MuxUnit {
        track: VIDEO,
        pts: time,
        dts: time,
        key,
        data: noise(chance, head, usize::try_from(bytes).unwrap_or(0)),
    }
}

/// Entropy-coded data: any byte may stand in it, but as in real ones never a start code.
fn noise(chance: &mut Chance, head: &[u8], bytes: usize) -> Bytes {
    let mut unit = BytesMut::with_capacity(head.len() + bytes + 1);
    unit.put_slice(head);
    let from = unit.len();
    unit.resize(from + bytes, 0);
    chance.fill(&mut unit[from..]);
    for at in from.max(2)..unit.len() {
        if unit[at - 2..at] == [0, 0] && unit[at] <= 3 {
            unit[at] = 0xA5;
        }
    }
    unit.put_u8(0x80);
    unit.freeze()
}
