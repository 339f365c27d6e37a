//! From a stranger's datagram to a connection: cookies, requests, responses, refusals.
//!
//! ```text
//!  caller                                   listener
//!    │── INDUCTION ──────────────────────────▶│  stateless
//!    │◀────────────────── INDUCTION, cookie ──│
//!    │── CONCLUSION, cookie, extensions ─────▶│  cookie verified, then decided
//!    │◀──────────── CONCLUSION, extensions ───│  or a refusal
//! ```
//!
//! Two sides that call each other meet in a rendezvous, see [`RendezvousHandshake`].

mod access_request;
mod caller;
mod cipher;
mod conclusion;
mod contest;
mod cookie;
mod extensions;
mod induction;
mod latency;
mod negotiated;
mod our_side;
mod pace;
mod percent;
mod refusal;
mod rendezvous;
mod response;
mod stream_id;
#[cfg(test)]
mod tests;

pub use access_request::{AccessMode, AccessRequest, AccessType};
pub use caller::{Call, CallStep, CallerHandshake};
pub use conclusion::{ConclusionRequest, RequestedEncryption};
pub use contest::{HandshakeRole, contest};
pub use cookie::CookieKey;
pub use induction::induction_reply;
pub use latency::Latency;
pub use negotiated::Negotiated;
pub use our_side::OurSide;
pub use refusal::{refusal, restamp};
pub use rendezvous::{Agreed, RendezvousHandshake, RendezvousStage, RendezvousStep};
pub use stream_id::StreamId;
