//! One SRT caller on a socket of its own.

use crate::payload;
use crate::port::{Port, Scratch};
use anyhow::{Context as _, bail};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::BorrowedFd;
use tidegate_srt::{CallerConfig, ConnectionId, Event, SessionKeys};
use tidegate_units::Instant;

/// What a client has seen.
#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) packets: u64,
    pub(crate) missing: u64,
    pub(crate) latency_sum_us: u64,
    pub(crate) latency_max_us: u64,
}

/// A caller, publishing or reading.
pub(crate) struct Client {
    port: Port,
    connection: ConnectionId,
    pub(crate) connected: bool,
    pub(crate) tally: Tally,
    /// From the publisher's send call to here, packet by packet.
    pub(crate) delays_us: Vec<u32>,
    /// The number of every packet received.
    pub(crate) numbers: Vec<u64>,
    next_number: Option<u64>,
    retransmitted: u64,
}

impl Client {
    pub(crate) fn call(now: Instant, to: SocketAddr, stream_id: &str) -> anyhow::Result<Self> {
        let local: IpAddr = if to.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        };
        Self::call_from(now, local, to, stream_id, None)
    }

    pub(crate) fn call_from(
        now: Instant,
        local: IpAddr,
        to: SocketAddr,
        stream_id: &str,
        keys: Option<SessionKeys>,
    ) -> anyhow::Result<Self> {
        let config = CallerConfig {
            stream_id: stream_id.as_bytes().to_vec().into(),
            keys,
            ..CallerConfig::default()
        };
        Self::call_with(now, local, to, config)
    }

    pub(crate) fn call_with(
        now: Instant,
        local: IpAddr,
        to: SocketAddr,
        config: CallerConfig,
    ) -> anyhow::Result<Self> {
        let mut port = Port::open(now, local)?;
        let connection = port
            .endpoint
            .connect(now, to, config)
            .context("the call could not begin")?;
        Ok(Self {
            port,
            connection,
            connected: false,
            tally: Tally::default(),
            delays_us: Vec::new(),
            numbers: Vec::new(),
            next_number: None,
            retransmitted: 0,
        })
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.port.descriptor()
    }

    /// Sends one numbered packet.
    pub(crate) fn send(&mut self, now: Instant, number: u64) -> anyhow::Result<()> {
        self.port
            .endpoint
            .send(now, self.connection, payload::packet(number, now), now)
            .map_err(|error| anyhow::anyhow!("a publisher could not send: {error}"))
    }

    /// Reads what has come, and writes what is due.
    pub(crate) fn turn(&mut self, now: Instant, scratch: &mut Scratch) -> anyhow::Result<()> {
        self.port.receive(now, scratch)?;
        self.drain(now, scratch)
    }

    /// Lets time pass, and writes what is due.
    pub(crate) fn tick(&mut self, now: Instant, scratch: &mut Scratch) -> anyhow::Result<()> {
        self.port.tick(now);
        self.drain(now, scratch)
    }

    pub(crate) fn wakes_at(&self) -> Instant {
        self.port.wakes_at()
    }

    fn drain(&mut self, now: Instant, scratch: &mut Scratch) -> anyhow::Result<()> {
        while let Some(event) = self.port.endpoint.poll_event() {
            match event {
                Event::Connected { .. } => self.connected = true,
                Event::Closed { reason, .. } => bail!("a connection was closed: {reason:?}"),
                Event::Refused { reason, .. } => bail!("a call was refused: {reason:?}"),
                _ => {}
            }
        }
        while let Some(received) = self.port.endpoint.poll_received(self.connection) {
            self.tally.missing += u64::from(received.dropped_before);
            self.count(now, &received.payload);
        }
        self.port.transmit(now, scratch);
        Ok(())
    }

    fn count(&mut self, now: Instant, bytes: &[u8]) {
        let Some(mark) = payload::mark(bytes) else {
            return;
        };
        if let Some(expected) = self.next_number {
            self.tally.missing += mark.number.saturating_sub(expected);
        }
        self.next_number = Some(mark.number + 1);
        self.numbers.push(mark.number);
        let latency = now.as_micros().saturating_sub(mark.sent.as_micros());
        self.tally.packets += 1;
        self.tally.latency_sum_us += latency;
        self.tally.latency_max_us = self.tally.latency_max_us.max(latency);
        self.delays_us
            .push(u32::try_from(latency).unwrap_or(u32::MAX));
    }

    /// Ends the connection.
    pub(crate) fn leave(&mut self, now: Instant, scratch: &mut Scratch) {
        self.port.endpoint.close(now, self.connection);
        self.port.transmit(now, scratch);
    }

    /// How many packets this client had to send again.
    pub(crate) fn retransmitted(&mut self, now: Instant) -> u64 {
        if let Some(statistics) = self.port.endpoint.statistics(now, self.connection) {
            self.retransmitted = statistics.total.packets_retransmitted;
        }
        self.retransmitted
    }
}
