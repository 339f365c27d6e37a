//! Reading bits, most significant first.

/// A cursor over bits. Every read past the end is `None`, never a panic.
#[derive(Clone, Debug)]
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    position_bits: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            position_bits: 0,
        }
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        let byte = self.data.get(self.position_bits / 8)?;
        let bit = byte >> (7 - self.position_bits % 8) & 1;
        self.position_bits += 1;
        Some(bit == 1)
    }

    /// Up to 32 bits.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32, "a read is at most one 32-bit word");
        let mut value = 0_u32;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    /// Up to 8 bits, as a byte.
    pub(crate) fn byte(&mut self, count: u32) -> Option<u8> {
        self.bits(count.min(8)).map(|value| value.to_le_bytes()[0])
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        let position = self.position_bits.checked_add(count)?;
        if position > self.data.len() * 8 {
            return None;
        }
        self.position_bits = position;
        Some(())
    }

    /// An unsigned Exp-Golomb code.
    pub(crate) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let suffix = self.bits(zeros)?;
        Some(((1_u32 << zeros) - 1).saturating_add(suffix))
    }

    /// A signed Exp-Golomb code.
    pub(crate) fn se(&mut self) -> Option<i64> {
        let code = i64::from(self.ue()?);
        Some(if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -(code / 2)
        })
    }

    pub(crate) fn position_bits(&self) -> usize {
        self.position_bits
    }
}

/// Writes bits, most significant first.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are written; eight where it is full.
    used: u32,
}

impl BitWriter {
    /// With room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            used: 8,
        }
    }

    pub(crate) fn bit(&mut self, bit: bool) {
        self.bits(u32::from(bit), 1);
    }

    /// Up to 32 bits.
    pub(crate) fn bits(&mut self, value: u32, count: u32) {
        let mut left = count.min(32);
        while left > 0 {
            if self.used == 8 || self.bytes.is_empty() {
                self.bytes.push(0);
                self.used = 0;
            }
            let now = left.min(8 - self.used);
            let part = value >> (left - now) & ((1 << now) - 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= (part << (8 - self.used - now)) as u8;
            }
            self.used += now;
            left -= now;
        }
    }

    /// An unsigned Exp-Golomb code.
    pub(crate) fn ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let length = 64 - code.leading_zeros();
        self.bits(0, length - 1);
        self.bits((code >> 32) as u32, length.saturating_sub(32));
        self.bits(code as u32, length.min(32));
    }

    /// A signed Exp-Golomb code.
    pub(crate) fn se(&mut self, value: i64) {
        let code = if value > 0 { value * 2 - 1 } else { value * -2 };
        self.ue(code.clamp(0, i64::from(u32::MAX)) as u32);
    }

    /// Copies bits; whether there are so many.
    pub(crate) fn copy(&mut self, from: &[u8], begin_bits: usize, end_bits: usize) -> Option<()> {
        let mut reader = BitReader::new(from);
        reader.skip(begin_bits)?;
        let mut left = end_bits.checked_sub(begin_bits)?;
        while left > 0 {
            let now = left.min(8) as u32;
            self.bits(reader.bits(now)?, now);
            left -= now as usize;
        }
        Some(())
    }

    /// Fills the last byte up with ones.
    pub(crate) fn align_with_ones(&mut self) {
        if !self.bytes.is_empty() {
            self.bits(0xFF, 8 - self.used);
        }
    }

    /// The bytes, the last filled up with zeros.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_read_as_the_standard_lists_them() {
        // 1 | 010 | 011 | 00100 | 00101, padded with zeros
        let mut reader = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| reader.ue()).collect();
        assert_eq!(codes, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn reading_past_the_end_is_none() {
        let mut reader = BitReader::new(&[0xFF]);
        assert_eq!(reader.bits(9), None);
        assert_eq!(BitReader::new(&[0, 0, 0, 0, 0, 0]).ue(), None);
    }

    #[test]
    fn what_is_written_reads_as_it_was() {
        let mut writer = BitWriter::with_capacity(9);
        writer.bit(true);
        let unsigned = [0, 1, 2, 7, 255, 65_535, u32::MAX - 1];
        unsigned.iter().for_each(|&value| writer.ue(value));
        let signed = [0, 1, -1, 26, -26, 32_767, -32_768];
        signed.iter().for_each(|&value| writer.se(value));
        writer.bits(0xDEAD_BEEF, 32);
        writer.copy(&[0x0F, 0xF0, 0x55], 3, 22).expect("enough");
        writer.align_with_ones();
        let bytes = writer.into_bytes();
        let mut reader = BitReader::new(&bytes);
        assert_eq!(reader.bit(), Some(true));
        // The reader's codes have 31 zeros at most.
        assert_eq!(unsigned.map(|_| reader.ue()), unsigned.map(Some));
        assert_eq!(signed.map(|_| reader.se()), signed.map(Some));
        assert_eq!(reader.bits(32), Some(0xDEAD_BEEF));
        assert_eq!(reader.bits(19), Some(0x000F_F055 >> 2 & 0x0007_FFFF));
        let left = bytes.len() * 8 - reader.position_bits();
        assert_eq!(reader.bits(left as u32), Some((1 << left) - 1));
    }
}
