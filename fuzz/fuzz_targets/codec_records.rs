//! Decoder configuration records and samples of MP4 and FLV. The first byte chooses the codec,
//! the second where the record ends and the sample begins.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_codecs::{Codec, Record, StreamReader, sample};

const CODECS: [Codec; 5] = [
    Codec::H264,
    Codec::H265,
    Codec::Av1,
    Codec::Aac,
    Codec::Opus,
];

fuzz_target!(|input: &[u8]| {
    let [codec, cut, data @ ..] = input else {
        return;
    };
    let codec = CODECS[usize::from(*codec) % CODECS.len()];
    let (record, rest) = data.split_at(usize::from(*cut).min(data.len()));
    let record = Record::parse(codec, record);
    let length_bytes = record.as_ref().map_or(4, |record| record.nal_length_bytes);
    let mut reader = StreamReader::new(codec);
    if let Some(record) = record {
        let _ = record.config.rfc6381();
        if let Some(written) = record.config.record() {
            let again = Record::parse(codec, &written).expect("what was written can be read");
            assert_eq!(again.config, record.config);
        }
        reader = StreamReader::with_config(record.config);
    }
    let data = Bytes::copy_from_slice(rest);
    if let Some(unit) = sample::to_unit(codec, &data, length_bytes) {
        assert!(unit.len() <= data.len() * 5 / 2 + 8, "much of little");
        reader.read(&unit);
        let _ = sample::from_unit(codec, &unit);
    }
});
