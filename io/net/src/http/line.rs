use crate::error::NetError;
use crate::place::Place;
use crate::stream::Stream;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// Lines kept open for what is asked next; an origin rarely leads to more places.
const LINES_MAX: usize = 4;

/// A connection on which requests follow one another.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Speaks HTTP over a new connection.
pub(super) async fn open(stream: Stream, place: &Place) -> Result<Line, NetError> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| {
            NetError::theirs(
                format!("{place} hung up: {error}"),
                "Look into the far side's log",
            )
        })?;
    // Whatever ends it is said to whoever waits for an answer.
    let task = tokio::spawn(async move { drop(connection.await) }).abort_handle();
    Ok(Line { sender, task })
}

/// Lines that wait for the next request.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Mutex<Vec<(Place, Line)>>,
}

impl Lines {
    pub(super) fn take(&self, place: &Place) -> Option<Line> {
        let mut kept = self.kept();
        kept.retain(|(_, line)| !line.sender.is_closed());
        let at = kept.iter().position(|(at, _)| at == place)?;
        Some(kept.swap_remove(at).1)
    }

    pub(super) fn keep(&self, place: &Place, line: Line) {
        let mut kept = self.kept();
        if kept.len() >= LINES_MAX {
            kept.remove(0);
        }
        kept.push((place.clone(), line));
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(Place, Line)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
