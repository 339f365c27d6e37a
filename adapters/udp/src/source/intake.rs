use super::figures::{Figures, Seen};
use super::form::{Form, Odd};
use super::open::{Port, Role};
use super::senders::{Senders, Who};
use super::session::Session;
use crate::settings::Place;
use bytes::{Bytes, BytesMut};
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::time::SystemTime;
use tidegate_engine::{Alarm, Connection, RunError, Severity, SourceContext};
use tidegate_rtp::ReceiverConfig;
use tidegate_udp::{Interest, Poller, RecvBatch};
use tidegate_units::Instant;

/// How long the thread waits at most, so that it ends in time when asked to.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Reads of one socket in a row while others wait.
const READS_PER_TURN: usize = 4;

/// Memory taken at a time for datagrams.
const BLOCK_BYTES: usize = 64 * 1024;

/// How often the status is renewed.
const SHOW_EVERY: Duration = Duration::from_millis(500);

/// Datagrams in a row that do not fit what the sender began with, after which it is looked at
/// anew.
const MISFITS_MAX: u32 = 16;

const NOT_MEDIA: &str = "not_mpeg_ts";
const HAS_RTP: &str = "rtp_on_udp";
const NO_RTP: &str = "no_rtp_header";

/// What the source's thread works with.
pub(super) struct Intake {
    context: SourceContext,
    kind: &'static str,
    config: ReceiverConfig,
    ports: Vec<Port>,
    senders: Vec<Senders>,
    poller: Poller,
    batch: RecvBatch,
    block: BytesMut,
    session: Option<Session>,
    misfits: u32,
    /// Datagrams without media while there is no session, and the last one's sender.
    odd: u64,
    odd_last: Option<(SocketAddr, Odd)>,
    figures: Figures,
    next_show: Instant,
}

impl Intake {
    pub(super) fn new(
        context: SourceContext,
        kind: &'static str,
        legs: &[Place],
        ports: Vec<Port>,
        config: ReceiverConfig,
    ) -> Result<Self, RunError> {
        let poller = Poller::new().map_err(|error| no_poller(&error))?;
        for (token, port) in (0..).zip(&ports) {
            let added = poller.add(&port.socket, token, Interest::Read);
            added.map_err(|error| no_poller(&error))?;
        }
        let figures = Figures::new(kind, legs, &ports);
        Ok(Self {
            context,
            kind,
            config,
            senders: legs.iter().map(|leg| Senders::new(leg.sender)).collect(),
            ports,
            poller,
            batch: RecvBatch::new(),
            block: BytesMut::new(),
            session: None,
            misfits: 0,
            odd: 0,
            odd_last: None,
            figures,
            next_show: Instant::ZERO,
        })
    }

    /// Waits for datagrams and takes them in.
    pub(super) fn turn(&mut self) -> Result<(), RunError> {
        let now = self.context.clock.now();
        let session = self.session.as_mut();
        let deadline = session.and_then(|session| session.receiver.deadline());
        let wait = deadline.map_or(WAIT_MAX, |at| at.saturating_since(now).min(WAIT_MAX));
        let waited = self.poller.wait(Some(wait));
        waited.map_err(|error| no_poller(&error))?;
        let now = self.context.clock.now();
        let ready: Vec<u64> = self.poller.ready().collect();
        for token in ready {
            self.read(now, usize::try_from(token).unwrap_or(0))?;
        }
        if let Some(session) = &mut self.session {
            session.deliver(now);
        }
        if now >= self.next_show {
            self.next_show = now + SHOW_EVERY;
            self.look_around(now);
        }
        Ok(())
    }

