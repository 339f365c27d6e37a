//! Answers, written.

use core::fmt::Write as _;

use crate::request::Request;

/// The longest number of a request that is repeated.
const CSEQ_CHARS_MAX: usize = 20;

/// What an answer says.
pub(crate) struct Answer {
    text: String,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(request: &Request, status: u16) -> Self {
        let mut text = format!("RTSP/1.0 {status} {}\r\n", reason(status));
        if is_number(&request.cseq) {
            let _ = write!(text, "CSeq: {}\r\n", request.cseq);
        }
        text.push_str("Server: Tidegate\r\n");
        Self {
            text,
            body: Vec::new(),
        }
    }

    /// A header; `value` is our own, or has been looked through for line ends.
    pub(crate) fn header(mut self, name: &str, value: impl core::fmt::Display) -> Self {
        let _ = write!(self.text, "{name}: {value}\r\n");
        self
    }

    pub(crate) fn body(mut self, kind: &str, body: &[u8]) -> Self {
        self.body = body.to_vec();
        let length = body.len();
        self.header("Content-Type", kind)
            .header("Content-Length", length)
    }

    pub(crate) fn write(mut self, out: &mut Vec<u8>) {
        self.text.push_str("\r\n");
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(&self.body);
    }
}

/// Whether the number of a request can be repeated.
pub(crate) fn is_number(cseq: &str) -> bool {
    let is_short = (1..=CSEQ_CHARS_MAX).contains(&cseq.len());
    is_short && cseq.bytes().all(|byte| byte.is_ascii_digit())
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        453 => "Not Enough Bandwidth",
        454 => "Session Not Found",
        455 => "Method Not Valid In This State",
        459 => "Aggregate Operation Not Allowed",
        461 => "Unsupported Transport",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "RTSP Version Not Supported",
        551 => "Option Not Supported",
        _ => "Error",
    }
}
