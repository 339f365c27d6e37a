//! What peers say, made fit to be shown, and what must not be shown.

use crate::limits::WORDS_MAX;
use core::fmt;

/// The peer's words without control characters, and no longer than anybody would read.
pub(crate) fn readable(words: &str) -> String {
    let printable = words.chars().filter(|letter| !letter.is_control());
    printable.take(WORDS_MAX).collect()
}

/// A stream key (RTMP's stream name): whoever knows it may publish, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamKey(String);

impl StreamKey {
    /// A key as the user or the peer wrote it.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "(none)"
        } else {
            "•••"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", StreamKey::new("tell-nobody")), "•••");
        assert_eq!(format!("{:?}", StreamKey::new("")), "(none)");
    }

    #[test]
    fn words_of_strangers_are_short_and_printable() {
        assert_eq!(readable("a\u{1b}[2Jb\nc"), "a[2Jbc");
        assert_eq!(readable(&"x".repeat(10_000)).len(), WORDS_MAX);
    }
}
