//! The sample tables of one track, as the bytes they are in the file.

use crate::Mp4Error;
use crate::boxes::{Fields, child};
use crate::limits::TRACK_SAMPLES_MAX;
use bytes::Bytes;

/// Rows of equal size. A cursor reads the ones it comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    bytes: Bytes,
    row_bytes: usize,
}

impl Rows {
    /// A table behind version, flags and a count of its rows.
    fn read(body: &Bytes, row_bytes: usize, name: &'static str) -> Result<Self, Mp4Error> {
        let mut fields = Fields(body);
        fields.version_and_flags()?;
        let count = fields.u32()?;
        Self::take(body, fields, count, row_bytes, name)
    }

    fn take(
        body: &Bytes,
        fields: Fields<'_>,
        count: u32,
        row_bytes: usize,
        name: &'static str,
    ) -> Result<Self, Mp4Error> {
        let rest = fields.rest();
        let wanted = (count as usize)
            .checked_mul(row_bytes)
            .filter(|&wanted| wanted <= rest.len())
            .ok_or(Mp4Error::Damaged(name))?;
        let bytes = body.slice_ref(&rest[..wanted]);
        Ok(Self { bytes, row_bytes })
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len().checked_div(self.row_bytes).unwrap_or(0)
    }

    fn row(&self, index: usize) -> Option<Fields<'_>> {
        let begin = index.checked_mul(self.row_bytes)?;
        let end = begin.checked_add(self.row_bytes)?;
        self.bytes.get(begin..end).map(Fields)
    }

    /// Two numbers of a row: stts, ctts.
    pub(crate) fn pair(&self, index: usize) -> Option<(u32, u32)> {
        let mut row = self.row(index)?;
        Some((row.u32().ok()?, row.u32().ok()?))
    }

    /// Three numbers of a row: stsc.
    pub(crate) fn triple(&self, index: usize) -> Option<(u32, u32, u32)> {
        let mut row = self.row(index)?;
        Some((row.u32().ok()?, row.u32().ok()?, row.u32().ok()?))
    }

    /// One number, of as many bytes as a row has.
    pub(crate) fn number(&self, index: usize) -> Option<u64> {
        let row = self.row(index)?;
        Some(
            row.rest()
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte)),
        )
    }
}

/// How large samples are.
#[derive(Clone, Debug)]
pub(crate) enum Sizes {
    Uniform {
        bytes: u32,
        count: u32,
    },
    Each(Rows),
    /// Two to a byte.
    Nibbles {
        rows: Rows,
        count: u32,
    },
}

impl Default for Sizes {
    fn default() -> Self {
        Self::Uniform { bytes: 0, count: 0 }
    }
}

impl Sizes {
    pub(crate) fn count(&self) -> u32 {
        match self {
            Self::Uniform { count, .. } | Self::Nibbles { count, .. } => *count,
            Self::Each(rows) => u32::try_from(rows.len()).unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn of(&self, sample: u32) -> Option<u32> {
        match self {
            Self::Uniform { bytes, count } => (sample < *count).then_some(*bytes),
            Self::Each(rows) => u32::try_from(rows.number(sample as usize)?).ok(),
            Self::Nibbles { rows, count } if sample < *count => {
                let byte = u32::try_from(rows.number(sample as usize / 2)?).ok()?;
                Some(if sample.is_multiple_of(2) {
                    byte >> 4
                } else {
                    byte & 0x0F
                })
            }
            Self::Nibbles { .. } => None,
        }
    }

    fn read_stsz(body: &Bytes) -> Result<Self, Mp4Error> {
        let mut fields = Fields(body);
        fields.version_and_flags()?;
        let (bytes, count) = (fields.u32()?, fields.u32()?);
        if bytes > 0 {
            return Ok(Self::Uniform { bytes, count });
        }
        Rows::take(body, fields, count, 4, "stsz").map(Self::Each)
    }

    fn read_stz2(body: &Bytes) -> Result<Self, Mp4Error> {
        let mut fields = Fields(body);
        fields.version_and_flags()?;
        let bits = fields.u32()? & 0xFF;
        let count = fields.u32()?;
        match bits {
            4 => {
                let rows = Rows::take(body, fields, count.div_ceil(2), 1, "stz2")?;
                Ok(Self::Nibbles { rows, count })
            }
            8 => Rows::take(body, fields, count, 1, "stz2").map(Self::Each),
            16 => Rows::take(body, fields, count, 2, "stz2").map(Self::Each),
            _ => Err(Mp4Error::Damaged("stz2")),
        }
    }
}

/// What `stbl` says about where and when samples are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    /// Runs of (samples, duration).
    pub(crate) durations: Rows,
    /// Runs of (samples, presentation minus decoding time).
    pub(crate) offsets: Option<Rows>,
    /// Runs of (first chunk, samples per chunk, description).
    pub(crate) chunk_runs: Rows,
    /// Where each chunk begins in the file.
    pub(crate) chunks: Rows,
    pub(crate) sizes: Sizes,
    /// The samples, counted from one, where decoding can begin; `None`: not said.
    pub(crate) sync: Option<Rows>,
}

impl Tables {
    pub(crate) fn read(stbl: &Bytes) -> Result<Self, Mp4Error> {
        let table = |kind, row_bytes, name| {
            let body = child(stbl, kind);
            body.map(|body| Rows::read(&body, row_bytes, name))
                .transpose()
        };
        let sizes = match (child(stbl, b"stsz"), child(stbl, b"stz2")) {
            (Some(body), _) => Sizes::read_stsz(&body)?,
            (None, Some(body)) => Sizes::read_stz2(&body)?,
            (None, None) => Sizes::default(),
        };
        if sizes.count() > TRACK_SAMPLES_MAX {
            return Err(Mp4Error::TooLarge("stsz"));
        }
        let chunks = match table(b"co64", 8, "co64")? {
            Some(rows) => rows,
            None => table(b"stco", 4, "stco")?.unwrap_or_default(),
        };
        Ok(Self {
            durations: table(b"stts", 8, "stts")?.unwrap_or_default(),
            offsets: table(b"ctts", 8, "ctts")?,
            chunk_runs: table(b"stsc", 12, "stsc")?.unwrap_or_default(),
            chunks,
            sizes,
            sync: table(b"stss", 4, "stss")?,
        })
    }

    /// Where the last chunk begins; a file that ends before it was cut off.
    pub(crate) fn last_chunk(&self) -> Option<u64> {
        self.chunks.number(self.chunks.len().checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_claims_more_rows_than_it_has_is_refused() {
        let body = Bytes::from_static(&[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1]);
        let refused = Rows::read(&body, 4, "stss").map(|rows| rows.len());
        assert_eq!(refused, Err(Mp4Error::Damaged("stss")));
    }

    #[test]
    fn sizes_of_four_bits_stand_two_to_a_byte() {
        let body = Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3, 0x12, 0x30]);
        let sizes = Sizes::read_stz2(&body).expect("sizes");
        let read: Vec<_> = (0..4).map(|sample| sizes.of(sample)).collect();
        assert_eq!(read, [Some(1), Some(2), Some(3), None]);
    }
}