    fn read(&mut self, now: Instant, port: usize) -> Result<(), RunError> {
        let mut batch = core::mem::take(&mut self.batch);
        for _ in 0..READS_PER_TURN {
            let Some(Port {
                socket, leg, role, ..
            }) = self.ports.get(port)
            else {
                break;
            };
            let (leg, role) = (*leg, *role);
            match socket.recv(&mut batch) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => {
                    self.batch = batch;
                    return Err(RunError::ours(
                        format!("the socket failed ({error})"),
                        "It is opened again.",
                    ));
                }
            }
            for datagram in batch.datagrams() {
                match role {
                    Role::Media => self.on_media(now, leg, datagram.from, datagram.bytes),
                    Role::Sums => self.on_sum(now, leg, datagram.from, datagram.bytes),
                }
            }
            if !batch.is_full() {
                break;
            }
        }
        self.batch = batch;
        Ok(())
    }

    fn on_sum(&mut self, now: Instant, leg: usize, from: SocketAddr, bytes: &[u8]) {
        let is_ours = self.senders[leg].is_owners_machine(from);
        if let Some(session) = self.session.as_mut().filter(|_| is_ours) {
            session.on_sum(now, bytes);
        }
    }

    fn on_media(&mut self, now: Instant, leg: usize, from: SocketAddr, bytes: &[u8]) {
        match self.senders[leg].heard(now, from) {
            Who::Other => return,
            Who::Owner => {}
            Who::Newcomer => match Form::of(bytes) {
                Ok(form) => {
                    self.senders[leg].take_on(now, from);
                    self.begin(form, from);
                }
                Err(odd) => {
                    self.odd += 1;
                    self.odd_last = Some((from, odd));
                    return;
                }
            },
        }
        let datagram = copy(&mut self.block, bytes);
        let Some(session) = &mut self.session else {
            return;
        };
        let is_other_form = Form::of(bytes).is_ok_and(|form| form != session.form);
        if session.on_media(now, leg, &datagram).is_err() || is_other_form {
            session.odd += u64::from(!is_other_form);
            self.misfits += 1;
            if self.misfits >= MISFITS_MAX {
                // It sends something else now: looked at like a new sender.
                self.senders[leg].dismiss();
                self.end_without_senders(now);
            }
            return;
        }
        self.misfits = 0;
    }

    /// A sender's first packet: of the stream there is, if the other leg brings one.
    fn begin(&mut self, form: Form, from: SocketAddr) {
        self.misfits = 0;
        if self.session.is_some() {
            return;
        }
        let session = Session::begin(&self.context.feed, form, self.config, from);
        self.session = Some(session);
        self.figures.begin(&self.ports);
        let report = &self.context.report;
        report.connected(Some(from.to_string()));
        report.clear_alarm(NOT_MEDIA);
        self.odd = 0;
        match (self.kind, form) {
            ("udp", Form::Rtp) => self.warn(
                HAS_RTP,
                format!("{from} sends RTP to this UDP source; the header is taken off"),
                "Make it an \"rtp\" source: that can also use FEC and a second leg.",
            ),
            ("rtp", Form::Ts) => self.warn(
                NO_RTP,
                format!("{from} sends without an RTP header; it is taken as plain UDP"),
                "Let the sender use RTP, or make this a \"udp\" source: order, FEC and a second \
                 leg need the header.",
            ),
            _ => {
                report.clear_alarm(HAS_RTP);
                report.clear_alarm(NO_RTP);
            }
        }
    }

    fn warn(&self, code: &str, text: String, advice: &str) {
        self.raise(code, Severity::Warning, text, advice);
    }

    fn raise(&self, code: &str, severity: Severity, text: String, advice: &str) {
        self.context.report.raise_alarm(Alarm {
            code: code.into(),
            severity,
            text,
            advice: advice.into(),
            since: SystemTime::now(),
        });
    }

    /// Looks for senders that have gone, and says how things are.
    fn look_around(&mut self, now: Instant) {
        for port in &mut self.ports {
            port.keep_joined();
        }
        for senders in &mut self.senders {
            senders.expire(now);
        }
        self.end_without_senders(now);
        self.tell_of_odd_ones();
        let seen = Seen {
            now,
            session: self.session.as_ref(),
            ports: &self.ports,
            senders: &self.senders,
            odd: self.odd,
        };
        self.figures.show(&self.context.report, &seen);
    }

    fn end_without_senders(&mut self, now: Instant) {
        let is_heard = self.senders.iter().any(|senders| senders.owner().is_some());
        if is_heard {
            return;
        }
        let Some(mut session) = self.session.take() else {
            return;
        };
        session.deliver(now + session.config.hold);
        let gone = format!("{} is not heard any more", session.peer);
        let report = &self.context.report;
        report.connection(Connection::Disconnected, Some(gone));
        self.figures.end(report);
    }

    fn tell_of_odd_ones(&mut self) {
        let Some((from, odd)) = self.odd_last.take() else {
            return;
        };
        if self.session.is_some() {
            return;
        }
        let text = format!("{from} sends {odd}");
        let reason = Some(text.clone());
        self.context
            .report
            .connection(Connection::Disconnected, reason);
        let advice = "Let it send MPEG-TS over UDP, or over RTP with payload type 33.";
        self.raise(NOT_MEDIA, Severity::Error, text, advice);
    }
}

/// A datagram in memory that lives as long as somebody reads it.
fn copy(block: &mut BytesMut, bytes: &[u8]) -> Bytes {
    if block.capacity() < bytes.len() {
        block.reserve(BLOCK_BYTES.max(bytes.len()));
    }
    block.extend_from_slice(bytes);
    block.split().freeze()
}

fn no_poller(error: &io::Error) -> RunError {
    RunError::ours(
        format!("datagrams cannot be waited for ({error})"),
        "Raise the limit of open files for Tidegate.",
    )
}
