use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tidegate_netsim::{LinkConfig, Network};
use tidegate_srt::{
    CallerConfig, CipherMode, CloseReason, ConnectionConfig, ConnectionId, ConnectionRequest,
    CookieKey, Decision, Endpoint, EndpointConfig, EndpointLimits, Event, GroupCall, GroupKind,
    KeyLength, LegCall, LegState, LegStatus, ListenerConfig, RejectReason, RequestedEncryption,
    SessionKeys, SocketIdSpace, Statistics, TransmitBatch,
};
use tidegate_units::Instant;

pub const MS: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
pub const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), 9000);
/// A payload every two milliseconds: 5 Mbit/s.
const PAYLOAD_INTERVAL: Duration = Duration::from_millis(2);
/// Steps that may happen at one instant before the run is called a livelock.
const STEPS_PER_INSTANT_MAX: u32 = 10_000;

/// How the group calls.
pub struct Setup {
    pub kind: GroupKind,
    /// A network per leg.
    pub links: Vec<LinkConfig>,
    pub weights: Vec<u16>,
    pub latency: Duration,
    pub passphrase: Option<&'static [u8]>,
    pub first_sequence: Option<u32>,
    /// Both ends give up what is too late.
    pub too_late_drop: bool,
    pub seed: u64,
}

impl Setup {
    pub fn new(kind: GroupKind, links: &[LinkConfig], latency: Duration) -> Self {
        Self {
            kind,
            links: links.to_vec(),
            weights: (0..links.len()).map(|leg| 10 - leg as u16).collect(),
            latency,
            passphrase: None,
            first_sequence: None,
            too_late_drop: true,
            seed: 1,
        }
    }

    /// The group, and a listener that has let its legs in.
    pub fn connect(self) -> World {
        let mut world = World::new(self);
        let legs = world.addresses.len();
        world.call();
        world.run_until(5 * SECOND, |world| world.states_of_all().len() == legs);
        world.run_until(5 * SECOND, |world| world.server_legs().len() == legs);
        world
    }
}

/// A caller with an address per leg, a listener, and the network.
pub struct World {
    pub now: Instant,
    pub network: Network,
    pub caller: Endpoint,
    pub server: Endpoint,
    pub addresses: Vec<SocketAddr>,
    pub group: Option<ConnectionId>,
    pub source: Option<ConnectionId>,
    /// Nothing goes over these legs any more, in either direction, and nobody is told.
    pub cut: Vec<bool>,
    /// New legs are turned away.
    pub refuses: Option<RejectReason>,
    /// Numbers of the payloads in the order they were delivered.
    pub delivered: Vec<u64>,
    /// The longest that a payload took to be ready, from when it was sent.
    pub slowest: Duration,
    pub sent: u64,
    pub refused_sends: u64,
    pub caller_events: Vec<Event>,
    pub server_events: Vec<Event>,
    /// Data packets put on the wire by each leg.
    pub data: Vec<u64>,
    /// The group that has been let in.
    known: Option<u32>,
    /// When the payloads were sent, by their numbers.
    origins: Vec<Instant>,
    next_payload: Option<Instant>,
    setup: Setup,
    batch: TransmitBatch,
    steps: u32,
}

impl World {
    fn new(setup: Setup) -> Self {
        let now = Instant::from_millis(100_000);
        let endpoint = |listen, seed: u8| {
            let config = EndpointConfig {
                listen,
                socket_ids: SocketIdSpace::default(),
                cookie_key: CookieKey::new([seed; 16]),
                limits: EndpointLimits::default(),
                seed: [seed; 32],
            };
            Endpoint::new(now, config)
        };
        let mut network = Network::new(setup.seed, LinkConfig::delayed(MS));
        let address = |leg: usize| SocketAddr::from(([10, 20, 0, leg as u8 + 1], 4000));
        let addresses: Vec<_> = (0..setup.links.len()).map(address).collect();
        for (address, link) in addresses.iter().zip(&setup.links) {
            network.configure(*address, SERVER, link.clone());
            network.configure(SERVER, *address, link.clone());
        }
        Self {
            now,
            network,
            caller: endpoint(None, setup.seed as u8),
            server: endpoint(Some(ListenerConfig::default()), 200),
            cut: vec![false; addresses.len()],
            data: vec![0; addresses.len()],
            addresses,
            group: None,
            source: None,
            refuses: None,
            delivered: Vec::new(),
            slowest: Duration::ZERO,
            sent: 0,
            refused_sends: 0,
            caller_events: Vec::new(),
            server_events: Vec::new(),
            known: None,
            origins: Vec::new(),
            next_payload: None,
            setup,
            batch: TransmitBatch::new(1 << 14),
            steps: 0,
        }
    }

