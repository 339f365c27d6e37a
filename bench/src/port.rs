//! A socket with the SRT endpoint behind it.

use anyhow::Context as _;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use tidegate_srt::{
    CookieKey, Endpoint, EndpointConfig, EndpointLimits, SocketIdSpace, TransmitBatch,
};
use tidegate_udp::{Options, Outbox, RecvBatch, Run, Socket};
use tidegate_units::Instant;

/// Bytes a socket may owe the kernel.
const OUTBOX_BYTES: usize = 1 << 20;

/// Memory that every port of one thread can share, since they take turns.
pub(crate) struct Scratch {
    incoming: RecvBatch,
    outgoing: TransmitBatch,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            incoming: RecvBatch::new(),
            outgoing: TransmitBatch::new(256 << 10),
        }
    }
}

/// Calls are made from here.
pub(crate) struct Port {
    socket: Socket,
    outbox: Outbox,
    pub(crate) endpoint: Endpoint,
}

impl Port {
    /// A port of `local` that the kernel chooses.
    pub(crate) fn open(now: Instant, local: IpAddr) -> anyhow::Result<Self> {
        let socket = Socket::bind((local, 0).into(), &Options::default())
            .context("no socket for a client")?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let config = EndpointConfig {
            listen: None,
            socket_ids: SocketIdSpace { shard: 0 },
            cookie_key: CookieKey::new([0; 16]),
            limits: EndpointLimits::default(),
            seed,
        };
        Ok(Self {
            socket,
            outbox: Outbox::new(OUTBOX_BYTES),
            endpoint: Endpoint::new(now, config),
        })
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Reads what has come.
    pub(crate) fn receive(&mut self, now: Instant, scratch: &mut Scratch) -> anyhow::Result<()> {
        while self.socket.recv(&mut scratch.incoming)? > 0 {
            for datagram in scratch.incoming.datagrams() {
                self.endpoint
                    .handle_datagram(now, datagram.from, datagram.to, datagram.bytes);
            }
            if !scratch.incoming.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.endpoint.poll_timeout().is_some_and(|due| due <= now) {
            self.endpoint.handle_timeout(now);
        }
    }

    /// Writes what is due.
    pub(crate) fn transmit(&mut self, now: Instant, scratch: &mut Scratch) {
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
                return;
            }
        }
    }

    pub(crate) fn wakes_at(&self) -> Instant {
        self.endpoint.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
    }
}
