use std::net::SocketAddr;

use bytes::Bytes;
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionId, CookieKey, Decision, Endpoint, EndpointConfig,
    EndpointLimits, Event, ListenerConfig, SessionKeys, SocketIdSpace, TransmitBatch,
};
use tidegate_units::Instant;

/// What a transmit batch holds, as in the shards.
const BATCH_BYTES: usize = 256 * 1024;

/// One end: an endpoint, driven in the order in which a shard drives it.
pub(super) struct Machine {
    endpoint: Endpoint,
    batch: TransmitBatch,
    peer: SocketAddr,
    role: Role,
    pub(super) connections: Vec<ConnectionId>,
    /// Payloads taken or given so far.
    pub(super) payloads: u64,
}

/// Which end, and how it encrypts.
#[derive(Clone)]
pub(super) struct Role {
    pub(super) side: Side,
    pub(super) keys: Option<SessionKeys>,
    /// Connections between the two.
    pub(super) connections: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Listener,
}

/// What happened to a machine at one moment.
#[derive(Clone)]
pub(super) struct Turn {
    pub(super) at: Instant,
    pub(super) inputs: Vec<Input>,
}

#[derive(Clone)]
pub(super) enum Input {
    /// It came from the other side.
    Datagram(Box<[u8]>),
    /// To be sent by the first connection.
    Payload(Bytes),
}

impl Side {
    const fn address(self) -> ([u8; 4], u16) {
        match self {
            Self::Caller => ([10, 0, 0, 1], 40_001),
            Self::Listener => ([10, 0, 0, 2], 9_000),
        }
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Listener,
            Self::Listener => Self::Caller,
        }
    }
}

impl Machine {
    /// A caller has called when this returns.
    pub(super) fn new(role: Role) -> Self {
        let listens = role.side == Side::Listener;
        let limits = EndpointLimits {
            requests_per_second_per_address: u32::MAX,
            ..EndpointLimits::default()
        };
        let endpoint = EndpointConfig {
            listen: listens.then(ListenerConfig::default),
            socket_ids: SocketIdSpace::default(),
            cookie_key: CookieKey::new([7; 16]),
            limits,
            seed: [role.side as u8; 32],
        };
        let mut machine = Self {
            endpoint: Endpoint::new(Instant::ZERO, endpoint),
            batch: TransmitBatch::new(BATCH_BYTES),
            peer: role.side.other().address().into(),
            role,
            connections: Vec::new(),
            payloads: 0,
        };
        if !listens {
            machine.call();
        }
        machine
    }

    fn call(&mut self) {
        for _ in 0..self.role.connections {
            let config = CallerConfig {
                stream_id: Bytes::from_static(b"live/bench"),
                keys: self.role.keys.clone(),
                ..CallerConfig::default()
            };
            let called = self.endpoint.connect(Instant::ZERO, self.peer, config);
            called.expect("a call can be made");
        }
    }

    /// Hands in what came, then does what a shard does in a turn. `send` gets the datagrams
    /// that leave.
    pub(super) fn turn(&mut self, turn: &Turn, mut send: impl FnMut(&[u8])) {
        let now = turn.at;
        for input in &turn.inputs {
            match input {
                Input::Datagram(bytes) => {
                    self.endpoint.handle_datagram(now, self.peer, None, bytes);
                }
                Input::Payload(payload) => {
                    let id = self.connections[0];
                    let sent = self.endpoint.send(now, id, payload.clone(), now);
                    sent.expect("there is room for a payload");
                    self.payloads += 1;
                }
            }
        }
        if self.endpoint.poll_timeout().is_some_and(|due| due <= now) {
            self.endpoint.handle_timeout(now);
        }
        self.handle_events(now);
        while let Some(id) = self.endpoint.next_readable() {
            while let Some(received) = self.endpoint.poll_received(id) {
                self.payloads += 1;
                core::hint::black_box(received);
            }
        }
        loop {
            self.batch.clear();
            let more = self.endpoint.poll_transmit(now, &mut self.batch);
            for run in self.batch.runs() {
                for datagram in run.datagrams() {
                    send(datagram);
                }
            }
            if !more {
                return;
            }
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.endpoint.poll_timeout()
    }

    fn handle_events(&mut self, now: Instant) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request(request) => {
                    let decision = Decision::Accept {
                        keys: self.role.keys.clone(),
                        config: ConnectionConfig::default(),
                    };
                    self.endpoint.decide(now, request.id, decision);
                }
                Event::Connected { id, .. } => self.connections.push(id),
                other => panic!("the bench does not expect {other:?}"),
            }
        }
    }
}
