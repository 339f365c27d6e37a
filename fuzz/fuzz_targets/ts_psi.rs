//! Program tables: sections as they are, and put together from packets with a right CRC.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_mpegts::{MAX_SECTION_BYTES, Pat, Pmt, SectionReader, crc32};

fuzz_target!(|section: &[u8]| {
    read(section);
    let mut reader = SectionReader::new();
    reader.push(section, true, read);
    reader.push(section, false, read);
    read_with_crc(section);
});

fn read(section: &[u8]) {
    assert!(section.len() <= MAX_SECTION_BYTES || section.len() <= 4096);
    let _ = Pat::parse(section);
    let _ = Pmt::parse(section);
}

/// A random CRC is never right, so the reader gets one that is, and a length that fits.
fn read_with_crc(section: &[u8]) {
    if !(3..=1_000).contains(&section.len()) {
        return;
    }
    let mut section = section.to_vec();
    let length = section.len() + 4 - 3;
    section[1] = section[1] | 0x80;
    section[1] = section[1] & 0xF0 | (length >> 8) as u8;
    section[2] = length as u8;
    let crc = crc32(&section);
    section.extend(crc.to_be_bytes());
    let mut payload = vec![0];
    payload.extend(&section);
    let mut reader = SectionReader::new();
    for (index, part) in payload.chunks(184).enumerate() {
        reader.push(part, index == 0, read);
    }
    assert_eq!(reader.crc_errors(), 0, "the CRC was right");
}
