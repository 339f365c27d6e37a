//! The way from a stranger's request to an answer.
//!
//! ```text
//! shard ──request──▶ bounded channel ──▶ admission thread ──▶ Admission::admit
//!   ▲                  (full: silence)                            │ later, anywhere
//!   └──────────────── command: decide ◀── AdmissionReply ◀────────┘
//! ```

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{fmt, io, thread};

use tidegate_srt::{
    ConnectionConfig, ConnectionRequest, Decision, RejectReason, RequestId, SessionKeys,
};
use tidegate_udp::Clock;

use crate::command::{Answer, Command, PortId};
use crate::connection::{ConnectionHandle, ConnectionShared, EndReason};
use crate::guest::Guest;
use crate::leg::{Leg, LegHandle};
use crate::role::Role;
use crate::shard::Door;

/// Requests that may wait for admission.
const REQUESTS_MAX: usize = 1024;

/// Decides who may connect, and as what.
pub trait Admission: Send + Sync {
    /// Answers `request` through `reply`, now or later. Runs on the one admission thread, so
    /// whatever takes time – key derivation, a look-up elsewhere – belongs to other threads;
    /// the stranger hears nothing until then and repeats itself.
    fn admit(&self, request: ConnectionRequest, reply: AdmissionReply);
}

/// The way back to a stranger. Dropped unused it is silence: the stranger repeats itself, and
/// is asked about anew.
pub struct AdmissionReply {
    door: Arc<Door>,
    port: PortId,
    request: RequestId,
    peer: SocketAddr,
    leg: Option<Arc<Leg>>,
    answered: bool,
}

impl AdmissionReply {
    /// Follows the stranger as a leg of the bonding group it names: through the answer, and
    /// until the leg ends.
    pub fn follow(&mut self) -> LegHandle {
        LegHandle::to(self.leg.get_or_insert_with(|| Arc::new(Leg)))
    }

    /// Lets the stranger in. The handle is good at once; the connection follows.
    pub fn accept(
        self,
        keys: Option<SessionKeys>,
        config: ConnectionConfig,
        role: Role,
    ) -> ConnectionHandle {
        let shared = ConnectionShared::new(self.peer, Clock.now());
        let handle = ConnectionHandle {
            shared: Arc::clone(&shared),
            door: Arc::clone(&self.door),
        };
        let guest = Guest::new(role, shared, EndReason::Abandoned);
        self.send(Decision::Accept { keys, config }, Some(guest));
        handle
    }

    /// Lets the stranger in as one more leg of the bonding group it names. What it sends goes
    /// where the group's first leg was let in to; [`crate::ConnectionStatus::legs`] of that
    /// connection shows it.
    pub fn join(self, keys: Option<SessionKeys>, config: ConnectionConfig) {
        self.send(Decision::Join { keys, config }, None);
    }

    /// Turns the stranger away for `reason`, of which the wire says as much as the listener's
    /// settings allow.
    pub fn reject(self, reason: RejectReason) {
        self.send(Decision::Reject(reason), None);
    }

    fn send(mut self, decision: Decision, accepted: Option<Guest>) {
        self.answered = true;
        let command = self.command(decision, accepted);
        // A queue that stays full makes the answer silence.
        let _ = self.door.push(command);
    }

    fn command(&mut self, decision: Decision, accepted: Option<Guest>) -> Command {
        Command::Decide(Box::new(Answer {
            port: self.port,
            request: self.request,
            decision,
            accepted,
            leg: self.leg.take(),
        }))
    }
}

impl Drop for AdmissionReply {
    fn drop(&mut self) {
        if !self.answered {
            let command = self.command(Decision::Postpone, None);
            // Maybe on a shard, where nothing may wait; what does not fit expires by itself.
            let _ = self.door.try_push(command);
        }
    }
}

impl fmt::Debug for AdmissionReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdmissionReply(to {})", self.peer)
    }
}

struct Waiting {
    admission: Arc<dyn Admission>,
    request: ConnectionRequest,
    reply: AdmissionReply,
}

/// Where requests of all ports wait for the admission thread.
#[derive(Clone)]
pub(crate) struct Lobby {
    waiting: SyncSender<Waiting>,
}

impl Lobby {
    pub(crate) fn open() -> io::Result<Self> {
        let (waiting, arrived): (_, Receiver<Waiting>) = sync_channel(REQUESTS_MAX);
        thread::Builder::new()
            .name("srt-admission".into())
            .spawn(move || {
                for Waiting {
                    admission,
                    request,
                    reply,
                } in arrived
                {
                    let admit = AssertUnwindSafe(|| admission.admit(request, reply));
                    // One that panics has said so; the thread is there for all the others.
                    let _ = catch_unwind(admit);
                }
            })?;
        Ok(Self { waiting })
    }

    pub(crate) fn gate(&self, admission: Arc<dyn Admission>) -> Gate {
        Gate {
            lobby: self.clone(),
            admission,
            overflow: Arc::default(),
        }
    }
}

/// One listener's way into the lobby.
#[derive(Clone)]
pub(crate) struct Gate {
    lobby: Lobby,
    admission: Arc<dyn Admission>,
    overflow: Arc<AtomicU64>,
}

impl Gate {
    /// Passes a request on without ever waiting; when there is no room it is postponed.
    pub(crate) fn pass(&self, door: &Arc<Door>, port: PortId, request: ConnectionRequest) {
        let reply = AdmissionReply {
            door: Arc::clone(door),
            port,
            request: request.id,
            peer: request.peer,
            leg: None,
            answered: false,
        };
        let waiting = Waiting {
            admission: Arc::clone(&self.admission),
            request,
            reply,
        };
        if self.lobby.waiting.try_send(waiting).is_err() {
            self.overflow.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests that found the lobby full.
    pub(crate) fn overflow(&self) -> u64 {
        self.overflow.load(Ordering::Relaxed)
    }
}
