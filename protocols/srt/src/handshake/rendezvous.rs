use core::net::SocketAddr;

use tidegate_units::{Duration, Instant};

use super::caller::{Call, CallerHandshake};
use super::conclusion::{ConclusionRequest, RequestedEncryption};
use super::contest::{HandshakeRole, contest};
use super::negotiated::Negotiated;
use super::our_side::OurSide;
use super::pace::Pace;
use super::refusal::restamp;
use super::response::Brought;
use crate::RejectReason;
use crate::crypto::{KeyMaterial, SessionKeys};
use crate::wire::{
    ControlPacket, ExtensionBlocks, ExtensionFlags, Handshake, RequestType, SocketId, SrtVersion,
    Timestamp, WireAddress,
};

/// Two sides that call each other, each from the port the other one calls: behind NATs both.
///
/// ```text
///            WAVEAHAND                CONCLUSION + request (as responder)
///  Waving ──────────────▶ Attention ───────────────────────▶ Initiated
///     │                       │  response (as initiator)         │ AGREEMENT, or anything
///     │ CONCLUSION            ▼                                  ▼ else of a connection
///     └────────▶ Fine ──▶ Connected ◀────────────────────────────┘
///                     response (as initiator): sends AGREEMENT
///                     AGREEMENT (as responder)
///
///  sent every 250 ms:  Waving     WAVEAHAND, to nobody's socket
///                      Attention  CONCLUSION, with the request as initiator; if several
///                                 waved, in turn with WAVEAHAND
///                      Fine       CONCLUSION with the request, or with the response
///                      Initiated  CONCLUSION with the response
/// ```
///
/// Who is initiator the cookies decide, see [`contest`]. A WAVEAHAND proves nothing, because
/// anybody can send one in the peer's name. Everything else counts only when it is addressed
/// to this side's socket, whose number nobody knows who has not received our WAVEAHAND; and
/// only that leads to a connection. How much waves make us send, see [`Pace`].
#[derive(Debug)]
pub struct RendezvousHandshake {
    /// What this side brings along, and does as the initiator.
    caller: CallerHandshake,
    cookie: u32,
    stage: RendezvousStage,
    peer: Option<Peer>,
    answer: Answer,
    pace: Pace,
    deadline: Instant,
}

/// What a handshake from the peer led to.
#[derive(Debug)]
pub enum RendezvousStep {
    /// Nothing yet.
    Waiting,
    /// The peer encrypts with this; [`RendezvousHandshake::take_keys`] wants what it opens to.
    KeysWanted(KeyMaterial),
    /// Both sides agreed.
    Connected(Box<Agreed>),
    /// It will not be. The datagram, if any, says so to the peer.
    Failed(RejectReason, Option<Vec<u8>>),
}

/// A rendezvous that has come about.
#[derive(Debug)]
pub struct Agreed {
    /// What both sides agreed on.
    pub negotiated: Negotiated,
    /// What this side was.
    pub role: HandshakeRole,
    /// The initiator's, or what those opened to for the responder.
    pub keys: Option<SessionKeys>,
    /// When the packet with the peer's handshake extension came, and its timestamp.
    pub arrived: (Instant, Timestamp),
    /// The initiator's AGREEMENT: to be sent now, and whenever the peer repeats itself.
    pub agreement: Option<Vec<u8>>,
}

/// How far a rendezvous is, see the diagram at [`RendezvousHandshake`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RendezvousStage {
    /// Nothing came from the peer yet.
    Waving,
    /// The peer waved.
    Attention,
    /// The peer's conclusion came first.
    Fine,
    /// As responder: the request came after a wave, and is answered.
    Initiated,
}

/// Whom we are talking to: behind one address, a peer that started anew is another one.
#[derive(Clone, Copy, Debug)]
struct Peer {
    socket: SocketId,
    cookie: u32,
    role: HandshakeRole,
    /// When it last showed that it has received our handshake.
    proven_at: Option<Instant>,
}

impl Peer {
    fn is_author_of(&self, handshake: &Handshake<'_>) -> bool {
        (self.socket, self.cookie) == (handshake.socket, handshake.cookie)
    }
}

/// How far the responder is with its response.
#[derive(Debug)]
enum Answer {
    Nothing,
    /// The request waits for its key material to be opened.
    Opening(Box<ConclusionRequest>, (Instant, Timestamp)),
    Ready(Box<Ready>),
}

