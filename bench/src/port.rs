//! A socket with the SRT endpoint behind it.

use crate::impairment::Impairment;
use anyhow::Context as _;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use tidegate_srt::{
    CookieKey, Endpoint, EndpointConfig, EndpointLimits, SocketIdSpace, TransmitBatch,
};
use tidegate_udp::{Clock, Options, Outbox, RecvBatch, Run, Socket};
use tidegate_units::Instant;

/// Bytes a socket may owe the kernel.
const OUTBOX_BYTES: usize = 1 << 20;

/// Memory that every port of one thread can share, since they take turns.
pub(crate) struct Scratch {
    pub(crate) incoming: RecvBatch,
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
    /// What the network between socket and endpoint does; `None`: nothing.
    impairment: Option<Box<Impairment>>,
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
            impairment: None,
        })
    }

    /// From now on what passes suffers this.
    pub(crate) fn impair(&mut self, impairment: Impairment) {
        self.impairment = Some(Box::new(impairment));
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Reads what has come, and returns when that was.
    pub(crate) fn receive(&mut self, scratch: &mut Scratch) -> anyhow::Result<Instant> {
        while self.socket.recv(&mut scratch.incoming)? > 0 {
            let now = Clock.now();
            for datagram in scratch.incoming.datagrams() {
                let (from, to, bytes) = (datagram.from, datagram.to, datagram.bytes);
                match &mut self.impairment {
                    Some(impairment) => impairment.incoming.send(now, from, to, bytes),
                    None => self.endpoint.handle_datagram(now, from, to, bytes),
                }
            }
            if !scratch.incoming.is_full() {
                break;
            }
        }
        let now = Clock.now();
        self.tick(now);
        Ok(now)
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        if let Some(impairment) = &mut self.impairment {
            while let Some(came) = impairment.incoming.arrived(now) {
                self.endpoint
                    .handle_datagram(now, came.peer, came.local, &came.bytes);
            }
        }
        if self.endpoint.poll_timeout().is_some_and(|due| due <= now) {
            self.endpoint.handle_timeout(now);
        }
    }

    /// Writes what is due.
    pub(crate) fn transmit(&mut self, now: Instant, scratch: &mut Scratch) {
        loop {
            let more = self.endpoint.poll_transmit(now, &mut scratch.outgoing);
            match &mut self.impairment {
                Some(impairment) => set_out(now, &scratch.outgoing, impairment),
                None => self.write(&scratch.outgoing),
            }
            scratch.outgoing.clear();
            if !more {
                break;
            }
        }
        self.let_out(now);
    }

    pub(crate) fn wakes_at(&self) -> Instant {
        let endpoint = self.endpoint.poll_timeout().unwrap_or(Instant::FAR_FUTURE);
        let under_way = self.impairment.as_ref();
        endpoint.min(under_way.map_or(Instant::FAR_FUTURE, |lanes| lanes.next_at()))
    }

    /// Datagrams that this side's kernel or outbox lost: the generator's own fault.
    pub(crate) fn lost_here(&self) -> u64 {
        let counters = self.socket.counters();
        counters.drops + counters.refused + self.outbox.counters().given_up
    }

    fn write(&mut self, batch: &TransmitBatch) {
        let runs: Vec<Run<'_>> = batch
            .runs()
            .map(|run| Run {
                to: run.to,
                from: run.from,
                bytes: run.bytes,
                segment_bytes: run.segment_bytes,
            })
            .collect();
        self.outbox.send(&self.socket, &runs);
    }

    /// Lets go what has been under way for long enough.
    fn let_out(&mut self, now: Instant) {
        let Some(impairment) = &mut self.impairment else {
            return;
        };
        while let Some(came) = impairment.outgoing.arrived(now) {
            let run = Run {
                to: came.peer,
                from: came.local,
                bytes: &came.bytes,
                segment_bytes: came.bytes.len(),
            };
            self.outbox.send(&self.socket, &[run]);
        }
    }
}

fn set_out(now: Instant, batch: &TransmitBatch, impairment: &mut Impairment) {
    for run in batch.runs() {
        for datagram in run.datagrams() {
            impairment.outgoing.send(now, run.to, run.from, datagram);
        }
    }
}
