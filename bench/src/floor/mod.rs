//! The floor: what the same traffic costs as plain UDP, with no protocol at all.
//!
//! A relay that is driven like the servers are: every packet of its publishers goes to every
//! reader, or is counted and dropped when nobody reads. It does what the kernel demands and
//! nothing else, so that what a server costs above it is the server's own work.
//!
//! ```text
//! publisher ─hello─▶ ◀─welcome─  relay  ─welcome─▶ ◀─hello─ reader
//!           ─data──▶ ◀─answer─          ─data────▶ ◀─answer─
//! ```
//!
//! Three kinds of system calls, since none is the cheapest everywhere: single ones, many
//! datagrams a call, and segmentation offload both ways. With a gathering time the relay
//! sleeps between its turns, and batches form meanwhile: CPU time is bought with delay, as a
//! busy server does it. Answers are the least an SRT server owes its publishers (a full
//! acknowledgement every 10 ms) and gets from its readers; with and without them are two
//! figures.

mod batch;
mod client;
mod members;
mod setup;
mod single;
mod sys;
mod wire;

pub(crate) use client::PlainClient;
pub(crate) use setup::{NAME, Setup};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::fmt;
use std::io::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

/// Room for the datagrams of 100 publishers in the longest gathering time; the kernel grants
/// what it may.
const BUFFER_BYTES: usize = 8 << 20;

/// Which system calls move the datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// `recvfrom` and `sendto`, one datagram each.
    Single,
    /// `recvmmsg` and `sendmmsg`.
    Batch,
    /// The same with UDP_GRO and UDP_SEGMENT.
    Offload,
}

impl Kind {
    /// As the command line names it.
    const fn argument(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Batch => "batch",
            Self::Offload => "offload",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single calls",
            Self::Batch => "recvmmsg/sendmmsg",
            Self::Offload => "GRO/GSO",
        })
    }
}

#[derive(Args)]
pub(crate) struct Options {
    /// Which system calls move the datagrams.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Sleep this long between turns, so that batches form.
    #[arg(long, default_value_t = 0)]
    gather_us: u64,
    /// Answer each publisher every 10 ms, as an acknowledgement would.
    #[arg(long)]
    answers: bool,
}

/// Relays until it is killed.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no socket for the floor")?;
    sys::size_buffers(&socket, BUFFER_BYTES)?;
    let mut out = std::io::stdout();
    writeln!(out, "listening {}", socket.local_addr()?)?;
    out.flush()?;
    let members = members::Members::new(options.answers);
    let gather = Duration::from_micros(options.gather_us);
    match options.kind {
        Kind::Single => single::relay(&socket, members, gather),
        Kind::Batch => batch::relay(&socket, members, gather, false),
        Kind::Offload => batch::relay(&socket, members, gather, true),
    }
}