#[derive(Debug)]
struct Ready {
    response: Vec<u8>,
    negotiated: Negotiated,
    keys: Option<SessionKeys>,
    arrived: (Instant, Timestamp),
}

/// For how long a peer that has proven itself keeps out another one that only waves: four of
/// its repeats. Forged waves delay nobody, and a peer that started anew waits no longer.
const PROOF_HOLDS: Duration = Duration::from_secs(1);

impl RendezvousHandshake {
    /// Starts; the first handshake is due at once. `cookie` is this side's, never zero.
    #[must_use]
    pub fn new(now: Instant, call: Call, cookie: u32) -> Self {
        Self {
            deadline: now + call.timeout,
            caller: CallerHandshake::new(now, call),
            cookie,
            stage: RendezvousStage::Waving,
            peer: None,
            answer: Answer::Nothing,
            pace: Pace::new(now),
        }
    }

    /// What this side brought along.
    #[must_use]
    pub const fn call(&self) -> &Call {
        self.caller.call()
    }

    /// How far it is.
    #[must_use]
    pub const fn stage(&self) -> RendezvousStage {
        self.stage
    }

    /// Takes a handshake from the peer's address; `is_addressed` to this side's socket.
    pub fn handle(
        &mut self,
        now: Instant,
        timestamp: Timestamp,
        handshake: &Handshake<'_>,
        is_addressed: bool,
    ) -> RendezvousStep {
        if let RequestType::Rejected(code) = handshake.request {
            return if is_addressed {
                RendezvousStep::Failed(RejectReason::Peer(code), None)
            } else {
                RendezvousStep::Waiting
            };
        }
        let is_agreement = handshake.request == RequestType::Agreement;
        if handshake.version < Handshake::VERSION_5
            || handshake.socket == SocketId::LISTENER
            || handshake.socket == self.call().ours.socket
            // libsrt repeats its AGREEMENT without a cookie.
            || handshake.cookie == 0 && !is_agreement
        {
            return RendezvousStep::Waiting;
        }
        match handshake.request {
            RequestType::WaveAHand => self.on_wave(now, handshake),
            RequestType::Conclusion if is_addressed => {
                self.on_conclusion((now, timestamp), handshake)
            }
            RequestType::Agreement if is_addressed => self.on_agreement(handshake),
            _ => RendezvousStep::Waiting,
        }
    }

    /// Media or a control packet came for this side's socket: the peer is connected, and its
    /// AGREEMENT was lost or overtaken.
    pub fn handle_sign_of_life(&mut self) -> RendezvousStep {
        match core::mem::replace(&mut self.answer, Answer::Nothing) {
            Answer::Ready(ready) => RendezvousStep::Connected(Box::new(Agreed {
                negotiated: ready.negotiated,
                role: HandshakeRole::Responder,
                keys: ready.keys,
                arrived: ready.arrived,
                agreement: None,
            })),
            other => {
                self.answer = other;
                RendezvousStep::Waiting
            }
        }
    }

    /// What `material` opened to. Keys for a request that another one has replaced meanwhile
    /// are of no use.
    pub fn take_keys(
        &mut self,
        now: Instant,
        material: &KeyMaterial,
        keys: Result<SessionKeys, RejectReason>,
    ) -> RendezvousStep {
        match core::mem::replace(&mut self.answer, Answer::Nothing) {
            Answer::Opening(request, arrived) if request.brings(material) => match keys {
                Ok(keys) => self.accept(now, &request, Some(keys), arrived),
                Err(reason) => self.fail(reason),
            },
            other => {
                self.answer = other;
                RendezvousStep::Waiting
            }
        }
    }

    /// The reason to give up, once the time is over.
    #[must_use]
    pub fn handle_timeout(&self, now: Instant) -> Option<RejectReason> {
        (now >= self.deadline).then_some(RejectReason::Timeout)
    }

