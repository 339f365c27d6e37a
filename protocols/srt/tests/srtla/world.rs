use std::net::SocketAddr;
use std::time::Duration;

use tidegate_netsim::{LinkConfig, Network};
use tidegate_srt::srtla::{LinkState, LinkStatus};
use tidegate_srt::{
    ConnectionConfig, ConnectionId, ConnectionRequest, CookieKey, Decision, Endpoint,
    EndpointConfig, EndpointLimits, Event, ListenerConfig, RejectReason, RequestId, SocketIdSpace,
    Statistics, TransmitBatch,
};
use tidegate_units::Instant;

use super::phone::Phone;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const SERVER: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1)),
    9000,
);

/// A server, phones, and the networks between them.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) server: Endpoint,
    pub(crate) network: Network,
    pub(crate) phones: Vec<Phone>,
    pub(crate) requests: Vec<ConnectionRequest>,
    pub(crate) connections: Vec<ConnectionId>,
    /// Numbers of the payloads, in the order they were delivered.
    pub(crate) delivered: Vec<u64>,
    /// What arrived at addresses where no phone is.
    pub(crate) strays: Vec<(SocketAddr, Vec<u8>)>,
    pub(crate) refuses: bool,
    /// Requests wait until the test decides them.
    pub(crate) hesitates: bool,
    /// Requests of which nothing came.
    pub(crate) gone: Vec<RequestId>,
    batch: TransmitBatch,
}

impl World {
    pub(crate) fn new() -> Self {
        let now = Instant::from_millis(100_000);
        let config = EndpointConfig {
            listen: Some(ListenerConfig::default()),
            socket_ids: SocketIdSpace { shard: 5 },
            cookie_key: CookieKey::new([9; 16]),
            limits: EndpointLimits::default(),
            seed: [1; 32],
        };
        Self {
            now,
            server: Endpoint::new(now, config),
            network: Network::new(7, LinkConfig::delayed(20 * MS)),
            phones: Vec::new(),
            requests: Vec::new(),
            connections: Vec::new(),
            delivered: Vec::new(),
            strays: Vec::new(),
            refuses: false,
            hesitates: false,
            gone: Vec::new(),
            batch: TransmitBatch::new(1 << 16),
        }
    }

    /// A phone whose links have these one-way delays; it is connected and publishes.
    pub(crate) fn publishing(delays: &[Duration], latency: Duration) -> Self {
        let mut world = Self::new();
        let links: Vec<_> = delays
            .iter()
            .map(|delay| LinkConfig::delayed(*delay))
            .collect();
        world.add_phone(&links);
        world.run_until(5 * SECOND, |world| {
            let sender = &world.phones[0].sender;
            (0..delays.len()).all(|link| sender.is_in_use(link))
        });
        world.phones[0].call(world.now, latency);
        world.run_until(5 * SECOND, |world| world.phones[0].connected);
        world.phones[0].publish(world.now);
        world
    }

    pub(crate) fn add_phone(&mut self, links: &[LinkConfig]) -> usize {
        let phone = self.phones.len() as u8;
        let address = |link: usize| SocketAddr::from(([10, 20, phone, link as u8 + 1], 4000));
        let addresses: Vec<_> = (0..links.len()).map(address).collect();
        for (address, link) in addresses.iter().zip(links) {
            self.network.configure(*address, SERVER, link.clone());
            self.network.configure(SERVER, *address, link.clone());
        }
        self.phones.push(Phone::new(self.now, phone + 1, addresses));
        usize::from(phone)
    }

    /// Puts a datagram on the wire as anybody can, from any address.
    pub(crate) fn inject(&mut self, from: SocketAddr, bytes: &[u8]) {
        self.network.send(self.now, from, SERVER, bytes);
    }

