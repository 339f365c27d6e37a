use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_engine::{EventKind, EventSink, Places, Rejection, Subject, Ticket, Turnstile};
use tidegate_srt::{FilterConfig, RejectReason};
use tidegate_srt_io::AdmissionReply;

use super::Caller;
use super::table::Table;
use crate::doorman::Webhook;
use crate::house::House;
use crate::legs::LegPlace;
use crate::passphrases::Passphrase;

/// Somebody who wants in, and the way to answer.
pub(crate) struct Candidate {
    pub(crate) peer: SocketAddr,
    pub(crate) caller: Caller,
    /// The packet filter it wants.
    pub(super) packet_filter: Option<FilterConfig>,
    pub(crate) reply: AdmissionReply,
    /// It is not just anybody: its passphrase, its address or a webhook speaks for it.
    pub(crate) has_proved: bool,
    /// Its place among the listener's connections, once it has one.
    pub(crate) ticket: Option<Ticket>,
    /// What opened its keys, once something has.
    pub(crate) passphrase: Option<Passphrase>,
    pub(super) listener: Arc<str>,
    pub(super) events: Option<Arc<EventSink>>,
    pub(super) table: Arc<Table>,
    pub(super) house: Arc<House>,
    pub(super) turnstile: Arc<Turnstile>,
    pub(super) limits: Places,
    pub(super) webhook: Option<Arc<Webhook>>,
}

/// Somebody who has been told no; the journal has not been told yet.
pub(super) struct Rejected {
    peer: SocketAddr,
    caller: Caller,
    listener: Arc<str>,
    events: Option<Arc<EventSink>>,
    table: Arc<Table>,
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
    /// Whether somebody has banned it while it waited.
    pub(crate) fn is_banned(&self) -> bool {
        self.house.banned.load().contains(self.peer.ip())
    }

    /// Its place as a leg of a bonding group, if it is one; it gives its ticket for it.
    pub(crate) fn leg_place(&mut self) -> Option<LegPlace> {
        self.caller.group?;
        Some(LegPlace {
            leg: self.reply.follow(),
            _ticket: self.ticket.take(),
        })
    }

    /// Turns the candidate away and tells the journal why.
    pub(crate) fn refuse(self, refusal: Refusal) {
        self.reject(refusal.reason).journal(refusal);
    }

    /// Turns the candidate away at once. What takes time in finding out for the journal why
    /// is nothing the candidate could measure.
    pub(super) fn reject(self, reason: RejectReason) -> Rejected {
        self.reply.reject(reason);
        Rejected {
            peer: self.peer,
            caller: self.caller,
            listener: self.listener,
            events: self.events,
            table: self.table,
        }
    }
}

impl Rejected {
    /// Tells the journal why, and which stream was probably meant.
    pub(super) fn journal(self, mut refusal: Refusal) {
        let is_about_its_name = matches!(
            refusal.reason,
            RejectReason::UnknownStream | RejectReason::BadStreamId
        );
        let nearest = is_about_its_name
            .then(|| self.table.nearest(&self.caller.stream_id))
            .flatten();
        if let Some(nearest) = &nearest
            && refusal.reason == RejectReason::UnknownStream
        {
            refusal.advice = format!("Check the stream ID at the caller: did it mean {nearest:?}?");
        }
        let listener = &self.listener;
        let rejection = Rejection {
            peer: self.peer.to_string(),
            stream_id: self.caller.stream_id.to_string(),
            reason: refusal.reason.name().to_owned(),
            received: refusal.received,
            expected: refusal.expected,
            nearest,
            advice: refusal.advice,
        };
        tracing::debug!(%listener, ?rejection, "an SRT caller was turned away");
        if let Some(events) = &self.events {
            let subject = Subject::listener(&**listener);
            events.emit(subject, EventKind::ConnectionRejected(rejection));
        }
    }
}