    /// When the next handshake or the end is due.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        self.pace.next_send().min(self.deadline)
    }

    /// The handshake that is due, if any.
    pub fn poll_transmit(&mut self, now: Instant, timestamp: Timestamp) -> Option<Vec<u8>> {
        if now < self.pace.next_send() || now >= self.deadline {
            return None;
        }
        let Some(peer) = self.peer else {
            self.pace.wave(now);
            return Some(self.wave(timestamp));
        };
        if self.pace.waves_again(now) {
            return Some(self.wave(timestamp));
        }
        match (peer.role, &self.answer) {
            (HandshakeRole::Initiator, _) => Some(self.request(timestamp, peer.socket)),
            (HandshakeRole::Responder, Answer::Nothing) => {
                Some(self.plain(timestamp, peer.socket, RequestType::Conclusion))
            }
            (HandshakeRole::Responder, Answer::Opening(..)) => None,
            (HandshakeRole::Responder, Answer::Ready(ready)) => {
                let mut response = ready.response.clone();
                restamp(&mut response, timestamp);
                Some(response)
            }
        }
    }

    fn on_wave(&mut self, now: Instant, wave: &Handshake<'_>) -> RendezvousStep {
        match &self.peer {
            // It has not got our conclusion yet: that is repeated in any case.
            Some(peer) if peer.is_author_of(wave) => RendezvousStep::Waiting,
            Some(peer) if peer.proven_at.is_some_and(|at| now < at + PROOF_HOLDS) => {
                RendezvousStep::Waiting
            }
            previous => {
                let is_first = previous.is_none();
                if let Err(draw) = self.meet(wave) {
                    return draw;
                }
                self.pace.on_wave(now, is_first);
                RendezvousStep::Waiting
            }
        }
    }

    fn on_conclusion(
        &mut self,
        arrived: (Instant, Timestamp),
        conclusion: &Handshake<'_>,
    ) -> RendezvousStep {
        if matches!(self.answer, Answer::Opening(..)) {
            return RendezvousStep::Waiting;
        }
        let now = arrived.0;
        let was_waving = self.stage == RendezvousStage::Waving;
        let known = self.peer.filter(|peer| peer.is_author_of(conclusion));
        let mut peer = match known.map_or_else(|| self.meet(conclusion), Ok) {
            Ok(peer) => peer,
            Err(draw) => return draw,
        };
        peer.proven_at = Some(now);
        self.peer = Some(peer);
        self.pace.on_proof();
        if known.is_none() {
            self.pace.answer(now);
        }
        let has_extensions = !conclusion.extensions.as_bytes().is_empty();
        match (peer.role, has_extensions) {
            (HandshakeRole::Initiator, true) => self.conclude(arrived, conclusion),
            (HandshakeRole::Responder, true) => {
                self.stage = if was_waving {
                    RendezvousStage::Fine
                } else {
                    RendezvousStage::Initiated
                };
                self.on_request(arrived, conclusion)
            }
            // Our request is on its way, or repeated in time; what is missing comes then.
            (_, false) => {
                if was_waving && peer.role == HandshakeRole::Initiator {
                    self.stage = RendezvousStage::Fine;
                }
                RendezvousStep::Waiting
            }
        }
    }

    /// As initiator: without the response nothing is agreed on, and no peer that keeps to the
    /// rules agrees before it has sent one. As responder: the peer has it.
    fn on_agreement(&mut self, agreement: &Handshake<'_>) -> RendezvousStep {
        match &self.peer {
            Some(peer) if peer.socket == agreement.socket => self.handle_sign_of_life(),
            _ => RendezvousStep::Waiting,
        }
    }

    /// Somebody new answers at the peer's address.
    fn meet(&mut self, handshake: &Handshake<'_>) -> Result<Peer, RendezvousStep> {
        self.answer = Answer::Nothing;
        self.stage = RendezvousStage::Attention;
        let mut peer = Peer {
            socket: handshake.socket,
            cookie: handshake.cookie,
            role: HandshakeRole::Responder,
            proven_at: None,
        };
        self.peer = Some(peer);
        let Some(role) = contest(self.cookie, handshake.cookie) else {
            return Err(self.fail(RejectReason::RendezvousCookie));
        };
        peer.role = role;
        self.peer = Some(peer);
        Ok(peer)
    }

    fn conclude(&self, arrived: (Instant, Timestamp), response: &Handshake<'_>) -> RendezvousStep {
        match self.caller.conclude(response) {
            Ok(negotiated) => RendezvousStep::Connected(Box::new(Agreed {
                negotiated,
                role: HandshakeRole::Initiator,
                keys: self.call().keys.clone(),
                arrived,
                agreement: Some(self.plain(
                    Timestamp::new(0),
                    response.socket,
                    RequestType::Agreement,
                )),
            })),
            Err(reason) => self.fail(reason),
        }
    }

    fn on_request(
        &mut self,
        arrived: (Instant, Timestamp),
        conclusion: &Handshake<'_>,
    ) -> RendezvousStep {
        if matches!(self.answer, Answer::Ready(_)) {
            self.pace.answer_again(arrived.0);
            return RendezvousStep::Waiting;
        }
        let request = match ConclusionRequest::read(conclusion, SrtVersion::HANDSHAKE_5) {
            Ok(request) => request,
            Err(reason) => return self.fail(reason),
        };
        if request.group.is_some() {
            return self.fail(RejectReason::Group);
        }
        if !self.is_filter_fitting(&request) {
            return self.fail(RejectReason::Filter);
        }
        match (&request.encryption, &self.call().keys) {
            (RequestedEncryption::None, None) => self.accept(arrived.0, &request, None, arrived),
            (RequestedEncryption::KeyMaterial(material), Some(_)) => {
                let material = material.clone();
                self.answer = Answer::Opening(Box::new(request), arrived);
                RendezvousStep::KeysWanted(material)
            }
            (RequestedEncryption::None, Some(_)) => self.fail(RejectReason::EncryptionRequired),
            (RequestedEncryption::KeyMaterial(_), None) => {
                self.fail(RejectReason::EncryptionUnexpected)
            }
        }
    }

    /// Both sides say the same or one says nothing, and what is said is all of a filter.
    fn is_filter_fitting(&self, request: &ConclusionRequest) -> bool {
        let (ours, theirs) = (self.call().ours.packet_filter, request.packet_filter);
        let differ = ours
            .zip(theirs)
            .is_some_and(|(ours, theirs)| ours != theirs);
        !differ && request.agreed_filter(theirs).is_ok()
    }

    fn accept(
        &mut self,
        now: Instant,
        request: &ConclusionRequest,
        keys: Option<SessionKeys>,
        arrived: (Instant, Timestamp),
    ) -> RendezvousStep {
        let call = self.call();
        let brought = Brought {
            initial_sequence: call.initial_sequence,
            cookie: self.cookie,
            packet_filter: request.packet_filter,
        };
        // As in libsrt the initiator's filter counts, and one of our own only if it is the same.
        let ours = OurSide {
            packet_filter: request.packet_filter,
            ..call.ours
        };
        let stamp = Timestamp::new(0);
        let (response, negotiated) =
            request.answer(stamp, call.remote, &ours, keys.as_ref(), brought);
        self.answer = Answer::Ready(Box::new(Ready {
            response,
            negotiated,
            keys,
            arrived,
        }));
        self.pace.answer(now);
        RendezvousStep::Waiting
    }

    fn fail(&self, reason: RejectReason) -> RendezvousStep {
        let tell = self.peer.map(|peer| {
            let rejected = RequestType::Rejected(reason.code());
            self.plain(Timestamp::new(0), peer.socket, rejected)
        });
        RendezvousStep::Failed(reason, tell)
    }

    fn wave(&self, timestamp: Timestamp) -> Vec<u8> {
        self.plain(timestamp, SocketId::LISTENER, RequestType::WaveAHand)
    }

    fn request(&self, timestamp: Timestamp, to: SocketId) -> Vec<u8> {
        let (flags, extensions) = self.caller.extensions();
        let request = self.handshake(RequestType::Conclusion, flags, extensions.blocks());
        ControlPacket::new(timestamp, to, request).to_vec()
    }

    fn plain(&self, timestamp: Timestamp, to: SocketId, kind: RequestType) -> Vec<u8> {
        let handshake = self.handshake(kind, ExtensionFlags::default(), ExtensionBlocks::NONE);
        ControlPacket::new(timestamp, to, handshake).to_vec()
    }

    fn handshake<'a>(
        &self,
        request: RequestType,
        flags: ExtensionFlags,
        extensions: ExtensionBlocks<'a>,
    ) -> Handshake<'a> {
        let Call { ours, remote, .. } = self.call();
        let remote: &SocketAddr = remote;
        Handshake {
            version: Handshake::VERSION_5,
            encryption_field: 0,
            extension_field: flags.bits(),
            initial_sequence: self.call().initial_sequence,
            segment_bytes: ours.segment_bytes,
            flow_window_packets: ours.flow_window_packets,
            request,
            socket: ours.socket,
            cookie: self.cookie,
            peer_address: WireAddress::from(remote.ip()),
            extensions,
        }
    }
}
