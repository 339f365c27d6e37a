//! Big-endian words: the only integers SRT has.

/// Bytes in one wire word.
pub(crate) const WORD_BYTES: usize = 4;

/// The `index`-th word, or zero when the bytes end before it.
///
/// Callers check lengths first; the zero keeps a slip from becoming a panic.
pub(crate) fn word(bytes: &[u8], index: usize) -> u32 {
    bytes
        .get(index * WORD_BYTES..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |chunk| u32::from_be_bytes(*chunk))
}

/// Writes `value` as the `index`-th word.
///
/// # Panics
/// If `out` ends before that word: emitters are given the length they asked for.
pub(crate) fn put_word(out: &mut [u8], index: usize, value: u32) {
    out[index * WORD_BYTES..][..WORD_BYTES].copy_from_slice(&value.to_be_bytes());
}

/// Writes `values` from the first word on.
pub(crate) fn put_words(out: &mut [u8], values: &[u32]) {
    for (index, value) in values.iter().enumerate() {
        put_word(out, index, *value);
    }
}

/// The high and the low half of a word.
pub(crate) const fn halves(word: u32) -> (u16, u16) {
    ((word >> 16) as u16, word as u16)
}

/// A word from its two halves.
pub(crate) const fn join(high: u16, low: u16) -> u32 {
    (high as u32) << 16 | low as u32
}
