//! A connection whose far side reads nothing of what it is sent does not last.
//!
//! ```text
//!             the socket takes nothing                   patience is over
//!  flowing ───────────────────────────────► stalled ───────────────────────► error
//!     ▲                                        │
//!     └──────────── it takes something ────────┘
//! ```

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client may take nothing of an answer. One that has stopped reading would
/// otherwise hold its connection, of which there is a limited number, for as long as it likes.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that ends when the far side has read nothing for too long.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    /// Runs while there is something to write and the socket does not take it.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self {
            stream,
            stalled: None,
        }
    }

    /// Passes on what became of writing, and ends it when it has not got on for too long.
    fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<Result<T>>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(STALL_TIMEOUT)));
        ready!(stalled.as_mut().poll(context));
        let error = "the client has stopped reading";
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, error)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_stopped_reading_does_not_hold_its_connection() {
        let (ours, mut theirs) = duplex(1000);
        let begun = tokio::time::Instant::now();
        let error = Patient::new(ours).write_all(&[0; 5000]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), STALL_TIMEOUT.as_secs());
        let mut taken = Vec::new();
        theirs.read_to_end(&mut taken).await.unwrap();
        assert_eq!(taken.len(), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_gets_everything() {
        let (ours, mut theirs) = duplex(1000);
        let slow = tokio::spawn(async move {
            let mut buffer = [0; 100];
            let mut taken = 0;
            while taken < 5000 {
                sleep(STALL_TIMEOUT - Duration::from_secs(1)).await;
                taken += theirs.read(&mut buffer).await.unwrap();
            }
        });
        let mut patient = Patient::new(ours);
        patient.write_all(&[0; 5000]).await.unwrap();
        patient.flush().await.unwrap();
        slow.await.unwrap();
    }
}