    /// Nobody has called yet.
    pub fn silent(setup: Setup) -> Self {
        Self::new(setup)
    }

    pub fn call(&mut self) {
        let keys = self.setup.passphrase.map(|passphrase| {
            let mut random = ChaCha20Rng::from_seed([7; 32]);
            SessionKeys::generate(passphrase, KeyLength::Aes128, CipherMode::Ctr, &mut random)
                .unwrap()
        });
        let leg = |(way, weight): (usize, &u16)| LegCall {
            remote: SERVER,
            weight: *weight,
            way: way as u8,
        };
        let caller = CallerConfig {
            stream_id: "live/cam".into(),
            keys,
            connection: ConnectionConfig {
                peer_latency: self.setup.latency,
                too_late_drop: self.setup.too_late_drop,
                ..ConnectionConfig::default()
            },
            first_sequence: self
                .setup
                .first_sequence
                .map(tidegate_srt::SequenceNumber::new),
            ..CallerConfig::default()
        };
        let legs = self.setup.weights.iter().enumerate().map(leg).collect();
        let call = GroupCall::new(self.setup.kind, legs, caller);
        self.group = Some(self.caller.connect_group(self.now, call).unwrap());
        self.drain();
    }

    pub fn publish(&mut self) {
        self.next_payload = Some(self.now);
    }

    pub fn stop_publishing(&mut self) {
        self.next_payload = None;
    }

    /// Publishes for so long, waits for what is under way, and wants all of it delivered, once
    /// and in order.
    #[track_caller]
    pub fn deliver_all(&mut self, length: Duration) {
        self.publish();
        self.run_for(length);
        self.finish();
    }

    /// Stops publishing and wants all of it to have been delivered.
    #[track_caller]
    pub fn finish(&mut self) {
        self.stop_publishing();
        self.run_for(self.setup.latency + 3 * SECOND);
        assert_eq!(self.refused_sends, 0);
        assert!(
            self.delivered.iter().copied().eq(0..self.sent),
            "{:?}",
            self.missing()
        );
        let latency = self.setup.latency + 40 * MS;
        assert!(self.slowest <= latency, "{:?}", self.slowest);
    }

    /// What was sent and not delivered, as ranges.
    pub fn missing(&self) -> Vec<(u64, u64)> {
        let mut missing: Vec<(u64, u64)> = Vec::new();
        let mut expected = 0;
        for number in self.delivered.iter().copied().chain([self.sent]) {
            if number > expected {
                missing.push((expected, number - 1));
            }
            expected = number + 1;
        }
        missing
    }

    pub fn legs(&mut self) -> Vec<LegStatus> {
        self.group
            .map_or_else(Vec::new, |group| self.caller.legs(self.now, group))
    }

    /// How the legs are doing, in the order of the call.
    pub fn states(&mut self) -> Vec<LegState> {
        self.legs().iter().map(|leg| leg.state).collect()
    }

    pub fn server_legs(&mut self) -> Vec<LegStatus> {
        self.source
            .map_or_else(Vec::new, |source| self.server.legs(self.now, source))
    }

    fn states_of_all(&mut self) -> Vec<LegState> {
        let mut states = self.states();
        states.retain(|state| *state != LegState::Down);
        states
    }

    pub fn statistics(&mut self) -> Statistics {
        let group = self.group.unwrap();
        self.caller.statistics(self.now, group).unwrap()
    }

    pub fn server_statistics(&mut self) -> Statistics {
        let source = self.source.unwrap();
        self.server.statistics(self.now, source).unwrap()
    }

    /// Why the group ended, if it did.
    pub fn closed(&self) -> Option<CloseReason> {
        self.caller_events.iter().find_map(|event| match event {
            Event::Closed { reason, .. } => Some(*reason),
            _ => None,
        })
    }

    pub fn run_for(&mut self, length: Duration) {
        let end = self.now + length;
        while self.step(end) {}
        self.now = end;
    }

    #[track_caller]
    pub fn run_until(&mut self, most: Duration, done: impl Fn(&mut Self) -> bool) {
        let end = self.now + most;
        while !done(self) {
            if !self.step(end) {
                let events = (&self.caller_events, &self.server_events);
                panic!("it did not happen within {most:?}: {events:?}");
            }
        }
    }

