//! Boxes: a size, a kind, and what is inside.

use crate::Mp4Error;
use bytes::Bytes;

/// A box's four letters.
pub(crate) type Kind = [u8; 4];

/// The most that a box's beginning takes: size, kind, and the 64-bit size.
pub(crate) const HEAD_BYTES_MAX: u64 = 16;
const SMALL_HEAD: u64 = 8;

/// What a box's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) head_bytes: u64,
    /// The whole box; `None` when it reaches to the end of what it is in.
    pub(crate) total_bytes: Option<u64>,
}

impl Head {
    /// Reads the beginning of a box.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Mp4Error> {
        let mut fields = Fields(bytes);
        let (size, kind) = (fields.u32()?, fields.kind()?);
        let (head_bytes, total_bytes) = match size {
            0 => (SMALL_HEAD, None),
            1 => (HEAD_BYTES_MAX, Some(fields.u64()?)),
            size => (SMALL_HEAD, Some(u64::from(size))),
        };
        if total_bytes.is_some_and(|total| total < head_bytes) {
            return Err(Mp4Error::Damaged("size"));
        }
        Ok(Self {
            kind,
            head_bytes,
            total_bytes,
        })
    }
}

/// The boxes inside, up to the first that is not whole.
pub(crate) fn children(bytes: &Bytes) -> impl Iterator<Item = (Kind, Bytes)> {
    let mut rest = bytes.clone();
    core::iter::from_fn(move || {
        let head = Head::read(&rest).ok()?;
        let available = rest.len() as u64;
        let total = head.total_bytes.unwrap_or(available);
        if total > available {
            return None;
        }
        // Both are at most what is there.
        let mut whole = rest.split_to(total as usize);
        Some((head.kind, whole.split_off(head.head_bytes as usize)))
    })
}

/// The first box of that kind inside.
pub(crate) fn child(bytes: &Bytes, wanted: &Kind) -> Option<Bytes> {
    children(bytes).find_map(|(kind, body)| (kind == *wanted).then_some(body))
}

/// Reads numbers from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Mp4Error> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Mp4Error::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<(), Mp4Error> {
        self.0 = self.0.get(count..).ok_or(Mp4Error::Truncated)?;
        Ok(())
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Mp4Error> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Mp4Error> {
        self.take().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Mp4Error> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Mp4Error> {
        self.take().map(i32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Mp4Error> {
        self.take().map(u64::from_be_bytes)
    }

    pub(crate) fn kind(&mut self) -> Result<Kind, Mp4Error> {
        self.take()
    }

    /// Version and flags of a "full" box.
    pub(crate) fn version_and_flags(&mut self) -> Result<(u8, u32), Mp4Error> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00FF_FFFF))
    }

    /// A number that has 64 bits in version 1 and 32 before.
    pub(crate) fn by_version(&mut self, version: u8) -> Result<u64, Mp4Error> {
        if version == 1 {
            self.u64()
        } else {
            self.u32().map(u64::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_of_64_bits_and_one_to_the_end_are_read() {
        let large = [&[0, 0, 0, 1][..], b"mdat", &20_u64.to_be_bytes(), b"abcd"].concat();
        let head = Head::read(&large).expect("a head");
        assert_eq!((head.head_bytes, head.total_bytes), (16, Some(20)));
        let to_end = Bytes::from_static(b"\0\0\0\0mdatabc");
        let found: Vec<_> = children(&to_end).collect();
        assert_eq!(found, [(*b"mdat", Bytes::from_static(b"abc"))]);
    }

    #[test]
    fn a_box_that_is_smaller_than_its_head_is_refused() {
        assert!(Head::read(b"\0\0\0\x04free").is_err());
        assert_eq!(children(&Bytes::from_static(b"\0\0\0\x04free")).count(), 0);
    }

    #[test]
    fn what_is_longer_than_its_parent_is_not_given() {
        assert_eq!(children(&Bytes::from_static(b"\0\0\0\x09free")).count(), 0);
    }
}
