use bytes::Bytes;
use core::time::Duration;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use url::Url;

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What to do.
    pub method: Method,
    /// With what.
    pub url: Url,
    /// What to say besides; not repeated to other places.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What to send.
    pub body: Bytes,
    /// Only these bytes, from the first to the last.
    pub range: Option<(u64, u64)>,
    /// Most bytes of an answer.
    pub answer_bytes_max: usize,
    /// How long it may take from the first step to the last byte of the answer.
    pub within: Duration,
}

impl Ask {
    /// Fetches something.
    #[must_use]
    pub const fn get(url: Url, answer_bytes_max: usize, within: Duration) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: Bytes::new(),
            range: None,
            answer_bytes_max,
            within,
        }
    }

    /// Sends something. Of the answer only a little is of interest.
    #[must_use]
    pub const fn send(method: Method, url: Url, body: Bytes, within: Duration) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body,
            range: None,
            answer_bytes_max: 64 << 10,
            within,
        }
    }

    /// With another header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it went.
    pub status: StatusCode,
    /// What it said besides.
    pub headers: HeaderMap,
    /// The address that answered in the end.
    pub url: Url,
    /// What came.
    pub body: Bytes,
}
