//! AMF0; what parses survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_rtmp::amf::{decode, encode};

fuzz_target!(|data: &[u8]| {
    let Ok(values) = decode(data) else {
        return;
    };
    let mut bytes = Vec::new();
    values.iter().for_each(|value| encode(value, &mut bytes));
    let again = decode(&bytes).expect("what was written can be read");
    // Numbers may be NaN, which is unlike itself.
    assert_eq!(format!("{again:?}"), format!("{values:?}"));
});
