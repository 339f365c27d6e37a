use core::net::SocketAddr;

use tidegate_units::{Duration, Instant};

use super::cipher::check_cipher;
use super::extensions::Extensions;
use super::latency::Latency;
use super::negotiated::Negotiated;
use super::our_side::OurSide;
use super::stream_id::StreamId;
use crate::RejectReason;
use crate::crypto::SessionKeys;
use crate::fec::FilterConfig;
use crate::wire::{
    ControlPacket, ExtensionBlocks, ExtensionCommand, ExtensionFlags, ExtensionWriter,
    GroupExtension, Handshake, HsFlags, KeyMaterialResponse, KeyState, RequestType, SequenceNumber,
    SocketId, SrtVersion, Timestamp, WireAddress, WireText,
};

/// A call being made.
///
/// ```text
///  new ──▶ Induction ──cookie──▶ Conclusion ──response──▶ connected
///             │  ▲ every 250 ms     │  ▲ every 250 ms
///             │  └──again           │  └──again
///             └──────────┬──────────┘
///                        ▼ refused, answered with nonsense, or timed out
///                      failed
/// ```
#[derive(Debug)]
pub struct CallerHandshake {
    call: Call,
    stage: Stage,
    next_send: Instant,
    deadline: Instant,
}

/// What a call brings along.
#[derive(Clone, Debug)]
pub struct Call {
    /// The listener, or the other side of a rendezvous.
    pub remote: SocketAddr,
    /// This side.
    pub ours: OurSide,
    /// The first sequence number this side sends; a listener takes it for its own direction.
    pub initial_sequence: SequenceNumber,
    /// At most [`StreamId::MAX_BYTES`].
    pub stream_id: StreamId,
    /// `None`: not encrypted.
    pub keys: Option<SessionKeys>,
    /// The bonding group of this side that the connection is to be a leg of.
    pub group: Option<GroupExtension>,
    /// How long the listener may take in all.
    pub timeout: Duration,
}

/// What a handshake from the listener led to.
#[derive(Debug)]
pub enum CallStep {
    /// Nothing yet.
    Waiting,
    /// Both sides agreed.
    Connected(Box<Negotiated>),
    /// It will not be.
    Failed(RejectReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Induction,
    Conclusion { cookie: u32 },
}

/// How often an unanswered handshake is sent.
const RETRY: Duration = Duration::from_millis(250);

impl CallerHandshake {
    /// Starts a call; the first handshake is due at once.
    #[must_use]
    pub fn new(now: Instant, call: Call) -> Self {
        let deadline = now + call.timeout;
        Self {
            call,
            stage: Stage::Induction,
            next_send: now,
            deadline,
        }
    }

    /// What the call brought along.
    #[must_use]
    pub const fn call(&self) -> &Call {
        &self.call
    }

    /// Takes a handshake that came for this call's socket from its listener's address.
    pub fn handle(&mut self, now: Instant, handshake: &Handshake<'_>) -> CallStep {
        match (self.stage, handshake.request) {
            (_, RequestType::Rejected(code)) => CallStep::Failed(RejectReason::Peer(code)),
            (Stage::Induction, RequestType::Induction) => self.take_cookie(now, handshake),
            (Stage::Conclusion { .. }, RequestType::Conclusion) => {
                if handshake.initial_sequence != self.call.initial_sequence {
                    return CallStep::Failed(RejectReason::Rogue);
                }
                match self.conclude(handshake) {
                    Ok(negotiated) => CallStep::Connected(Box::new(negotiated)),
                    Err(reason) => CallStep::Failed(reason),
                }
            }
            // A repeated induction, or a stray packet of another kind of handshake.
            _ => CallStep::Waiting,
        }
    }

    /// The reason to give up, once the time is over.
    #[must_use]
    pub fn handle_timeout(&self, now: Instant) -> Option<RejectReason> {
        (now >= self.deadline).then_some(RejectReason::Timeout)
    }

    /// When the next handshake or the end of the call is due.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        self.next_send.min(self.deadline)
    }

    /// The handshake that is due, if any.
    pub fn poll_transmit(&mut self, now: Instant, timestamp: Timestamp) -> Option<Vec<u8>> {
        if now < self.next_send || now >= self.deadline {
            return None;
        }
        self.next_send = now + RETRY;
        Some(match self.stage {
            Stage::Induction => self.send(timestamp, self.induction()),
            Stage::Conclusion { cookie } => {
                let (flags, extensions) = self.extensions();
                self.send(
                    timestamp,
                    self.conclusion(cookie, flags, extensions.blocks()),
                )
            }
        })
    }

    fn take_cookie(&mut self, now: Instant, reply: &Handshake<'_>) -> CallStep {
        if reply.version < Handshake::VERSION_5 || reply.extension_field != Handshake::MAGIC {
            return CallStep::Failed(RejectReason::Version);
        }
        self.stage = Stage::Conclusion {
            cookie: reply.cookie,
        };
        self.next_send = now;
        CallStep::Waiting
    }

