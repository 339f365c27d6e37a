//! H.265 parameter sets in an Annex B stream.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_codecs::{Codec, StreamReader, h265, nal};

/// An IDR slice: without one the reader waits for the end of the parameter sets.
const SLICE: &[u8] = &[0, 0, 1, 0x26, 0x01, 0xAF];

fuzz_target!(|stream: &[u8]| {
    let units: Vec<Bytes> = nal::split(stream).map(Bytes::copy_from_slice).collect();
    for unit in &units {
        let _ = h265::UnitType::of(unit);
        if let Some(sps) = h265::Sps::parse(unit) {
            let format = sps.format();
            assert!(
                format.width > 0 && format.height > 0,
                "an empty picture: {format:?}"
            );
        }
    }
    let _ = h265::hvcc(&units, &units, &units);
    let mut reader = StreamReader::new(Codec::H265);
    reader.read(stream);
    reader.read(&[stream, SLICE].concat());
    let _ = reader.config().and_then(|config| config.rfc6381());
});
