//! Our caller in the place of libsrt's: it sends when the captured one sent, and hears
//! what libsrt's listener answered.

use bytes::Bytes;
use tidegate_srt::wire::{
    Control, ControlPacket, DataHeader, Packet, RequestType, SocketId, Timestamp,
};
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionId, CookieKey, Endpoint, EndpointConfig,
    EndpointLimits, Event, SequenceNumber, SessionKeys, SocketIdSpace, Statistics, TransmitBatch,
};
use tidegate_units::{Duration, Instant};

use crate::pcap::Datagram;
use crate::session::Session;

/// When the replay begins on our clock, and what our caller's clock shows then.
const START: Instant = Instant::from_millis(100_000);
const FIRST_TIMESTAMP: u32 = 1;

pub(crate) struct Caller {
    endpoint: Endpoint,
    now: Instant,
    id: ConnectionId,
    socket: SocketId,
    pub(crate) connected: bool,
    /// The data packets our caller sent.
    pub(crate) sent: Vec<(DataHeader, Vec<u8>)>,
}

impl Caller {
    /// Calls as the captured caller did: with its stream ID, keys and sequence number.
    pub(crate) fn new(session: &Session, keys: Option<SessionKeys>, stream_id: &[u8]) -> Self {
        Self::with(session, keys, stream_id, ConnectionConfig::default())
    }

    /// The same with settings of its own.
    pub(crate) fn with(
        session: &Session,
        keys: Option<SessionKeys>,
        stream_id: &[u8],
        connection: ConnectionConfig,
    ) -> Self {
        let config = EndpointConfig {
            listen: None,
            socket_ids: SocketIdSpace::default(),
            cookie_key: CookieKey::new([1; 16]),
            limits: EndpointLimits::default(),
            seed: [2; 32],
        };
        let mut endpoint = Endpoint::new(START, config);
        let (datagram, _, induction) =
            session.handshake(true, |request| request == RequestType::Induction);
        let call = CallerConfig {
            rendezvous: false,
            stream_id: Bytes::copy_from_slice(stream_id),
            keys,
            connection: ConnectionConfig {
                first_timestamp_micros: FIRST_TIMESTAMP,
                ..connection
            },
            connect_timeout: Duration::from_secs(3),
            first_sequence: Some(induction.initial_sequence),
        };
        let id = endpoint.connect(START, datagram.to, call).unwrap();
        let (socket, connected, sent) = (SocketId::LISTENER, false, Vec::new());
        Self {
            endpoint,
            now: START,
            id,
            socket,
            connected,
            sent,
        }
    }

    /// Goes through the capture as seen at the caller: sends a message of `payload` when
    /// it did so first, hears what came back.
    pub(crate) fn replay(&mut self, session: &Session, payload: &[u8]) {
        let mut messages = payload.chunks(1316);
        let mut next: Option<SequenceNumber> = None;
        let remote = session.datagrams[0].to;
        for datagram in &session.datagrams {
            self.run_until(START + Duration::from_micros(datagram.at_micros));
            if datagram.from == remote {
                self.hear(datagram);
            } else if datagram.to == remote
                && let Ok(Packet::Data { header, .. }) = Packet::parse(&datagram.bytes)
                && next.is_none_or(|next| header.sequence == next)
                && !header.retransmitted
            {
                next = Some(header.sequence.next());
                let message = messages.next().expect("the payload has as many messages");
                self.send(message, header.timestamp);
            }
        }
        self.run_until(self.now + Duration::from_millis(500));
    }

    pub(crate) fn statistics(&mut self) -> Statistics {
        self.endpoint.statistics(self.now, self.id).unwrap()
    }

    /// Sends a message with the timestamp it was captured with: AES-GCM authenticates it.
    fn send(&mut self, message: &[u8], timestamp: Timestamp) {
        let payload = Bytes::copy_from_slice(message);
        let origin = timestamp.as_micros() - FIRST_TIMESTAMP;
        let origin = START + Duration::from_micros(u64::from(origin));
        self.endpoint
            .send(self.now, self.id, payload, origin)
            .unwrap();
        self.turn();
    }

    fn hear(&mut self, datagram: &Datagram) {
        let mut bytes = datagram.bytes.clone();
        bytes[12..16].copy_from_slice(&self.socket.value().to_be_bytes());
        self.endpoint
            .handle_datagram(self.now, datagram.from, None, &bytes);
        self.turn();
    }

    fn run_until(&mut self, end: Instant) {
        self.turn();
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now);
            self.turn();
        }
        self.now = self.now.max(end);
    }

    fn turn(&mut self) {
        let mut batch = TransmitBatch::new(1 << 16);
        loop {
            let more = self.endpoint.poll_transmit(self.now, &mut batch);
            for bytes in batch.runs().flat_map(|run| run.datagrams()) {
                match Packet::parse(bytes).unwrap() {
                    Packet::Data { header, payload } => self.sent.push((header, payload.to_vec())),
                    Packet::Control(ControlPacket {
                        control: Control::Handshake(ours),
                        ..
                    }) => {
                        self.socket = ours.socket;
                    }
                    Packet::Control(_) => {}
                }
            }
            batch.clear();
            if !more {
                break;
            }
        }
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Connected { .. } => self.connected = true,
                Event::Closed { .. } => {}
                other => panic!("libsrt's listener is nothing odd: {other:?}"),
            }
        }
    }
}
