use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use crate::control::{self, Control};
use crate::name::Name;
use crate::socket::Socket;
use crate::sys::{self, Filled};

/// Messages one system call may bring; with GRO each may hold up to 64 datagrams.
pub const RECV_SLOTS: usize = 32;
/// No UDP message, joined or not, is longer.
const MESSAGE_BYTES: usize = 1 << 16;
/// From one slot to the next: not a power of two, or the messages of a batch would all compete
/// for the same few places in the processor's caches.
const SLOT_BYTES: usize = MESSAGE_BYTES + 23 * 64;

/// A reusable receive buffer for one thread.
///
/// Two MiB of address space of which only touched pages cost memory. The datagrams in it are
/// borrowed until the next read: what is to be kept is copied out, because a reference of 1316
/// bytes that pins a 64 KiB slot would cost megabytes.
pub struct RecvBatch {
    buffer: Box<[u8]>,
    names: Box<[Name; RECV_SLOTS]>,
    controls: Box<[Control; RECV_SLOTS]>,
    messages: [Message; RECV_SLOTS],
    count: usize,
}

#[derive(Clone, Copy)]
struct Message {
    from: SocketAddr,
    to: Option<IpAddr>,
    bytes: usize,
    stride: usize,
}

/// One datagram as it came.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Who sent it; an IPv4 peer on a dual-stack socket shows as IPv4.
    pub from: SocketAddr,
    /// The local address it was sent to.
    pub to: Option<IpAddr>,
    /// The payload.
    pub bytes: &'a [u8],
}

impl RecvBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        let nobody = Message {
            from: SocketAddr::from(([0, 0, 0, 0], 0)),
            to: None,
            bytes: 0,
            stride: 1,
        };
        Self {
            buffer: vec![0; RECV_SLOTS * SLOT_BYTES].into_boxed_slice(),
            names: Box::new([Name::EMPTY; RECV_SLOTS]),
            controls: Box::new([Control::EMPTY; RECV_SLOTS]),
            messages: [nobody; RECV_SLOTS],
            count: 0,
        }
    }

    /// The datagrams of the last read, in the order they came.
    pub fn datagrams(&self) -> impl Iterator<Item = Datagram<'_>> {
        let messages = self.messages[..self.count].iter();
        messages
            .zip(self.buffer.chunks_exact(SLOT_BYTES))
            .flat_map(|(message, slot)| {
                slot[..message.bytes]
                    .chunks(message.stride)
                    .map(|bytes| Datagram {
                        from: message.from,
                        to: message.to,
                        bytes,
                    })
            })
    }

    /// Whether the last read filled every slot, so that more may be waiting.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count == RECV_SLOTS
    }
}

impl Default for RecvBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for RecvBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecvBatch")
            .field("messages", &self.count)
            .finish_non_exhaustive()
    }
}

impl Socket {
    /// Replaces the batch's content by what is waiting and returns the number of messages;
    /// 0 means nothing is there. Never waits.
    ///
    /// # Errors
    /// What the kernel reports other than "nothing there".
    pub fn recv(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        batch.count = 0;
        let empty = Filled {
            bytes: 0,
            control_bytes: 0,
            truncated: false,
        };
        let mut filled = [empty; RECV_SLOTS];
        let received = loop {
            let result = sys::receive(
                self.as_fd(),
                &mut batch.buffer,
                SLOT_BYTES,
                &mut batch.names,
                &mut batch.controls,
                &mut filled,
            );
            match result {
                Ok(received) => break received,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) => return Err(error),
            }
        };
        for (slot, filled) in filled[..received].iter().enumerate() {
            batch.messages[slot] = describe(batch, slot, *filled);
        }
        batch.count = received;
        Ok(received)
    }
}

fn describe(batch: &RecvBatch, slot: usize, filled: Filled) -> Message {
    let control_bytes = filled.control_bytes.min(batch.controls[slot].0.len());
    let info = control::read(&batch.controls[slot].0[..control_bytes]);
    let from = batch.names[slot].parse();
    // A message without a sender or cut short is none of ours: it yields no datagrams.
    let bytes = if filled.truncated || from.is_none() {
        0
    } else {
        filled.bytes.min(MESSAGE_BYTES)
    };
    Message {
        from: from.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0))),
        to: info.to,
        bytes,
        stride: info.stride.unwrap_or(MESSAGE_BYTES),
    }
}
