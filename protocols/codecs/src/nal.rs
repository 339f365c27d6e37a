//! NAL units in an Annex B byte stream, shared by H.264 and H.265.

use memchr::memmem;

const START_CODE: &[u8] = &[0, 0, 1];

/// Splits an Annex B byte stream at its start codes.
///
/// Bytes before the first start code are skipped, trailing zero bytes of a unit belong
/// to the next start code, and empty units are left out.
pub fn split(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    Units {
        data,
        next: find_start_code(data, 0).map(|at| at + 3),
    }
}

/// Like [`split`], for who stops at the first slice: each unit comes with all that follows it,
/// so that its end is not searched before it is asked for ([`first`]).
pub fn tails(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut tail = data;
    core::iter::from_fn(move || {
        tail = tail.get(find_start_code(tail, 0)? + START_CODE.len()..)?;
        Some(tail)
    })
}

/// The unit that a tail begins with.
#[must_use]
pub fn first(tail: &[u8]) -> &[u8] {
    let end = find_start_code(tail, 0).unwrap_or(tail.len());
    without_trailing_zeros(&tail[..end])
}

struct Units<'a> {
    data: &'a [u8],
    /// Where the next unit begins.
    next: Option<usize>,
}

impl<'a> Iterator for Units<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let begin = self.next?;
            let code = find_start_code(self.data, begin);
            self.next = code.map(|at| at + START_CODE.len());
            let unit = self.data.get(begin..code.unwrap_or(self.data.len()))?;
            let unit = without_trailing_zeros(unit);
            if !unit.is_empty() {
                return Some(unit);
            }
        }
    }
}

fn without_trailing_zeros(unit: &[u8]) -> &[u8] {
    let len = unit
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    &unit[..len]
}

/// Where the next `00 00 01` at or after `from` begins.
#[must_use]
pub fn find_start_code(data: &[u8], from: usize) -> Option<usize> {
    let at = memmem::find(data.get(from..)?, START_CODE)?;
    Some(from + at)
}

/// A unit's payload without the emulation prevention bytes, of at most `limit` bytes.
#[must_use]
pub fn unescape(unit: &[u8], limit: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(unit.len().min(limit));
    let mut zeros = 0;
    for &byte in unit {
        if payload.len() == limit {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

/// Appends a payload with emulation prevention bytes: what [`unescape`] takes away.
pub fn escape(payload: &[u8], out: &mut Vec<u8>) {
    let mut zeros = 0;
    for &byte in payload {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    // Words of zeros may follow an arithmetically coded slice; a unit does not end with them.
    if zeros >= 2 {
        out.push(3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_come_without_start_codes_and_trailing_zeros() {
        let stream = [
            9, 0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 1, 0, 0, 1, 0x65, 7,
        ];
        let units: Vec<_> = split(&stream).collect();
        assert_eq!(units, [&[0x67, 1][..], &[0x68], &[0x65, 7]]);
    }

    #[test]
    fn emulation_prevention_bytes_disappear() {
        assert_eq!(unescape(&[1, 0, 0, 3, 1, 0, 0, 3], 99), [1, 0, 0, 1, 0, 0]);
        assert_eq!(unescape(&[1, 2, 3], 2), [1, 2]);
        let mut unit = Vec::new();
        escape(&[1, 0, 0, 0, 0], &mut unit);
        assert_eq!(unit, [1, 0, 0, 3, 0, 0, 3]);
    }

    proptest! {
        #[test]
        fn what_is_escaped_has_no_start_code_and_reads_as_it_was(
            payload in prop::collection::vec(0_u8..5, 0..60),
        ) {
            let payload = [&payload[..], &[0x80]].concat();
            let mut unit = vec![9];
            escape(&payload, &mut unit);
            let stream = [&[0, 0, 1], &unit[..]].concat();
            prop_assert_eq!(split(&stream).collect::<Vec<_>>(), [&unit[..]]);
            let read = unescape(&unit[1..], 99);
            prop_assert_eq!(&read, &payload);
        }

        #[test]
        fn tails_begin_with_the_units(data in prop::collection::vec(0_u8..3, 0..60)) {
            let units: Vec<_> = split(&data).collect();
            let firsts = tails(&data).map(first).filter(|unit| !unit.is_empty());
            prop_assert_eq!(firsts.collect::<Vec<_>>(), units);
        }
    }
}