    fn step(&mut self, end: Instant) -> bool {
        let times = [
            self.caller.poll_timeout(),
            self.server.poll_timeout(),
            self.network.next_arrival(),
            self.next_payload,
        ];
        let next = times.into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= end) else {
            return false;
        };
        self.steps = if next > self.now { 0 } else { self.steps + 1 };
        assert!(
            self.steps < STEPS_PER_INSTANT_MAX,
            "livelock at {}",
            self.now
        );
        self.now = self.now.max(next);
        while let Some(datagram) = self.network.receive(self.now) {
            let leg = |address| self.addresses.iter().position(|own| *own == address);
            let (from, bytes) = (datagram.from, &datagram.bytes);
            if datagram.to == SERVER {
                self.server.handle_datagram(self.now, from, None, bytes);
            } else if leg(datagram.to).is_some_and(|leg| !self.cut[leg]) {
                self.caller.handle_datagram(self.now, from, None, bytes);
            }
        }
        for endpoint in [&mut self.caller, &mut self.server] {
            if endpoint.poll_timeout().is_some_and(|due| due <= self.now) {
                endpoint.handle_timeout(self.now);
            }
        }
        self.send_due();
        self.drain();
        true
    }

    fn send_due(&mut self) {
        while let Some(due) = self.next_payload.filter(|due| *due <= self.now) {
            let mut payload = self.sent.to_be_bytes().to_vec();
            payload.resize(1316, self.sent as u8);
            let group = self.group.unwrap();
            match self.caller.send(self.now, group, payload.into(), due) {
                Ok(()) => {
                    self.sent += 1;
                    self.origins.push(due);
                }
                Err(_) => self.refused_sends += 1,
            }
            self.next_payload = Some(due + PAYLOAD_INTERVAL);
        }
    }

    fn drain(&mut self) {
        self.transmit_caller();
        while let Some(event) = self.caller.poll_event() {
            self.caller_events.push(event);
        }
        loop {
            self.transmit_server();
            let Some(event) = self.server.poll_event() else {
                break;
            };
            match &event {
                Event::Request(request) => self.decide(request),
                Event::Connected { id, .. } => self.source = Some(*id),
                Event::Closed { .. } => self.known = None,
                _ => {}
            }
            self.server_events.push(event);
        }
        while let Some(id) = self.server.next_readable() {
            while let Some(packet) = self.server.poll_received(id) {
                let number = u64::from_be_bytes(*packet.payload.first_chunk().unwrap());
                let took = self.now.saturating_since(self.origins[number as usize]);
                self.slowest = self.slowest.max(took);
                self.delivered.push(number);
            }
        }
    }

    fn transmit_caller(&mut self) {
        loop {
            self.batch.clear();
            let more = self.caller.poll_transmit(self.now, &mut self.batch);
            for run in self.batch.runs() {
                let way = usize::from(run.way);
                for datagram in run.datagrams() {
                    self.data[way] += u64::from(datagram[0] & 0x80 == 0);
                    if !self.cut[way] {
                        self.network
                            .send(self.now, self.addresses[way], run.to, datagram);
                    }
                }
            }
            if !more {
                return;
            }
        }
    }

    fn transmit_server(&mut self) {
        loop {
            self.batch.clear();
            let more = self.server.poll_transmit(self.now, &mut self.batch);
            for run in self.batch.runs() {
                for datagram in run.datagrams() {
                    self.network.send(self.now, SERVER, run.to, datagram);
                }
            }
            if !more {
                return;
            }
        }
    }

    fn decide(&mut self, request: &ConnectionRequest) {
        let keys = match &request.encryption {
            RequestedEncryption::None => None,
            RequestedEncryption::KeyMaterial(material) => {
                let passphrase = self.setup.passphrase.unwrap();
                Some(material.open(passphrase).unwrap())
            }
        };
        let config = ConnectionConfig {
            latency: Duration::ZERO,
            too_late_drop: self.setup.too_late_drop,
            ..ConnectionConfig::default()
        };
        let decision = match self.refuses {
            Some(reason) => Decision::Reject(reason),
            None if self.known == request.group.map(|group| group.id) => {
                Decision::Join { keys, config }
            }
            None => {
                self.known = request.group.map(|group| group.id);
                Decision::Accept { keys, config }
            }
        };
        self.server.decide(self.now, request.id, decision);
    }
}
