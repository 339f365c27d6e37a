//! Our listener in the place of libsrt's: it hears what the captured caller sent.

use std::net::SocketAddr;

use tidegate_srt::wire::{AckAck, Control, ControlPacket, Packet, RequestType, SocketId};
use tidegate_srt::{
    CipherMode, ConnectionConfig, ConnectionId, CookieKey, Decision, Endpoint, EndpointConfig,
    EndpointLimits, Event, ListenerConfig, Oddity, OddityKind, Received, RejectCode, RejectReason,
    RequestedEncryption, SessionKeys, SocketIdSpace, TransmitBatch,
};
use tidegate_units::{Duration, Instant};

use crate::pcap::Datagram;
use crate::session::PASSPHRASE;

/// When the replay begins on our clock.
const START: Instant = Instant::from_millis(100_000);

/// Changes a datagram; an empty one is lost.
pub(crate) type Mangle = Box<dyn FnMut(&mut Vec<u8>)>;

/// Hears a captured caller, whose packets are changed in two places only: they carry our
/// cookie and, unless our listener has libsrt's, our socket ID. Our ACKs are answered at once,
/// because the captured ACKACKs answer others.
pub(crate) struct Listener {
    endpoint: Endpoint,
    now: Instant,
    cookie: u32,
    socket: SocketId,
    caller: SocketAddr,
    id: Option<ConnectionId>,
    /// How the caller is let in.
    pub(crate) connection: ConnectionConfig,
    /// Whether callers without encryption are refused.
    pub(crate) encryption_required: bool,
    /// The cipher mode callers must have; any, unless said.
    pub(crate) cipher: Option<CipherMode>,
    /// What happens to every datagram on its way, after the handshake.
    pub(crate) mangle: Option<Mangle>,
    /// What came out.
    pub(crate) received: Vec<Received>,
    /// What our listener sent.
    pub(crate) sent: Vec<Vec<u8>>,
    /// What a refused caller is told, and the true reason.
    pub(crate) told: Option<RejectCode>,
    pub(crate) refused: Option<RejectReason>,
    pub(crate) closed: bool,
}

impl Listener {
    pub(crate) fn new(caller: SocketAddr) -> Self {
        let config = EndpointConfig {
            listen: Some(ListenerConfig {
                reject_detail: true,
                ..ListenerConfig::default()
            }),
            socket_ids: SocketIdSpace::default(),
            cookie_key: CookieKey::new([1; 16]),
            limits: EndpointLimits::default(),
            seed: [2; 32],
        };
        Self {
            endpoint: Endpoint::new(START, config),
            now: START,
            cookie: 0,
            socket: SocketId::LISTENER,
            caller,
            id: None,
            // The ACKs are answered with stamps of our own clock: the caller's cannot be followed.
            connection: ConnectionConfig {
                trace_drift: false,
                ..ConnectionConfig::default()
            },
            encryption_required: false,
            cipher: None,
            mangle: None,
            received: Vec::new(),
            sent: Vec::new(),
            told: None,
            refused: None,
            closed: false,
        }
    }

