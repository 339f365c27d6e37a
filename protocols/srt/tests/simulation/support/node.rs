use core::time::Duration;
use std::net::SocketAddr;

use tidegate_netsim::{SkewedClock, Trace};
use tidegate_srt::{
    ConnectionConfig, ConnectionId, ConnectionRequest, Decision, Endpoint, Event, Received,
    RejectReason, RequestId, RequestedEncryption, TransmitBatch,
};
use tidegate_units::Instant;

/// Small, so that every run also crosses the "batch is full" path.
const BATCH_BYTES: usize = 16 * 1024;
/// Batches one input may fill before the run is called a livelock.
const BATCHES_PER_INPUT_MAX: usize = 10_000;

/// An endpoint with an address, a clock of its own and somebody who decides on callers.
pub struct Node {
    pub address: SocketAddr,
    pub clock: SkewedClock,
    pub endpoint: Endpoint,
    pub admission: Admission,
    /// Everything the endpoint reported, with the true time.
    pub events: Vec<(Instant, Event)>,
    /// Which address is behind which connection.
    pub peers: Vec<(ConnectionId, SocketAddr)>,
    /// Wake-ups asked for and granted.
    pub wake_ups: u64,
    pub trace: Trace,
    /// A node that is down neither hears nor wakes: its process was killed.
    pub down: bool,
    /// Nobody takes what is delivered.
    pub reads_nothing: bool,
    requests: Vec<(RequestId, SocketAddr)>,
    /// The bonding groups that have come in and not ended, by the request of their first leg.
    groups: Vec<(u32, RequestId, Option<ConnectionId>)>,
    undecided: Vec<(Instant, ConnectionRequest)>,
    batch: TransmitBatch,
}

/// How a node answers those who call it.
#[derive(Debug, Clone)]
pub struct Admission {
    pub answer: Answer,
    /// How long it thinks about it.
    pub delay: Duration,
    pub passphrase: Option<Vec<u8>>,
    pub config: ConnectionConfig,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Accept,
    Refuse(RejectReason),
    Silence,
}

/// What one input brought out of an endpoint.
#[derive(Default)]
pub struct Output {
    pub datagrams: Vec<(SocketAddr, Vec<u8>)>,
    pub received: Vec<(ConnectionId, Received)>,
}

impl Node {
    pub fn new(
        address: SocketAddr,
        clock: SkewedClock,
        endpoint: Endpoint,
        admission: Admission,
    ) -> Self {
        Self {
            address,
            clock,
            endpoint,
            admission,
            events: Vec::new(),
            peers: Vec::new(),
            wake_ups: 0,
            trace: Trace::default(),
            down: false,
            reads_nothing: false,
            requests: Vec::new(),
            groups: Vec::new(),
            undecided: Vec::new(),
            batch: TransmitBatch::new(BATCH_BYTES),
        }
    }

    /// When this node wants to be woken, on the true clock.
    pub fn next_wake_up(&self) -> Option<Instant> {
        if self.down {
            return None;
        }
        let endpoint = self.endpoint.poll_timeout().map(|at| self.clock.global(at));
        let decision = self.undecided.iter().map(|(at, _)| *at).min();
        endpoint.into_iter().chain(decision).min()
    }

    /// The address behind a connection.
    pub fn peer_of(&self, id: ConnectionId) -> Option<SocketAddr> {
        self.peers
            .iter()
            .rev()
            .find(|(of, _)| *of == id)
            .map(|(_, peer)| *peer)
    }

    /// Hands a datagram in.
    pub fn hear(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if !self.down {
            let to = Some(self.address.ip());
            self.endpoint
                .handle_datagram(self.clock.local(now), from, to, bytes);
        }
    }

    /// Lets time pass up to `now`.
    pub fn wake(&mut self, now: Instant) {
        self.wake_ups += 1;
        let local = self.clock.local(now);
        if self.endpoint.poll_timeout().is_some_and(|at| at <= local) {
            self.endpoint.handle_timeout(local);
        }
        let (ripe, unripe) = self.undecided.drain(..).partition(|(at, _)| *at <= now);
        self.undecided = unripe;
        for (_, request) in Vec::from_iter::<Vec<_>>(ripe) {
            self.answer(now, &request);
        }
    }

