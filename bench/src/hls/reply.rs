//! One HTTP/1.1 answer as it comes in: the head and short bodies are kept, segments counted.

use anyhow::{Context as _, bail};

/// The longest head that is read.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// The longest body that is kept.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// An answer under way.
#[derive(Debug, Default)]
pub(super) struct Reply {
    head: Vec<u8>,
    /// Bytes of the body still to come, once the head is complete.
    left: Option<u64>,
    keep: bool,
    pub(super) body: Vec<u8>,
    pub(super) body_bytes: u64,
}

impl Reply {
    /// Makes ready for the next answer; `keep`: its body is wanted, not only its length.
    pub(super) fn begin(&mut self, keep: bool) {
        self.head.clear();
        self.body.clear();
        (self.left, self.keep, self.body_bytes) = (None, keep, 0);
    }

    /// Takes bytes in; whether the answer is complete. Only 200 with a length is good.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> anyhow::Result<bool> {
        if self.left.is_none() {
            let before = self.head.len();
            self.head
                .extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES_MAX)]);
            let from = before.saturating_sub(3);
            let Some(end) = self.head[from..]
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
            else {
                if self.head.len() > HEAD_BYTES_MAX {
                    bail!("the head of an answer is too long");
                }
                return Ok(false);
            };
            let end = from + end + 4;
            self.head.truncate(end);
            self.left = Some(self.read_head()?);
            bytes = &bytes[end - before..];
        }
        let left = self.left.unwrap_or(0);
        let came = bytes.len() as u64;
        if came > left {
            bail!("more came than the answer's length");
        }
        if self.keep {
            if self.body.len() + bytes.len() > KEPT_BYTES_MAX {
                bail!("a playlist is too long");
            }
            self.body.extend_from_slice(bytes);
        }
        self.body_bytes += came;
        self.left = Some(left - came);
        Ok(left == came)
    }

    fn read_head(&self) -> anyhow::Result<u64> {
        let text = core::str::from_utf8(&self.head)?;
        let mut lines = text.lines();
        let status = lines.next().unwrap_or_default();
        if !status.starts_with("HTTP/1.1 200") {
            bail!("the server answered {status:?}");
        }
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim())
        });
        Ok(length.context("an answer without a length")?.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn an_answer_is_whole_however_it_is_divided() {
        for size in 1..=ANSWER.len() {
            let mut reply = Reply::default();
            reply.begin(true);
            let mut pieces = ANSWER.chunks(size).peekable();
            while let Some(piece) = pieces.next() {
                assert_eq!(reply.take(piece).unwrap(), pieces.peek().is_none());
            }
            assert_eq!((&reply.body[..], reply.body_bytes), (&b"hello"[..], 5));
        }
    }

    #[test]
    fn what_is_no_good_answer_is_refused() {
        for answer in [
            &b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        ] {
            assert!(Reply::default().take(answer).is_err());
        }
    }
}
