//! One SRT caller on a socket of its own.

use crate::impairment::Impairment;
use crate::port::{Port, Scratch};
use anyhow::{Context as _, bail};
use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::BorrowedFd;
use tidegate_srt::{
    CallerConfig, CipherMode, ConnectionId, Counters, Event, KeyLength, SessionKeys,
};
use tidegate_units::Instant;

/// Takes a payload and when it came.
pub(crate) type Taker<'a> = dyn FnMut(Instant, &[u8]) + 'a;

/// A caller, publishing or reading.
pub(crate) struct Caller {
    port: Port,
    connection: ConnectionId,
    connected: bool,
}

impl Caller {
    /// Calls from the loopback address.
    pub(crate) fn call(now: Instant, to: SocketAddr, config: CallerConfig) -> anyhow::Result<Self> {
        let local: IpAddr = if to.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        };
        Self::call_from(now, local, to, config)
    }

    pub(crate) fn call_from(
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
        })
    }

    /// From now on what passes suffers this.
    pub(crate) fn impair(&mut self, impairment: Impairment) {
        self.port.impair(impairment);
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.port.descriptor()
    }

    pub(crate) const fn is_connected(&self) -> bool {
        self.connected
    }

    pub(crate) fn wakes_at(&self) -> Instant {
        self.port.wakes_at()
    }

    /// Takes one packet for sending; [`Self::tick`] writes it.
    pub(crate) fn send(&mut self, now: Instant, payload: Bytes) -> anyhow::Result<()> {
        self.send_late(now, payload, now)
    }

    /// The same of a packet that originated at `origin`, and is sent only now.
    pub(crate) fn send_late(
        &mut self,
        now: Instant,
        payload: Bytes,
        origin: Instant,
    ) -> anyhow::Result<()> {
        self.port
            .endpoint
            .send(now, self.connection, payload, origin)
            .map_err(|error| anyhow::anyhow!("a publisher could not send: {error}"))
    }

    /// Reads what has come, and writes what is due.
    pub(crate) fn receive(
        &mut self,
        scratch: &mut Scratch,
        take: &mut Taker<'_>,
    ) -> anyhow::Result<()> {
        let now = self.port.receive(scratch)?;
        self.drain(now, scratch, take)
    }

    /// Lets time pass, and writes what is due.
    pub(crate) fn tick(
        &mut self,
        now: Instant,
        scratch: &mut Scratch,
        take: &mut Taker<'_>,
    ) -> anyhow::Result<()> {
        self.port.tick(now);
        self.drain(now, scratch, take)
    }

    /// Ends the connection.
    pub(crate) fn leave(&mut self, now: Instant, scratch: &mut Scratch) {
        self.port.endpoint.close(now, self.connection);
        self.port.transmit(now, scratch);
    }

    /// What the connection has done.
    pub(crate) fn counters(&mut self, now: Instant) -> Counters {
        let statistics = self.port.endpoint.statistics(now, self.connection);
        statistics.map_or_else(Counters::default, |statistics| statistics.total)
    }

    /// Datagrams that this side's kernel or outbox lost.
    pub(crate) fn lost_here(&self) -> u64 {
        self.port.lost_here()
    }

    fn drain(
        &mut self,
        now: Instant,
        scratch: &mut Scratch,
        take: &mut Taker<'_>,
    ) -> anyhow::Result<()> {
        while let Some(event) = self.port.endpoint.poll_event() {
            match event {
                Event::Connected { .. } => self.connected = true,
                Event::Closed { reason, .. } => bail!("a connection was closed: {reason:?}"),
                Event::Refused { reason, .. } => bail!("a call was refused: {reason:?}"),
                _ => {}
            }
        }
        while let Some(received) = self.port.endpoint.poll_received(self.connection) {
            take(now, &received.payload);
        }
        self.port.transmit(now, scratch);
        Ok(())
    }
}

/// New AES-128 keys that this passphrase opens.
pub(crate) fn keys(passphrase: &[u8]) -> anyhow::Result<SessionKeys> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut random = ChaCha20Rng::from_seed(seed);
    SessionKeys::generate(passphrase, KeyLength::Aes128, CipherMode::Ctr, &mut random)
        .context("no keys")
}
