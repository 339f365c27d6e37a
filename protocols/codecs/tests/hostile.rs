//! Headers come from strangers: whatever the bytes, reading them ends and does not panic.

use std::hint::black_box;

use proptest::prelude::*;
use tidegate_codecs::{
    AudioFramer, Codec, Record, StreamReader, aac, ac3, av1, h264, h265, mpeg2, nal, opus,
};

const ALL: [Codec; 13] = [
    Codec::Av1,
    Codec::H264,
    Codec::H265,
    Codec::Mpeg1Video,
    Codec::Mpeg2Video,
    Codec::Aac,
    Codec::AacLatm,
    Codec::MpegAudio,
    Codec::Ac3,
    Codec::Eac3,
    Codec::Opus,
    Codec::Dts,
    Codec::Data,
];

/// Bytes in which start codes, sync words and extreme values are common.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => any::<u8>(),
        3 => Just(0_u8),
        2 => Just(1_u8),
        1 => prop::sample::select(vec![0x67, 0x68, 0x65, 0x06, 0x42, 0x44, 0x40, 0xB3, 0xB5]),
        1 => prop::sample::select(vec![0xFF, 0xF1, 0xFB, 0x0B, 0x77, 0x56, 0xE0, 0x7F]),
    ];
    prop::collection::vec(byte, 0..400)
}

proptest! {
    #[test]
    fn no_access_unit_makes_a_reader_panic(unit in bytes()) {
        for codec in ALL {
            let mut reader = StreamReader::new(codec);
            reader.read(&unit);
            if let Some(config) = reader.config() {
                black_box(config.rfc6381());
            }
        }
    }

    #[test]
    fn no_access_unit_makes_an_opening_panic(units in prop::collection::vec(bytes(), 1..5)) {
        let sets = units.iter().map(|unit| &**unit);
        black_box(h264::opens(&units[0], sets));
        if let Some(mut opened) = h264::Opening::begin(&units[0]) {
            for unit in &units {
                black_box(opened.opening.picture(unit, true));
            }
        }
    }

    #[test]
    fn no_audio_makes_a_framer_panic_or_hold_more_than_its_limit(
        packets in prop::collection::vec((any::<Option<i64>>(), bytes()), 0..8),
    ) {
        for mut framer in ALL.into_iter().filter_map(|codec| AudioFramer::new(codec, None)) {
            for (pts, packet) in &packets {
                framer.push(pts.map(|pts| pts >> 20), packet);
                while framer.next_frame().is_some() {}
            }
        }
    }

    #[test]
    fn no_header_makes_a_parser_panic(data in bytes()) {
        black_box(h264::Sps::parse(&data));
        black_box(h264::has_recovery_point(&data));
        black_box(h264::is_intra_slice(&data));
        black_box(h265::Sps::parse(&data));
        black_box(mpeg2::headers(&data));
        black_box(ac3::header(&data));
        black_box(aac::AudioSpecificConfig::parse(&data));
        aac::LatmReader::default().frame(&data);
        black_box(opus::control(&data).ok());
        black_box(opus::packet_samples(&data));
        black_box(av1::SequenceHeader::parse(&data));
        for record in ALL.into_iter().filter_map(|codec| Record::parse(codec, &data)) {
            black_box(record.config.record());
        }
        prop_assert!(nal::split(&data).count() <= data.len());
        let sets = [bytes::Bytes::from(data)];
        black_box(h264::avcc(&sets, &sets));
        black_box(h265::hvcc(&sets, &sets, &sets));
    }
}
