use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_engine::{EventKind, EventSink, Rejection, Subject};
use tidegate_srt::{RejectReason, StreamId};
use tidegate_srt_io::AdmissionReply;

/// Somebody who wants in, and the way to answer.
pub(crate) struct Candidate {
    pub(crate) peer: SocketAddr,
    pub(crate) stream_id: StreamId,
    pub(crate) reply: AdmissionReply,
    pub(super) listener: Arc<str>,
    pub(super) events: Option<Arc<EventSink>>,
    pub(super) nearest: Option<String>,
}

/// Why a candidate stays outside, in full; the candidate itself learns next to nothing.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: RejectReason,
    pub(crate) received: Option<String>,
    pub(crate) expected: Option<String>,
    pub(crate) advice: String,
}

impl Refusal {
    pub(crate) fn new(reason: RejectReason, advice: impl Into<String>) -> Self {
        Self {
            reason,
            received: None,
            expected: None,
            advice: advice.into(),
        }
    }

    pub(crate) fn received(mut self, received: impl Into<String>) -> Self {
        self.received = Some(received.into());
        self
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }
}

impl Candidate {
    /// Turns the candidate away and tells the journal why.
    pub(crate) fn refuse(self, refusal: Refusal) {
        self.refuse_then(refusal.reason, || refusal);
    }

    /// Turns the candidate away at once, then finds out for the journal why; what takes time
    /// in that is nothing the candidate could measure.
    pub(super) fn refuse_then(self, reason: RejectReason, why: impl FnOnce() -> Refusal) {
        let Self {
            peer,
            stream_id,
            reply,
            listener,
            events,
            nearest,
        } = self;
        reply.reject(reason);
        let refusal = why();
        let rejection = Rejection {
            peer: peer.to_string(),
            stream_id: stream_id.to_string(),
            reason: refusal.reason.name().to_owned(),
            received: refusal.received,
            expected: refusal.expected,
            nearest,
            advice: refusal.advice,
        };
        tracing::debug!(%listener, ?rejection, "an SRT caller was turned away");
        if let Some(events) = events {
            let subject = Subject::listener(&*listener);
            events.emit(subject, EventKind::ConnectionRejected(rejection));
        }
    }
}