    /// Takes out everything that is ready.
    pub fn drain(&mut self, now: Instant) -> Output {
        let mut output = Output::default();
        // A decision is an input of its own, and may bring out more.
        while self.collect(now, &mut output) {}
        output
    }

    fn collect(&mut self, now: Instant, output: &mut Output) -> bool {
        let local = self.clock.local(now);
        self.transmit(local, output);
        let mut more = false;
        while let Some(event) = self.endpoint.poll_event() {
            self.trace
                .note(b"event", local, format!("{event:?}").as_bytes());
            more |= self.note(now, &event);
            self.events.push((now, event));
        }
        while !self.reads_nothing
            && let Some(id) = self.endpoint.next_readable()
        {
            while let Some(received) = self.endpoint.poll_received(id) {
                self.trace
                    .note(b"received", received.due, &received.payload);
                output.received.push((id, received));
            }
        }
        more
    }

    fn transmit(&mut self, local: Instant, output: &mut Output) {
        for _ in 0..BATCHES_PER_INPUT_MAX {
            self.batch.clear();
            let more = self.endpoint.poll_transmit(local, &mut self.batch);
            for run in self.batch.runs() {
                let datagrams = run.datagrams().map(|bytes| (run.to, bytes.to_vec()));
                output.datagrams.extend(datagrams);
            }
            if !more {
                return;
            }
        }
        panic!("{} never stops transmitting at {local}", self.address);
    }

    fn note(&mut self, now: Instant, event: &Event) -> bool {
        if let Event::KeysWanted { id, material } = event {
            let passphrase = self.admission.passphrase.as_deref().unwrap_or_default();
            let keys = material
                .open(passphrase)
                .map_err(|_| RejectReason::WrongPassphrase);
            self.endpoint
                .give_keys(self.clock.local(now), *id, material, keys);
            return true;
        }
        if let Event::Request(request) = event {
            self.requests.push((request.id, request.peer));
            if self.admission.answer == Answer::Silence {
                return false;
            }
            if self.admission.delay.is_zero() {
                self.answer(now, request);
                return true;
            }
            self.undecided
                .push((now + self.admission.delay, request.clone()));
        }
        if let Event::Connected {
            id,
            request: Some(request),
            ..
        } = event
        {
            let asked = self.requests.iter().find(|(of, _)| of == request);
            self.peers.extend(asked.map(|(_, peer)| (*id, *peer)));
            for (_, of, group) in &mut self.groups {
                if of == request {
                    *group = Some(*id);
                }
            }
        }
        if let Event::Closed { id, .. } = event {
            self.groups.retain(|(.., group)| *group != Some(*id));
        }
        false
    }

    fn answer(&mut self, now: Instant, request: &ConnectionRequest) {
        let decision = self.decision(request);
        self.endpoint
            .decide(self.clock.local(now), request.id, decision);
    }

    fn decision(&mut self, request: &ConnectionRequest) -> Decision {
        if let Answer::Refuse(reason) = self.admission.answer {
            return Decision::Reject(reason);
        }
        let keys = match (&self.admission.passphrase, &request.encryption) {
            (None, RequestedEncryption::None) => None,
            (Some(passphrase), RequestedEncryption::KeyMaterial(material)) => {
                match material.open(passphrase) {
                    Ok(keys) => Some(keys),
                    Err(_) => return Decision::Reject(RejectReason::WrongPassphrase),
                }
            }
            (None, _) => return Decision::Reject(RejectReason::EncryptionUnexpected),
            (_, RequestedEncryption::None) => {
                return Decision::Reject(RejectReason::EncryptionRequired);
            }
        };
        let config = self.admission.config.clone();
        if let Some(group) = request.group {
            if self.groups.iter().any(|(known, ..)| *known == group.id) {
                return Decision::Join { keys, config };
            }
            self.groups.push((group.id, request.id, None));
        }
        Decision::Accept { keys, config }
    }
}
