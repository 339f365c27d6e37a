//! A child's last words.

use crate::limits::{WORDS_LINE_BYTES, WORDS_LINES};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The last lines of standard error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Words {
    /// Reads to the end, whatever comes, and keeps the last lines.
    pub(crate) async fn listen(self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = [0; 1024];
        let mut line = Vec::new();
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            for &byte in &buffer[..count] {
                if byte == b'\n' || byte == b'\r' {
                    self.keep(&line);
                    line.clear();
                } else if line.len() < WORDS_LINE_BYTES {
                    line.push(byte);
                }
            }
        }
        self.keep(&line);
    }

    /// The lines in one, the last first.
    pub(crate) fn said(&self) -> Option<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().rev().map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }

    fn keep(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
        if text.is_empty() {
            return;
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == WORDS_LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_last_lines_are_kept_and_none_is_endless() {
        let mut text: String = (0..100).map(|n| format!("line {n}\n")).collect();
        text.push_str(&"x".repeat(10_000));
        let words = Words::default();
        words.clone().listen(text.as_bytes()).await;
        let said = words.said().unwrap();
        assert!(
            said.starts_with("xxx") && said.ends_with("line 95"),
            "{said}"
        );
        assert!(said.len() < WORDS_LINES * (WORDS_LINE_BYTES + 2));
    }
}
