//! A small HTTP/1.1 client for what Tidegate fetches and sends itself.
//!
//! ```text
//!  Ask ─▶ Policy ─▶ a line that is kept open, or a new one ─▶ exchange ─▶ 3xx? ─▶ Answer
//!           ▲                                                             │
//!           └───────────────── judged again, at most 5 times ◀────────────┘
//! ```
//!
//! Answers are read whole, up to a limit that the caller names, within the time he names. An
//! address that the operator wrote may be next door; one that an answer leads to may not,
//! unless that is allowed.

mod ask;
mod exchange;
mod line;
#[cfg(test)]
mod tests;

pub use ask::{Answer, Ask};
pub use hyper::Method;
pub use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::address::Policy;
use crate::connect::{CallOptions, connect};
use crate::error::{NetError, Side};
use crate::place::Place;
use core::time::Duration;
use hyper::StatusCode;
use line::Lines;
use std::path::PathBuf;
use tokio::time::timeout;
use url::Url;

/// Redirects followed one after another.
pub const REDIRECTS_MAX: usize = 5;

/// Talks to one origin and to where it leads.
#[derive(Debug)]
pub struct Client {
    written: Place,
    allow_private: bool,
    call: CallOptions,
    lines: Lines,
}

impl Client {
    /// A client for the origin that the operator wrote. `allow_private`: whether the origin
    /// may lead into private networks. `ca`: a file of certificates instead of the system's.
    ///
    /// # Errors
    /// When `written` is no http:// or https:// address.
    pub fn new(
        written: &Url,
        allow_private: bool,
        ca: Option<PathBuf>,
        patience: Duration,
    ) -> Result<Self, NetError> {
        Ok(Self {
            written: web_place(written)?,
            allow_private,
            call: CallOptions {
                ca,
                patience,
                ..CallOptions::default()
            },
            lines: Lines::default(),
        })
    }

    /// Asks, follows redirects, and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// When nobody can be reached or may be, when the answer is too long or too late, or when
    /// redirects do not end.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, NetError> {
        let (within, place) = (ask.within, asked_place(&ask.url)?);
        timeout(within, self.follow(ask)).await.unwrap_or_else(|_| {
            let seconds = within.as_secs_f32();
            Err(NetError::theirs(
                format!("{place} did not answer in full within {seconds:.1} s"),
                "Look at the far side's load and at the network in between",
            ))
        })
    }

    async fn follow(&self, mut ask: Ask) -> Result<Answer, NetError> {
        for _ in 0..=REDIRECTS_MAX {
            let place = asked_place(&ask.url)?;
            let answer = self.exchange(&place, &ask).await?;
            match led_to(&place, &ask, &answer)? {
                Some(next) => ask = next,
                None => return Ok(answer),
            }
        }
        Err(NetError::theirs(
            format!(
                "{} redirects again and again (more than {REDIRECTS_MAX} times)",
                self.written
            ),
            "Write the address it should lead to as the url",
        ))
    }

    /// One request and its answer. A line that was kept open may have been closed at the
    /// other end meanwhile; then the request goes out once more on a new one.
    async fn exchange(&self, place: &Place, ask: &Ask) -> Result<Answer, NetError> {
        if let Some(mut line) = self.lines.take(place) {
            match exchange::over(&mut line, place, ask).await {
                Err(exchange::Failed::Unsent) => {}
                Err(exchange::Failed::Broken(_)) if ask.method != Method::POST => {}
                Err(exchange::Failed::Broken(error) | exchange::Failed::Answer(error)) => {
                    return Err(error);
                }
                Ok(answer) => {
                    self.lines.keep(place, line);
                    return Ok(answer);
                }
            }
        }
        let call = CallOptions {
            policy: self.policy_for(place),
            ..self.call.clone()
        };
        let mut line = line::open(connect(place, &call).await?, place).await?;
        let answer = exchange::over(&mut line, place, ask)
            .await
            .map_err(|failed| failed.at(place))?;
        self.lines.keep(place, line);
        Ok(answer)
    }

    fn policy_for(&self, place: &Place) -> Policy {
        let is_written = place.host() == self.written.host() && place.port() == self.written.port();
        if is_written || self.allow_private {
            Policy::WRITTEN
        } else {
            Policy::LED
        }
    }
}

/// Where to ask. What the operator wrote was checked when the client was made: an address that
/// cannot be called was led to by somebody else, and is no reason to give up for good.
fn asked_place(url: &Url) -> Result<Place, NetError> {
    web_place(url).map_err(|error| NetError {
        side: Side::Theirs,
        ..error
    })
}

/// Where an http:// or https:// address leads.
fn web_place(url: &Url) -> Result<Place, NetError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(NetError::theirs(
            format!("{}:// is no web address", url.scheme()),
            "Use http:// or https://",
        ));
    }
    Place::of(url)
}

/// What to ask next, if the answer is a redirect.
fn led_to(place: &Place, ask: &Ask, answer: &Answer) -> Result<Option<Ask>, NetError> {
    let status = answer.status;
    let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers.get(header::LOCATION);
    let (true, Some(location)) = (is_redirect, location) else {
        return Ok(None);
    };
    let wrong = |what: &str| {
        NetError::theirs(
            format!("{place} redirects {what}"),
            "Correct the redirect, or write the address it should lead to as the url",
        )
    };
    let location = location.to_str().ok();
    let url = location.and_then(|location| ask.url.join(location).ok());
    let url = url.ok_or_else(|| wrong("to what is no address"))?;
    let next = web_place(&url).map_err(|_| wrong("to what is no web address"))?;
    if place.secure() && !next.secure() {
        return Err(wrong(&format!("from TLS to {next} without it")));
    }
    let mut ask = ask.clone();
    ask.url = url;
    let becomes_get =
        status == StatusCode::SEE_OTHER || (ask.method == Method::POST && status.as_u16() < 303);
    if becomes_get && ask.method != Method::GET {
        ask.method = Method::GET;
        ask.body = bytes::Bytes::new();
    }
    if next != *place {
        // What the operator gave for one place is nobody else's business.
        ask.headers.clear();
    }
    Ok(Some(ask))
}
