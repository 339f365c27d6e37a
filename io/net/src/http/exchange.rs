use super::ask::{Answer, Ask};
use super::line::Line;
use crate::error::NetError;
use crate::place::Place;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST, RANGE, USER_AGENT};
use hyper::{Request, Response, body::Incoming};
use url::Position;

/// Why there is no answer.
pub(super) enum Failed {
    /// The request never left.
    Unsent,
    /// The line broke before the answer began.
    Broken(NetError),
    /// The answer is not acceptable, or broke off.
    Answer(NetError),
}

impl Failed {
    pub(super) fn at(self, place: &Place) -> NetError {
        match self {
            Self::Unsent => broken(place, &"the connection was closed"),
            Self::Broken(error) | Self::Answer(error) => error,
        }
    }
}

/// One request and its answer over a line.
pub(super) async fn over(line: &mut Line, place: &Place, ask: &Ask) -> Result<Answer, Failed> {
    let request = request(ask).map_err(|error| Failed::Answer(unsendable(place, &error)))?;
    if line.sender.ready().await.is_err() {
        return Err(Failed::Unsent);
    }
    let response = line.sender.send_request(request).await.map_err(|error| {
        if error.is_canceled() {
            Failed::Unsent
        } else {
            Failed::Broken(broken(place, &error))
        }
    })?;
    read(response, place, ask).await.map_err(Failed::Answer)
}

fn request(ask: &Ask) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let target = &ask.url[Position::BeforePath..Position::AfterQuery];
    let host = &ask.url[Position::BeforeHost..Position::AfterPort];
    let mut request = Request::builder()
        .method(ask.method.clone())
        .uri(target)
        .header(HOST, host)
        .header(USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")));
    if let Some((first, last)) = ask.range {
        request = request.header(RANGE, format!("bytes={first}-{last}"));
    }
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    request.body(Full::new(ask.body.clone()))
}

async fn read(response: Response<Incoming>, place: &Place, ask: &Ask) -> Result<Answer, NetError> {
    let (head, body) = response.into_parts();
    let encoding = head.headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(NetError::theirs(
            format!("{place} answered compressed, which it was not asked to"),
            "Switch compression off there for what is asked without Accept-Encoding",
        ));
    }
    let too_long = || {
        NetError::theirs(
            format!(
                "{place} answered with more than {} bytes, the most that is taken",
                ask.answer_bytes_max
            ),
            "Check that the url leads to what it should",
        )
    };
    let announced = head.headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > ask.answer_bytes_max as u64) {
        return Err(too_long());
    }
    let body = Limited::new(body, ask.answer_bytes_max).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return too_long();
        }
        NetError::theirs(
            format!("{place} broke its answer off: {error}"),
            "Look into the far side's log",
        )
    })?;
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        url: ask.url.clone(),
        body: body.to_bytes(),
    })
}

fn broken(place: &Place, error: &dyn core::fmt::Display) -> NetError {
    NetError::theirs(
        format!("{place} hung up instead of answering: {error}"),
        "Check that it speaks HTTP, and look into its log",
    )
}

fn unsendable(place: &Place, error: &hyper::http::Error) -> NetError {
    NetError::configuration(
        format!("{place} cannot be asked: {error}"),
        "Correct the url or the headers",
    )
}
