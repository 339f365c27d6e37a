//! An answer of which the client takes nothing does not last, even where the client reads:
//! in HTTP/2 it grants each answer the bytes it may have, and may grant none.
//!
//! ```text
//!          a piece is handed over                     patience is over
//!  nothing ───────────────────────► pieces wait ─────────────────────────► its connection ends
//!   waits                             │   ▲  │
//!     ▲                               └───┘  │
//!     │                 something was taken  │
//!     └──────────────────────────────────────┘
//!                 the last piece was taken
//! ```
//!
//! The connection ends with all its answers: what was handed over already cannot be taken back.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Buf, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::patience::STALL_TIMEOUT;

/// The answers of one connection that have something to be taken; there are no more of them
/// than the connection may have requests at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    begun: AtomicU64,
    waiting: Mutex<BTreeMap<u64, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    pieces: usize,
    /// When something of the answer was last taken, or there was first something to take.
    since: Instant,
}

impl Answers {
    /// `body`, so that what is taken of it is known here.
    pub(super) fn watch(&self, body: Body) -> Watched {
        Watched {
            body,
            answers: self.clone(),
            number: self.shared.begun.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Returns when the client has taken nothing of some answer for too long.
    pub(super) async fn stalled(&self) {
        loop {
            let now = Instant::now();
            let oldest = self.waiting().values().map(|waiting| waiting.since).min();
            // What begins to wait while this sleeps is looked at in time.
            let over = oldest.unwrap_or(now) + STALL_TIMEOUT;
            if over <= now {
                return;
            }
            sleep_until(over).await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, Waiting>> {
        let waiting = self.shared.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_over(&self, number: u64, bytes: Bytes) -> Piece {
        let mut waiting = self.waiting();
        let nothing = || Waiting {
            pieces: 0,
            since: Instant::now(),
        };
        waiting.entry(number).or_insert_with(nothing).pieces += 1;
        drop(waiting);
        Piece {
            bytes,
            answers: self.clone(),
            number,
        }
    }
}

/// A body that hands out pieces which tell when they are taken.
#[derive(Debug)]
pub(super) struct Watched {
    body: Body,
    answers: Answers,
    number: u64,
}

impl HttpBody for Watched {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let hand_over = |bytes| self.answers.hand_over(self.number, bytes);
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(hand_over))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes on their way to the client.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    answers: Answers,
    number: u64,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        if let Some(waiting) = self.answers.waiting().get_mut(&self.number) {
            waiting.since = Instant::now();
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut all = self.answers.waiting();
        if let Some(waiting) = all.get_mut(&self.number) {
            waiting.pieces -= 1;
            if waiting.pieces == 0 {
                all.remove(&self.number);
            }
        }
    }
}

#[cfg(test)]
mod tests;