    /// Hears the datagrams at the distances they were captured at, then waits so long.
    pub(crate) fn hear<'a>(
        &mut self,
        datagrams: impl Iterator<Item = &'a Datagram>,
        wait: Duration,
    ) {
        for datagram in datagrams {
            self.run_until(START + Duration::from_micros(datagram.at_micros));
            if let Some(mut bytes) = self.readdressed(&datagram.bytes) {
                if let (Some(mangle), Some(_)) = (&mut self.mangle, self.id) {
                    mangle(&mut bytes);
                }
                self.endpoint
                    .handle_datagram(self.now, self.caller, None, &bytes);
                self.turn();
            }
        }
        self.run_until(self.now + wait);
    }

    pub(crate) fn statistics(&mut self) -> tidegate_srt::Statistics {
        let id = self.id.expect("the caller is connected");
        self.endpoint.statistics(self.now, id).unwrap()
    }

    fn run_until(&mut self, end: Instant) {
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now);
            self.turn();
        }
        self.now = self.now.max(end);
    }

    fn readdressed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let packet = Packet::parse(bytes).unwrap();
        let mut bytes = bytes.to_vec();
        match packet {
            Packet::Control(ControlPacket {
                control: Control::AckAck(_),
                ..
            }) => return None,
            Packet::Control(ControlPacket {
                control: Control::Handshake(handshake),
                ..
            }) => {
                if handshake.request == RequestType::Conclusion {
                    bytes[44..48].copy_from_slice(&self.cookie.to_be_bytes());
                }
            }
            _ => bytes[12..16].copy_from_slice(&self.socket.value().to_be_bytes()),
        }
        Some(bytes)
    }

    /// Everything our listener has to say and to give.
    fn turn(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            self.note(event);
        }
        self.transmit();
        while let Some(id) = self.endpoint.next_readable() {
            while let Some(received) = self.endpoint.poll_received(id) {
                self.received.push(received);
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Request(request) => {
                let decision = match self.keys(&request.encryption) {
                    Ok(keys) => Decision::Accept {
                        keys,
                        config: self.connection.clone(),
                    },
                    Err(reason) => {
                        self.refused = Some(reason);
                        Decision::Reject(reason)
                    }
                };
                self.endpoint.decide(self.now, request.id, decision);
                self.transmit();
            }
            Event::Odd(Oddity {
                kind: OddityKind::BadHandshake(reason),
                ..
            }) => {
                self.refused = Some(reason);
            }
            Event::Connected { id, .. } => self.id = Some(id),
            // Accepted here, and overruled.
            Event::RequestGone(_) => self.refused = Some(RejectReason::Filter),
            Event::Closed { .. } => self.closed = true,
            Event::Odd(_) if self.mangle.is_some() => {}
            other => panic!("a real caller is nothing odd: {other:?}"),
        }
    }

    fn keys(&self, offered: &RequestedEncryption) -> Result<Option<SessionKeys>, RejectReason> {
        match offered {
            RequestedEncryption::None if self.encryption_required => {
                Err(RejectReason::EncryptionRequired)
            }
            RequestedEncryption::None => Ok(None),
            RequestedEncryption::KeyMaterial(material)
                if self.cipher.is_some_and(|mode| mode != material.cipher()) =>
            {
                Err(RejectReason::CryptoMode)
            }
            RequestedEncryption::KeyMaterial(material) => Ok(Some(material.open(PASSPHRASE)?)),
        }
    }

    fn transmit(&mut self) {
        let mut batch = TransmitBatch::new(1 << 16);
        loop {
            let more = self.endpoint.poll_transmit(self.now, &mut batch);
            let datagrams: Vec<Vec<u8>> = batch
                .runs()
                .flat_map(|run| run.datagrams())
                .map(<[u8]>::to_vec)
                .collect();
            batch.clear();
            for bytes in datagrams {
                self.answer(&bytes);
                self.sent.push(bytes);
            }
            if !more {
                return;
            }
        }
    }

    /// What the caller's program does by itself: it takes the cookie and the socket ID,
    /// and acknowledges acknowledgements.
    fn answer(&mut self, bytes: &[u8]) {
        let Ok(Packet::Control(packet)) = Packet::parse(bytes) else {
            panic!("a listener without a reader sends no data")
        };
        match packet.control {
            Control::Handshake(handshake) => match handshake.request {
                RequestType::Induction => self.cookie = handshake.cookie,
                RequestType::Conclusion => self.socket = handshake.socket,
                RequestType::Rejected(code) => self.told = Some(code),
                other => panic!("{other:?} from a listener"),
            },
            Control::Ack(ack) if ack.asks_for_ackack() => {
                let answer = ControlPacket::new(
                    packet.timestamp,
                    self.socket,
                    AckAck { number: ack.number },
                );
                self.endpoint
                    .handle_datagram(self.now, self.caller, None, &answer.to_vec());
            }
            _ => {}
        }
    }
}
