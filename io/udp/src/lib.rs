//! UDP sockets in batches, and the little around them that needs the kernel's help.
//!
//! One system call per packet is what makes an SRT server slow: a 1332-byte datagram costs
//! 4–5 µs that way and 0.3–0.6 µs with segmentation offload. So a [`Socket`] reads with
//! `recvmmsg` and `UDP_GRO` into one reusable [`RecvBatch`], and sends runs of equal-sized
//! datagrams with `sendmmsg` and `UDP_SEGMENT`, each from the very address its peer talks to.
//!
//! Whatever the kernel cannot take at once stays in an [`Outbox`] of bounded size; nothing is
//! lost without a counter. A group of sockets on one port shares the load by
//! [`steering`](steer): datagrams of a connection arrive at the shard that owns it.
//!
//! This is one of the few places in Tidegate with `unsafe` code: all of it is system calls on
//! buffers owned by the caller for the length of the call.

mod clock;
mod control;
mod multicast;
mod name;
mod options;
mod outbox;
mod poller;
mod priority;
mod recv;
mod send;
mod socket;
pub mod steer;
mod sys;

pub use clock::Clock;
pub use multicast::Interface;
pub use options::Options;
pub use outbox::{Outbox, OutboxCounters};
pub use poller::{Interest, Poller, Waker};
pub use priority::{give_way, wake_precisely};
pub use recv::{Datagram, RECV_SLOTS, RecvBatch};
pub use send::{MAX_RUN_BYTES, MAX_SEGMENTS, Position, Run, Sent};
pub use socket::{Socket, SocketCounters, bind_group};
