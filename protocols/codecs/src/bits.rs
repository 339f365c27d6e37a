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
}
