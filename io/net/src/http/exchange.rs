use super::ask::{Answer, Ask};
use super::line::Line;
use crate::error::NetError;
use crate::place::Place;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST, RANGE, USER_AGENT};
use hyper::{Request, Response};
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
    let body = gather(body, ask.answer_bytes_max).await;
    let body = body.map_err(|broke| match broke {
        Broke::TooLong => too_long(),
        Broke::Off(error) => NetError::theirs(
            format!("{place} broke its answer off: {error}"),
            "Look into the far side's log",
        ),
    })?;
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        url: ask.url.clone(),
        body,
    })
}

/// Why there is no whole body.
#[derive(Debug)]
enum Broke<E> {
    TooLong,
    Off(E),
}

/// The whole body in one. What comes is copied, since pieces that are kept may be of one byte
/// each, and cost a hundred times that.
async fn gather<B>(mut body: B, bytes_max: usize) -> Result<Bytes, Broke<B::Error>>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut gathered = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Broke::Off)?.into_data() else {
            continue;
        };
        if data.len() > bytes_max - gathered.len() {
            return Err(Broke::TooLong);
        }
        gathered.extend_from_slice(&data);
    }
    Ok(gathered.freeze())
}

fn broken(place: &Place, error: &dyn core::fmt::Display) -> NetError {
    NetError::theirs(
        format!("{place} hung up instead of answering: {error}"),
        "Check that it speaks HTTP, and look into its log",
    )
}

fn unsendable(place: &Place, error: &hyper::http::Error) -> NetError {
    NetError::theirs(
        format!("{place} cannot be asked: {error}"),
        "Correct the url, or what leads to it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use core::pin::Pin;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use core::task::{Context, Poll};
    use hyper::body::Frame;
    use std::sync::Arc;

    /// A byte that is counted for as long as somebody keeps it.
    struct Kept(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Kept {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// So many pieces of a byte; never are more than two of them kept.
    struct Crumbs {
        left: usize,
        kept: Arc<AtomicUsize>,
    }

    impl Body for Crumbs {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.left -= 1;
            assert!(self.kept.fetch_add(1, Ordering::Relaxed) < 2);
            let piece = Bytes::from_owner(Kept(Arc::clone(&self.kept)));
            Poll::Ready(Some(Ok(Frame::data(piece))))
        }
    }

    fn crumbs(left: usize) -> Crumbs {
        let kept = Arc::default();
        Crumbs { left, kept }
    }

    #[tokio::test]
    async fn a_body_in_crumbs_takes_no_more_memory_than_its_bytes() {
        assert_eq!(gather(crumbs(1000), 1000).await.unwrap().len(), 1000);
        let refused = gather(crumbs(1001), 1000).await;
        assert!(matches!(refused, Err(Broke::TooLong)));
    }
}
