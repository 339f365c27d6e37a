//! The tables of a transport stream with one PID of media.

use tidegate_mpegts::crc32;

pub const PMT_PID: u16 = 0x20;
pub const MEDIA_PID: u16 = 0x100;

pub fn pat() -> Vec<u8> {
    let mut section = vec![0x00, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 1];
    section.extend((0xE000 | PMT_PID).to_be_bytes());
    finish(section)
}

pub fn pmt(stream_type: u8) -> Vec<u8> {
    let mut section = vec![0x02, 0xB0, 18, 0, 1, 0xC1, 0, 0];
    section.extend((0xE000 | MEDIA_PID).to_be_bytes());
    section.extend([0xF0, 0, stream_type]);
    section.extend((0xE000 | MEDIA_PID).to_be_bytes());
    section.extend([0xF0, 0]);
    finish(section)
}

/// The pointer field in front, the CRC behind.
fn finish(section: Vec<u8>) -> Vec<u8> {
    let crc = crc32(&section);
    let mut payload = vec![0];
    payload.extend(&section);
    payload.extend(crc.to_be_bytes());
    payload
}
