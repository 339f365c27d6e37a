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

    /// The peer's words without the key: servers like to repeat which stream it was, and take
    /// what follows a question mark for something else.
    pub(crate) fn hidden_in(&self, words: &str) -> String {
        let bare = self.0.split('?').next().unwrap_or_default();
        let keys = [self.0.as_str(), bare].into_iter();
        keys.filter(|key| !key.is_empty())
            .fold(words.to_owned(), |words, key| words.replace(key, "•••"))
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
    fn a_key_is_hidden_also_without_what_follows_its_question_mark() {
        let key = StreamKey::new("abc?test=1");
        assert_eq!(key.hidden_in("abc?test=1 is in use"), "••• is in use");
        assert_eq!(key.hidden_in("live/abc is in use"), "live/••• is in use");
        assert_eq!(StreamKey::new("").hidden_in("words"), "words");
        assert_eq!(StreamKey::new("?a=1").hidden_in("words"), "words");
    }

    #[test]
    fn words_of_strangers_are_short_and_printable() {
        assert_eq!(readable("a\u{1b}[2Jb\nc"), "a[2Jbc");
        assert_eq!(readable(&"x".repeat(10_000)).len(), WORDS_MAX);
    }
}
