//! One SRT caller on a socket of its own.

use crate::payload;
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use tidegate_srt::{
    CallerConfig, ConnectionId, CookieKey, Endpoint, EndpointConfig, EndpointLimits, Event,
    SocketIdSpace, TransmitBatch,
};
use tidegate_udp::{Options, Outbox, RecvBatch, Run, Socket};
use tidegate_units::Instant;

/// Bytes a client's socket may owe the kernel.
const OUTBOX_BYTES: usize = 1 << 20;

/// What a client has seen.
#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) packets: u64,
    pub(crate) missing: u64,
    pub(crate) latency_sum_us: u64,
    pub(crate) latency_max_us: u64,
}

/// Memory that every client of one thread can share, since they take turns.
pub(crate) struct Scratch {
    pub(crate) incoming: RecvBatch,
    pub(crate) outgoing: TransmitBatch,
}

/// A caller, publishing or reading.
pub(crate) struct Client {
    socket: Socket,
    outbox: Outbox,
    endpoint: Endpoint,
    connection: ConnectionId,
    pub(crate) connected: bool,
    pub(crate) tally: Tally,
    /// From the publisher's send call to here, packet by packet.
    pub(crate) delays_us: Vec<u32>,
    next_number: Option<u64>,
    retransmitted: u64,
}

impl Client {
    pub(crate) fn call(now: Instant, to: SocketAddr, stream_id: &str) -> anyhow::Result<Self> {
        let local: SocketAddr = if to.is_ipv4() {
            ([127, 0, 0, 1], 0).into()
        } else {
            (std::net::Ipv6Addr::LOCALHOST, 0).into()
        };
        let socket = Socket::bind(local, &Options::default()).context("no socket for a client")?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let config = EndpointConfig {
            listen: None,
            socket_ids: SocketIdSpace { shard: 0 },
            cookie_key: CookieKey::new([0; 16]),
            limits: EndpointLimits::default(),
            seed,
        };
        let mut endpoint = Endpoint::new(now, config);
        let config = CallerConfig {
            stream_id: stream_id.as_bytes().to_vec().into(),
            ..CallerConfig::default()
        };
        let connection = endpoint
            .connect(now, to, config)
            .context("the call could not begin")?;
        Ok(Self {
            socket,
            outbox: Outbox::new(OUTBOX_BYTES),
            endpoint,
            connection,
            connected: false,
            tally: Tally::default(),
            delays_us: Vec::new(),
            next_number: None,
            retransmitted: 0,
        })
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends one numbered packet.
    pub(crate) fn send(&mut self, now: Instant, number: u64) -> anyhow::Result<()> {
        self.endpoint
            .send(now, self.connection, payload::packet(number, now), now)
            .map_err(|error| anyhow::anyhow!("a publisher could not send: {error}"))
    }

    /// Reads what has come, and writes what is due.
    pub(crate) fn turn(&mut self, now: Instant, scratch: &mut Scratch) -> anyhow::Result<()> {
        while self.socket.recv(&mut scratch.incoming)? > 0 {
            for datagram in scratch.incoming.datagrams() {
                self.endpoint
                    .handle_datagram(now, datagram.from, datagram.to, datagram.bytes);
            }
            if !scratch.incoming.is_full() {
                break;
            }
        }
        self.drain(now, scratch)
    }

    /// Lets time pass, and writes what is due.
    pub(crate) fn tick(&mut self, now: Instant, scratch: &mut Scratch) -> anyhow::Result<()> {
        if self.endpoint.poll_timeout().is_some_and(|due| due <= now) {
            self.endpoint.handle_timeout(now);
        }
        self.drain(now, scratch)
    }

    pub(crate) fn wakes_at(&self) -> Instant {
        self.endpoint.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
    }

    fn drain(&mut self, now: Instant, scratch: &mut Scratch) -> anyhow::Result<()> {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Connected { .. } => self.connected = true,
                Event::Closed { reason, .. } => bail!("a connection was closed: {reason:?}"),
                Event::Refused { reason, .. } => bail!("a call was refused: {reason:?}"),
                _ => {}
            }
        }
        while let Some(received) = self.endpoint.poll_received(self.connection) {
            self.tally.missing += u64::from(received.dropped_before);
            self.count(now, &received.payload);
        }
        loop {
            let more = self.endpoint.poll_transmit(now, &mut scratch.outgoing);
            let runs: Vec<Run<'_>> = scratch
                .outgoing
                .runs()
                .map(|run| Run {
                    to: run.to,
                    from: run.from,
                    bytes: run.bytes,
                    segment_bytes: run.segment_bytes,
                })
                .collect();
            self.outbox.send(&self.socket, &runs);
            scratch.outgoing.clear();
            if !more {
                return Ok(());
            }
        }
    }

    fn count(&mut self, now: Instant, bytes: &[u8]) {
        let Some(mark) = payload::mark(bytes) else {
            return;
        };
        if let Some(expected) = self.next_number {
            self.tally.missing += mark.number.saturating_sub(expected);
        }
        self.next_number = Some(mark.number + 1);
        let latency = now.as_micros().saturating_sub(mark.sent.as_micros());
        self.tally.packets += 1;
        self.tally.latency_sum_us += latency;
        self.tally.latency_max_us = self.tally.latency_max_us.max(latency);
        self.delays_us
            .push(u32::try_from(latency).unwrap_or(u32::MAX));
    }

    /// How many packets this client had to send again.
    pub(crate) fn retransmitted(&mut self, now: Instant) -> u64 {
        if let Some(statistics) = self.endpoint.statistics(now, self.connection) {
            self.retransmitted = statistics.total.packets_retransmitted;
        }
        self.retransmitted
    }
}
