//! Sending runs of datagrams.
//!
//! ```text
//! runs ──▶ messages of ≤ 64 segments ──▶ sendmmsg, 16 messages a call
//!              │ refused (EIO: no offload here, EINVAL/EMSGSIZE: path too narrow)
//!              └──▶ the same datagrams singly, and remember it
//! ```

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use crate::control::{Control, Writer};
use crate::name::Name;
use crate::socket::Socket;
use crate::sys::{self, Outgoing};

/// Messages handed over in one system call.
pub(crate) const MESSAGES_PER_CALL: usize = 16;
/// Datagrams the kernel accepts in one segmentation run.
pub const MAX_SEGMENTS: usize = 64;
/// Bytes the kernel accepts in one segmentation run, with room for any IP header.
pub const MAX_RUN_BYTES: usize = 65_000;

/// Consecutive datagrams to one destination, all `segment_bytes` long but the last, which may
/// be shorter.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Where they go.
    pub to: SocketAddr,
    /// The local address they leave from; `None` leaves it to the routing table.
    pub from: Option<IpAddr>,
    /// All datagrams, one after the other.
    pub bytes: &'a [u8],
    /// Length of each.
    pub segment_bytes: usize,
}

/// A place in a list of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Index of the run.
    pub run: usize,
    /// Bytes of it that are behind us.
    pub offset: usize,
}

/// What became of the runs handed to [`Socket::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// All are with the kernel (or were refused for good and counted).
    All,
    /// The kernel has no room; what begins here is still to be sent.
    Blocked(Position),
}

impl Socket {
    /// Hands runs to the kernel without waiting.
    pub fn send(&self, runs: &[Run<'_>]) -> Sent {
        let mut at = Position::default();
        loop {
            let batch = Batch::fill(self, runs, at);
            let Some(first_end) = batch.ends.first() else {
                return Sent::All;
            };
            match sys::send(self.as_fd(), &batch.messages) {
                Ok(taken) => at = taken.checked_sub(1).map_or(at, |last| batch.ends[last]),
                Err(error) => match self.judge(&error, &runs[batch.first_run], batch.segmented) {
                    Verdict::Again => {}
                    Verdict::Wait => return Sent::Blocked(at),
                    Verdict::Skip => at = *first_end,
                },
            }
        }
    }

    /// What to do about a refused message.
    fn judge(&self, error: &io::Error, run: &Run<'_>, segmented: bool) -> Verdict {
        match error.raw_os_error() {
            Some(libc::EINTR) => Verdict::Again,
            Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => {
                self.note_blocked();
                Verdict::Wait
            }
            Some(libc::EIO) if segmented => {
                self.disable_segmentation();
                Verdict::Again
            }
            Some(libc::EINVAL | libc::EMSGSIZE) if segmented => {
                self.narrow_path(run.to);
                Verdict::Again
            }
            _ => {
                self.note_refused(error);
                Verdict::Skip
            }
        }
    }
}

enum Verdict {
    Again,
    Wait,
    Skip,
}

/// One system call's worth of messages, and where each of them ends.
struct Batch<'a> {
    messages: Vec<Outgoing<'a>>,
    ends: Vec<Position>,
    first_run: usize,
    segmented: bool,
}

impl<'a> Batch<'a> {
    fn fill(socket: &Socket, runs: &[Run<'a>], mut at: Position) -> Self {
        let mut batch = Self {
            messages: Vec::with_capacity(MESSAGES_PER_CALL),
            ends: Vec::with_capacity(MESSAGES_PER_CALL),
            first_run: at.run,
            segmented: false,
        };
        while batch.messages.len() < MESSAGES_PER_CALL && at.run < runs.len() {
            let run = &runs[at.run];
            let rest = run.bytes.get(at.offset..).unwrap_or_default();
            if rest.is_empty() || run.segment_bytes == 0 {
                at = Position {
                    run: at.run + 1,
                    offset: 0,
                };
                continue;
            }
            let segments = if socket.may_segment(run.to) {
                segments_per_message(run)
            } else {
                1
            };
            let length = rest.len().min(segments * run.segment_bytes);
            let segmented = length > run.segment_bytes;
            if batch.messages.is_empty() {
                batch.first_run = at.run;
                batch.segmented = segmented;
            }
            batch
                .messages
                .push(message(socket, run, &rest[..length], segmented));
            at.offset += length;
            batch.ends.push(at);
        }
        batch
    }
}

fn segments_per_message(run: &Run<'_>) -> usize {
    (MAX_RUN_BYTES / run.segment_bytes).clamp(1, MAX_SEGMENTS)
}

fn message<'a>(socket: &Socket, run: &Run<'_>, bytes: &'a [u8], segmented: bool) -> Outgoing<'a> {
    let (name, name_bytes) = Name::of(run.to, socket.is_v6());
    let mut control = Control::EMPTY;
    let mut writer = Writer::new(&mut control);
    if let Some(from) = run
        .from
        .filter(|from| !from.is_unspecified() && !from.is_multicast())
    {
        writer.source(from, socket.is_v6());
    }
    if segmented && let Ok(size) = u16::try_from(run.segment_bytes) {
        writer.segment(size);
    }
    let control_bytes = writer.len();
    Outgoing {
        bytes,
        name,
        name_bytes,
        control,
        control_bytes,
    }
}
