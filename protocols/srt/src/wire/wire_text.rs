use super::WireError;
use super::word::WORD_BYTES;

/// Text in an extension block: the bytes of every word are reversed, the last word is
/// filled up with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireText<'a> {
    bytes: &'a [u8],
}

/// Longest stream ID in bytes.
pub const MAX_STREAM_ID_BYTES: usize = 512;
/// Longest name of a congestion controller in bytes.
pub const MAX_CONGESTION_BYTES: usize = 16;
/// Longest packet filter configuration in bytes.
pub const MAX_FILTER_BYTES: usize = 512;

impl<'a> WireText<'a> {
    /// Wraps a block's body.
    ///
    /// # Errors
    /// If it is longer than `limit_bytes`.
    pub const fn new(
        what: &'static str,
        body: &'a [u8],
        limit_bytes: usize,
    ) -> Result<Self, WireError> {
        if body.len() > limit_bytes {
            return Err(WireError::TooLong {
                what,
                limit: limit_bytes,
                have: body.len(),
            });
        }
        Ok(Self { bytes: body })
    }

    /// The text, without the zeros at its end.
    #[must_use]
    pub fn decode(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.bytes.len());
        for word in self.bytes.chunks_exact(WORD_BYTES) {
            text.extend(word.iter().rev());
        }
        let length = text
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last + 1);
        text.truncate(length);
        text
    }

    /// The body of a block that carries `text`.
    #[must_use]
    pub fn encode(text: &[u8]) -> Vec<u8> {
        let mut body = text.to_vec();
        body.resize(text.len().next_multiple_of(WORD_BYTES), 0);
        for word in body.chunks_exact_mut(WORD_BYTES) {
            word.reverse();
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_reversed_and_padding_is_stripped() {
        let body = WireText::encode(b"abcde");
        assert_eq!(body, b"dcba\0\0\0e");
        assert_eq!(
            WireText::new("text", &body, 512).unwrap().decode(),
            b"abcde"
        );
    }

    #[test]
    fn a_text_above_its_limit_is_refused() {
        assert!(WireText::new("stream ID", &[0; 516], MAX_STREAM_ID_BYTES).is_err());
    }
}
