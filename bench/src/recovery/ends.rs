//! Who sends and who receives: this program's own endpoint, or srt-live-transmit.

use crate::caller::Caller;
use crate::payload::{self, PAYLOAD_BYTES};
use crate::port::Scratch;
use anyhow::Context as _;
use std::fs::File;
use std::io::{PipeReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path as FilePath;
use std::process::{ChildStdin, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tidegate_testkit::Process;
use tidegate_units::Instant;

/// How an srt-live-transmit takes part.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// It listens on this port.
    Listener(u16),
    /// It calls this address.
    Caller(SocketAddr),
}

impl Role {
    fn address(self, latency: Duration) -> String {
        let millis = latency.as_millis();
        match self {
            Self::Listener(port) => {
                format!("srt://127.0.0.1:{port}?mode=listener&latency={millis}")
            }
            Self::Caller(to) => format!("srt://{to}?mode=caller&latency={millis}"),
        }
    }
}

/// An srt-live-transmit that sends what it is fed.
pub(crate) struct Feeder {
    input: ChildStdin,
    _process: Process,
}

impl Feeder {
    pub(crate) fn start(
        program: &FilePath,
        role: Role,
        latency: Duration,
        folder: &FilePath,
    ) -> Self {
        let mut command = Command::new(program);
        let to = role.address(latency);
        command.args(["-q", "-a:no", "-chunk:1316", "file://con", &to]);
        let (process, input) = Process::with_input("feeder", &mut command, folder);
        Self {
            input,
            _process: process,
        }
    }

    pub(crate) fn send(&mut self, now: Instant, number: u64) -> anyhow::Result<()> {
        let packet = payload::packet(number, now);
        self.input
            .write_all(&packet)
            .context("srt-live-transmit takes no more")
    }
}

/// An srt-live-transmit whose output is read.
pub(crate) struct Drain {
    numbers: Receiver<u64>,
    _process: Process,
}

impl Drain {
    pub(crate) fn start(program: &FilePath, role: Role, latency: Duration) -> anyhow::Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        let mut command = Command::new(program);
        let from = role.address(latency);
        command.args(["-q", "-a:no", "-chunk:1316", &from, "file://con"]);
        let process =
            Process::with_output("drain", &mut command, File::from(OwnedFd::from(writer)));
        // The command holds a copy of the pipe's end, and with it the reader would never end.
        drop(command);
        Ok(Self {
            numbers: read_numbers(reader),
            _process: process,
        })
    }

    /// The numbers of the payloads that came out since the last call.
    pub(crate) fn take(&mut self, into: &mut Vec<u64>) {
        into.extend(self.numbers.try_iter());
    }
}

/// Reads payloads until the pipe ends.
fn read_numbers(mut pipe: PipeReader) -> Receiver<u64> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut packet = [0; PAYLOAD_BYTES];
        while pipe.read_exact(&mut packet).is_ok() {
            let Some(mark) = payload::mark(&packet) else {
                return;
            };
            if send.send(mark.number).is_err() {
                return;
            }
        }
    });
    receive
}

/// The end that is driven by this thread: it paces the stream, whoever sends it.
pub(crate) enum Sending {
    Ours,
    Feeder(Feeder),
}

pub(crate) enum Receiving {
    Ours,
    Drain(Drain),
}

/// Both ends of one cell.
pub(crate) struct Ends {
    /// Our own end, where one of them is.
    pub(crate) client: Option<Caller>,
    /// The numbers of the payloads that our own end received.
    pub(crate) numbers: Vec<u64>,
    pub(crate) sending: Sending,
    pub(crate) receiving: Receiving,
    pub(crate) scratch: Scratch,
}

impl Ends {
    pub(crate) fn send(&mut self, now: Instant, number: u64) -> anyhow::Result<()> {
        match (&mut self.sending, &mut self.client) {
            (Sending::Feeder(feeder), _) => feeder.send(now, number),
            (Sending::Ours, Some(client)) => {
                client.send(now, payload::packet(number, now))?;
                client.tick(now, &mut self.scratch, &mut |_, _| {})
            }
            (Sending::Ours, None) => Ok(()),
        }
    }

    /// Takes over what was received.
    pub(crate) fn take(&mut self, into: &mut Vec<u64>) {
        match &mut self.receiving {
            Receiving::Drain(drain) => drain.take(into),
            Receiving::Ours => into.append(&mut self.numbers),
        }
    }
}
