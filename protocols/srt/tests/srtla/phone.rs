use std::net::SocketAddr;
use std::time::Duration;

use tidegate_netsim::Network;
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionId, CookieKey, Endpoint, EndpointConfig,
    EndpointLimits, Event, SocketIdSpace, TransmitBatch,
};
use tidegate_units::Instant;

use super::model::{Out, Sender};
use super::world::SERVER;

/// An SRT caller, and behind it a sender with several links.
pub(crate) struct Phone {
    pub(crate) caller: Endpoint,
    pub(crate) sender: Sender,
    pub(crate) addresses: Vec<SocketAddr>,
    /// Links that are cut: nothing passes, and nobody is told.
    pub(crate) cut: Vec<bool>,
    pub(crate) id: Option<ConnectionId>,
    pub(crate) connected: bool,
    pub(crate) sent: u64,
    next_payload: Option<Instant>,
    batch: TransmitBatch,
}

const LOCAL: ([u8; 4], u16) = ([127, 0, 0, 1], 5000);
const PAYLOAD_INTERVAL: Duration = Duration::from_millis(2);

impl Phone {
    pub(crate) fn new(now: Instant, seed: u8, addresses: Vec<SocketAddr>) -> Self {
        let config = EndpointConfig {
            listen: None,
            socket_ids: SocketIdSpace::default(),
            cookie_key: CookieKey::new([seed; 16]),
            limits: EndpointLimits::default(),
            seed: [seed; 32],
        };
        Self {
            caller: Endpoint::new(now, config),
            sender: Sender::new(now, addresses.len(), [seed; 256]),
            cut: vec![false; addresses.len()],
            addresses,
            id: None,
            connected: false,
            sent: 0,
            next_payload: None,
            batch: TransmitBatch::new(1 << 16),
        }
    }

    pub(crate) fn call(&mut self, now: Instant, latency: Duration) {
        let connection = ConnectionConfig {
            latency,
            peer_latency: latency,
            ..ConnectionConfig::default()
        };
        let config = CallerConfig {
            stream_id: "live/phone".into(),
            connection,
            ..CallerConfig::default()
        };
        self.id = Some(
            self.caller
                .connect(now, LOCAL.into(), config)
                .expect("the call is placed"),
        );
    }

    /// Sends a numbered payload every two milliseconds (5 Mbit/s) from now on.
    pub(crate) fn publish(&mut self, now: Instant) {
        self.next_payload = Some(now);
    }

    pub(crate) fn stop_publishing(&mut self) {
        self.next_payload = None;
    }

    pub(crate) fn next_wake_up(&self) -> Instant {
        let caller = self.caller.poll_timeout();
        let times = [caller, self.next_payload, Some(self.sender.poll_timeout())];
        times.into_iter().flatten().min().unwrap_or(Instant::ZERO)
    }

    pub(crate) fn wake(&mut self, now: Instant) {
        self.sender.handle_timeout(now);
        if self.caller.poll_timeout().is_some_and(|due| due <= now) {
            self.caller.handle_timeout(now);
        }
        while let (Some(due), Some(id)) = (self.next_payload.filter(|due| *due <= now), self.id) {
            let mut payload = self.sent.to_be_bytes().to_vec();
            payload.resize(1316, self.sent as u8);
            let taken = self.caller.send(now, id, payload.into(), due).is_ok();
            self.sent += u64::from(taken);
            self.next_payload = taken.then(|| due + PAYLOAD_INTERVAL);
        }
    }

    pub(crate) fn hear(&mut self, now: Instant, to: SocketAddr, bytes: &[u8]) {
        if let Some(link) = self.addresses.iter().position(|address| *address == to)
            && !self.cut[link]
        {
            self.sender.hear_server(now, link, bytes);
        }
    }

    /// Passes on what caller and sender have for each other and for the network.
    pub(crate) fn drain(&mut self, now: Instant, network: &mut Network) {
        loop {
            self.batch.clear();
            let more = self.caller.poll_transmit(now, &mut self.batch);
            for packet in self.batch.runs().flat_map(|run| run.datagrams()) {
                self.sender.hear_caller(packet);
            }
            let mut idle = self.batch.is_empty();
            while let Some(out) = self.sender.poll_output() {
                idle = false;
                match out {
                    Out::Caller(bytes) => {
                        self.caller.handle_datagram(now, LOCAL.into(), None, &bytes);
                    }
                    Out::Server(link, bytes) if !self.cut[link] => {
                        network.send(now, self.addresses[link], SERVER, &bytes);
                    }
                    Out::Server(..) => {}
                }
            }
            while let Some(event) = self.caller.poll_event() {
                self.connected |= matches!(event, Event::Connected { .. });
            }
            if idle && !more {
                return;
            }
        }
    }
}
