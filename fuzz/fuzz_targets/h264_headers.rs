//! H.264 parameter sets, slice headers and SEI in an Annex B stream.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_codecs::{Codec, StreamReader, h264, nal};

/// An IDR slice: without one the reader waits for the end of the parameter sets.
const SLICE: &[u8] = &[0, 0, 1, 0x65, 0x88, 0x80];

fuzz_target!(|stream: &[u8]| {
    let units: Vec<Bytes> = nal::split(stream).map(Bytes::copy_from_slice).collect();
    for unit in &units {
        let _ = h264::UnitType::of(unit);
        let _ = h264::is_intra_slice(unit);
        let _ = h264::has_recovery_point(unit);
        if let Some(sps) = h264::Sps::parse(unit) {
            let format = sps.format();
            assert!(
                format.width > 0 && format.height > 0,
                "an empty picture: {format:?}"
            );
        }
    }
    let _ = h264::avcc(&units, &units);
    let _ = h264::opens(stream, units.iter().map(|unit| &**unit));
    if let Some(mut opened) = h264::Opening::begin(stream) {
        for _ in 0..3 {
            let _ = opened.opening.picture(stream, false);
        }
        for made in opened.front.iter().chain([&opened.entry]) {
            assert!(made.len() <= stream.len() * 2 + 64 * units.len());
            assert!(h264::Opening::begin(made).is_none() || opened.front.is_some());
        }
    }
    let mut reader = StreamReader::new(Codec::H264);
    reader.read(stream);
    reader.read(&[stream, SLICE].concat());
    let _ = reader.config().and_then(|config| config.rfc6381());
});
