//! How libsrt 1.5.5 repeats and asks for packets, as small models that take the place of one
//! end of a connection once that is made.
//!
//! Only what decides about recovery is modelled; the facts are cited by the name of the
//! function in libsrt's `srtcore/core.cpp` that they come from. What a model leaves out:
//! threads and their scheduling, pacing (unlimited bandwidth), encryption, the end of a
//! stream. [`recovery_with_libsrt`] checks that two models facing each other lose
//! and send what two real libsrt 1.5.5 were measured to.

mod receiver;
mod rtt;
mod sender;

pub use receiver::ReceiverModel;
pub use sender::SenderModel;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use tidegate_units::Instant;

use super::pair::{Pair, Side};
use super::{Verdict, packets};

/// One end of a connection that is not an endpoint of ours.
pub trait Model {
    /// Who it is and whom it speaks to.
    fn ends(&self) -> Ends;
    fn next_wake_up(&self) -> Option<Instant>;
    fn hear(&mut self, now: Instant, datagram: &[u8]);
    fn wake(&mut self, now: Instant);
    /// What it sends to its peer.
    fn drain(&mut self) -> Vec<Vec<u8>>;
}

/// The addresses of a model and its peer, and the peer's socket.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    pub own: SocketAddr,
    pub peer: SocketAddr,
    pub peer_socket: u32,
}

/// What a model takes over from the endpoint whose place it takes.
#[derive(Debug, Clone, Copy)]
pub struct TakenOver {
    pub ends: Ends,
    pub first_sequence: u32,
    /// When the endpoint's timestamps were zero, in microseconds.
    pub zero_micros: i64,
}

/// When handshakes left the caller and what they were stamped.
pub type Stamps = Rc<RefCell<Vec<(Instant, u32)>>>;

/// Notes the handshakes that the caller of a pair not yet connected sends.
pub fn note_handshakes(pair: &mut Pair) -> Stamps {
    let stamps = Stamps::default();
    let (seen, caller) = (Rc::clone(&stamps), pair.node(Side::Caller).address);
    pair.world.intercept(move |now, datagram| {
        if datagram.from == caller && packets::handshake_request(&datagram.bytes).is_some() {
            let stamp = packets::word(&datagram.bytes, 2).unwrap_or(0);
            seen.borrow_mut().push((now, stamp));
        }
        Verdict::Pass
    });
    stamps
}

/// Silences `side`'s endpoint and says what a model in its place has to know.
pub fn take_over(pair: &mut Pair, side: Side, stamps: &Stamps) -> TakenOver {
    let id = pair.id(side);
    let node = pair.node(side);
    let negotiated = node.endpoint.negotiated(id).expect("a live connection");
    let ends = Ends {
        own: node.address,
        peer: pair.node(side.other()).address,
        peer_socket: negotiated.peer_socket.value(),
    };
    let first_sequence = negotiated.receive_sequence.value();
    let (at, stamp) = stamps.borrow().last().copied().expect("a handshake");
    pair.node_mut(side).down = true;
    TakenOver {
        ends,
        first_sequence,
        zero_micros: at.as_micros() as i64 - i64::from(stamp),
    }
}
