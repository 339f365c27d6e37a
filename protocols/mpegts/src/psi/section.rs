//! Sections out of packet payloads.

use super::crc32;

/// The longest section there is.
pub const MAX_SECTION_BYTES: usize = 4096;
const HEADER_BYTES: usize = 3;
const STUFFING_TABLE_ID: u8 = 0xFF;

/// Puts the sections of one PID together.
#[derive(Clone, Debug, Default)]
pub struct SectionReader {
    buffer: Vec<u8>,
    /// A section has begun and not ended.
    inside: bool,
    crc_errors: u64,
}

impl SectionReader {
    /// A reader between sections.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            inside: false,
            crc_errors: 0,
        }
    }

    /// Sections dropped because their CRC was wrong.
    #[must_use]
    pub const fn crc_errors(&self) -> u64 {
        self.crc_errors
    }

    /// Drops the section under way: packets were lost.
    pub fn reset(&mut self) {
        self.buffer.clear();
        self.inside = false;
    }

    /// Takes a packet's payload; `on_section` gets each whole section whose CRC is right.
    pub fn push(&mut self, payload: &[u8], unit_start: bool, mut on_section: impl FnMut(&[u8])) {
        if !unit_start {
            self.extend(payload, &mut on_section);
            return;
        }
        let Some((&pointer, rest)) = payload.split_first() else {
            return;
        };
        let Some((before, after)) = rest.split_at_checked(usize::from(pointer)) else {
            self.reset();
            return;
        };
        self.extend(before, &mut on_section);
        self.buffer.clear();
        self.inside = true;
        self.extend(after, &mut on_section);
    }

    fn extend(&mut self, bytes: &[u8], on_section: &mut impl FnMut(&[u8])) {
        if !self.inside {
            return;
        }
        self.buffer.extend_from_slice(bytes);
        while let [table_id, high, low, ..] = self.buffer[..] {
            let length = HEADER_BYTES + (usize::from(high & 0x0F) << 8 | usize::from(low));
            if table_id == STUFFING_TABLE_ID || length > MAX_SECTION_BYTES {
                self.reset();
                return;
            }
            let Some(section) = self.buffer.get(..length) else {
                return;
            };
            let has_crc = high & 0x80 != 0;
            if has_crc && crc32(section) != 0 {
                self.crc_errors += 1;
            } else {
                on_section(section);
            }
            self.buffer.drain(..length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A private section without CRC.
    fn section(len: u8) -> Vec<u8> {
        let mut bytes = vec![0x42, 0x00, len];
        bytes.extend((0..len).map(|byte| byte ^ 0x5A));
        bytes
    }

    fn collect(reader: &mut SectionReader, payload: &[u8], start: bool) -> Vec<usize> {
        let mut lengths = Vec::new();
        reader.push(payload, start, |section| lengths.push(section.len()));
        lengths
    }

    #[test]
    fn a_section_over_two_packets_and_one_behind_it_are_found() {
        let mut reader = SectionReader::new();
        let long = section(200);
        let payload: Vec<u8> = [&[0][..], &long[..183]].concat();
        assert!(collect(&mut reader, &payload, true).is_empty());
        let payload = [&[20][..], &long[183..], &section(5), &[0xFF; 30]].concat();
        assert_eq!(collect(&mut reader, &payload, true), [203, 8]);
    }

    #[test]
    fn a_wrong_crc_drops_the_section_and_is_counted() {
        let mut reader = SectionReader::new();
        let payload = [0, 0x00, 0xB0, 0x05, 1, 2, 3, 4, 5];
        assert!(collect(&mut reader, &payload, true).is_empty());
        assert_eq!(reader.crc_errors(), 1);
    }

    #[test]
    fn a_pointer_outside_the_packet_is_harmless() {
        let mut reader = SectionReader::new();
        assert!(collect(&mut reader, &[200, 1, 2, 3], true).is_empty());
        assert!(collect(&mut reader, &[], true).is_empty());
    }
}