    /// What the server sends to `to`, where no phone is, within the next tenth of a second.
    pub(crate) fn ask(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.strays.clear();
        self.inject(from, bytes);
        self.run_for(100 * MS);
        let strays = self.strays.drain(..);
        strays
            .filter(|(to, _)| *to == from)
            .map(|(_, bytes)| bytes)
            .collect()
    }

    pub(crate) fn run_for(&mut self, length: Duration) {
        let end = self.now + length;
        while self.step(end) {}
        self.now = end;
    }

    #[track_caller]
    pub(crate) fn run_until(&mut self, most: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + most;
        while !done(self) {
            assert!(self.step(end), "it did not happen within {most:?}");
        }
    }

    /// Lets the feed end and everything under way arrive.
    pub(crate) fn finish(&mut self, length: Duration) {
        self.phones.iter_mut().for_each(Phone::stop_publishing);
        self.run_for(length);
    }

    /// Every payload was delivered, once and in order.
    #[track_caller]
    pub(crate) fn assert_all_delivered(&self) {
        let sent = self.phones[0].sent;
        let wrong = self
            .delivered
            .iter()
            .zip(0..)
            .find(|(got, number)| *got != number);
        assert_eq!(wrong, None, "the first payload out of place");
        assert_eq!(self.delivered.len() as u64, sent);
    }

    pub(crate) fn statistics(&mut self) -> Statistics {
        self.server
            .statistics(self.now, self.connections[0])
            .expect("the connection is there")
    }

    pub(crate) fn links(&self) -> Vec<LinkStatus> {
        self.server.links(self.now, self.connections[0])
    }

    pub(crate) fn states(&self) -> Vec<LinkState> {
        self.links().iter().map(|link| link.state).collect()
    }

    fn step(&mut self, end: Instant) -> bool {
        let phones = self.phones.iter().map(Phone::next_wake_up);
        let next = phones
            .chain(self.network.next_arrival())
            .chain(self.server.poll_timeout())
            .min();
        let Some(next) = next.filter(|next| *next <= end) else {
            return false;
        };
        self.now = self.now.max(next);
        while let Some(datagram) = self.network.receive(self.now) {
            if datagram.to == SERVER {
                self.server
                    .handle_datagram(self.now, datagram.from, None, &datagram.bytes);
                self.drain_server();
                continue;
            }
            let is_at = |phone: &&mut Phone| phone.addresses.contains(&datagram.to);
            match self.phones.iter_mut().find(is_at) {
                Some(phone) => phone.hear(self.now, datagram.to, &datagram.bytes),
                None => self.strays.push((datagram.to, datagram.bytes)),
            }
        }
        if self
            .server
            .poll_timeout()
            .is_some_and(|due| due <= self.now)
        {
            self.server.handle_timeout(self.now);
        }
        self.drain_server();
        for phone in &mut self.phones {
            phone.wake(self.now);
            phone.drain(self.now, &mut self.network);
        }
        true
    }

    fn drain_server(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match event {
                Event::Request(request) if self.hesitates => self.requests.push(request),
                Event::RequestGone(id) => self.gone.push(id),
                Event::Request(request) => {
                    let decision = if self.refuses {
                        Decision::Reject(RejectReason::WrongPassphrase)
                    } else {
                        let config = ConnectionConfig::default();
                        Decision::Accept { keys: None, config }
                    };
                    self.server.decide(self.now, request.id, decision);
                    self.requests.push(request);
                }
                Event::Connected { id, .. } => self.connections.push(id),
                _ => {}
            }
        }
        while let Some(id) = self.server.next_readable() {
            while let Some(packet) = self.server.poll_received(id) {
                let number = packet.payload.first_chunk().map(|n| u64::from_be_bytes(*n));
                self.delivered.extend(number);
            }
        }
        loop {
            self.batch.clear();
            let more = self.server.poll_transmit(self.now, &mut self.batch);
            for run in self.batch.runs() {
                for packet in run.datagrams() {
                    self.network.send(self.now, SERVER, run.to, packet);
                }
            }
            if !more {
                return;
            }
        }
    }
}