    /// Takes the response to what [`Self::extensions`] asked for.
    pub(super) fn conclude(&self, response: &Handshake<'_>) -> Result<Negotiated, RejectReason> {
        if response.version < Handshake::VERSION_5 || response.socket == SocketId::LISTENER {
            return Err(RejectReason::Rogue);
        }
        let extensions = Extensions::read(&response.extensions)?;
        extensions.check_supported()?;
        let group = self.mirrored_group(extensions.group)?;
        let hs = extensions.response.ok_or(RejectReason::Rogue)?;
        if hs.version < SrtVersion::HANDSHAKE_5 {
            return Err(RejectReason::Rogue);
        }
        if hs.flags.has(HsFlags::STREAM) {
            return Err(RejectReason::MessageApi);
        }
        self.check_keys_taken(extensions.key_material_response)?;
        if let Some(keys) = &self.call.keys {
            check_cipher(keys.cipher(), &hs)?;
        }
        let ours = self.call.ours.packet_filter;
        let packet_filter = FilterConfig::conclude(ours.as_ref(), extensions.filter.as_ref())
            .map_err(|_| RejectReason::Filter)?;
        let latency = Latency::decided(&hs);
        Ok(Negotiated {
            peer: self.call.remote,
            peer_socket: response.socket,
            peer_version: hs.version,
            peer_flags: hs.flags,
            stream_id: self.call.stream_id.clone(),
            receive_latency: latency.receive,
            send_latency: latency.peer,
            encryption: self
                .call
                .keys
                .as_ref()
                .map(|keys| (keys.cipher(), keys.key_length())),
            packet_filter,
            group,
            segment_bytes: self.call.ours.segment_bytes.min(response.segment_bytes),
            flow_window_packets: response.flow_window_packets,
            send_sequence: self.call.initial_sequence,
            receive_sequence: response.initial_sequence,
        })
    }

    /// The listener answers a leg with a group of its own, of the same kind; what it does with
    /// a leg that it takes for a plain connection nobody could say.
    fn mirrored_group(&self, theirs: Option<GroupExtension>) -> Result<Option<u32>, RejectReason> {
        match (&self.call.group, theirs) {
            (None, None) => Ok(None),
            (Some(ours), Some(theirs)) if ours.kind == theirs.kind => Ok(Some(theirs.group)),
            _ => Err(RejectReason::Group),
        }
    }

    /// A call that encrypts connects only to a listener that took its keys, and one that
    /// does not only to a listener that wants none.
    fn check_keys_taken(&self, response: Option<&[u8]>) -> Result<(), RejectReason> {
        let answer = response
            .map(KeyMaterialResponse::parse)
            .transpose()
            .map_err(|_| RejectReason::Rogue)?;
        match (&self.call.keys, answer) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(RejectReason::EncryptionRequired),
            (Some(keys), Some(KeyMaterialResponse::Taken(echo))) if echo == keys.message() => {
                Ok(())
            }
            (Some(_), Some(KeyMaterialResponse::Taken(_))) => Err(RejectReason::Rogue),
            (Some(_), Some(KeyMaterialResponse::Refused(state))) => Err(match state {
                KeyState::BadSecret => RejectReason::WrongPassphrase,
                KeyState::BadCryptoMode => RejectReason::CryptoMode,
                _ => RejectReason::EncryptionUnexpected,
            }),
            (Some(_), None) => Err(RejectReason::EncryptionUnexpected),
        }
    }

    /// Version 4 and a datagram socket: what every listener ever made understands.
    fn induction(&self) -> Handshake<'static> {
        Handshake {
            version: Handshake::VERSION_4,
            encryption_field: 0,
            extension_field: Handshake::DATAGRAM_SOCKET,
            request: RequestType::Induction,
            cookie: 0,
            ..self.conclusion(0, ExtensionFlags::default(), ExtensionBlocks::NONE)
        }
    }

    fn conclusion<'a>(
        &self,
        cookie: u32,
        flags: ExtensionFlags,
        extensions: ExtensionBlocks<'a>,
    ) -> Handshake<'a> {
        let ours = &self.call.ours;
        Handshake {
            version: Handshake::VERSION_5,
            encryption_field: self
                .call
                .keys
                .as_ref()
                .map_or(0, |keys| keys.key_length().advertised()),
            extension_field: flags.bits(),
            initial_sequence: self.call.initial_sequence,
            segment_bytes: ours.segment_bytes,
            flow_window_packets: ours.flow_window_packets,
            request: RequestType::Conclusion,
            socket: ours.socket,
            cookie,
            peer_address: WireAddress::from(self.call.remote.ip()),
            extensions,
        }
    }

    /// What this side asks for.
    pub(super) fn extensions(&self) -> (ExtensionFlags, ExtensionWriter) {
        let ours = &self.call.ours;
        let mut flags = ExtensionFlags::HANDSHAKE;
        let mut extensions = ExtensionWriter::new();
        let request = ours.extension(ours.latency()).to_bytes();
        extensions.push(ExtensionCommand::HANDSHAKE_REQUEST, &request);
        if !self.call.stream_id.is_empty() {
            flags = flags.with(ExtensionFlags::CONFIGURATION);
            let text = WireText::encode(self.call.stream_id.as_bytes());
            extensions.push(ExtensionCommand::STREAM_ID, &text);
        }
        if let Some(filter) = ours.packet_filter {
            flags = flags.with(ExtensionFlags::CONFIGURATION);
            let text = WireText::encode(filter.to_string().as_bytes());
            extensions.push(ExtensionCommand::FILTER, &text);
        }
        if let Some(group) = &self.call.group {
            flags = flags.with(ExtensionFlags::CONFIGURATION);
            extensions.push(ExtensionCommand::GROUP, &group.to_bytes());
        }
        if let Some(keys) = &self.call.keys {
            flags = flags.with(ExtensionFlags::KEY_MATERIAL);
            extensions.push(ExtensionCommand::KEY_MATERIAL_REQUEST, keys.message());
        }
        (flags, extensions)
    }

    fn send(&self, timestamp: Timestamp, handshake: Handshake<'_>) -> Vec<u8> {
        ControlPacket::new(timestamp, SocketId::LISTENER, handshake).to_vec()
    }
}
