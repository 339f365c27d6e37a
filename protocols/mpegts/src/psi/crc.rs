const POLYNOMIAL: u32 = 0x04C1_1DB7;
const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 != 0 {
                crc << 1 ^ POLYNOMIAL
            } else {
                crc << 1
            };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// The CRC of MPEG-2 sections. Over a section with its CRC it is zero.
#[must_use]
pub fn crc32(data: &[u8]) -> u32 {
    update(u32::MAX, data)
}

/// Goes on with a CRC. From zero, over the differences of two sections of the same length, it
/// gives the difference of their CRCs.
pub(crate) fn update(crc: u32, data: &[u8]) -> u32 {
    data.iter().fold(crc, |crc, &byte| {
        crc << 8 ^ TABLE[usize::from((crc >> 24) as u8 ^ byte)]
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_value_of_crc_32_mpeg_2() {
        assert_eq!(super::crc32(b"123456789"), 0x0376_E6E7);
    }
}
