use super::ack::Ack;
use super::ackack::AckAck;
use super::body::ControlBody;
use super::congestion_warning::CongestionWarning;
use super::drop_request::DropRequest;
use super::extension_control::ExtensionControl;
use super::handshake::Handshake;
use super::header::{ControlHeader, HEADER_BYTES};
use super::keep_alive::KeepAlive;
use super::nak::Nak;
use super::numbers::{SocketId, Timestamp};
use super::peer_error::PeerError;
use super::shutdown::Shutdown;
use super::{WireError, word::word};

/// A control packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlPacket<'a> {
    /// When it was sent, in the sender's socket time.
    pub timestamp: Timestamp,
    /// The receiving socket; [`SocketId::LISTENER`] for a handshake without one.
    pub destination: SocketId,
    /// What it says.
    pub control: Control<'a>,
}

/// What a control packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is documented by the type it holds"
)]
pub enum Control<'a> {
    Handshake(Handshake<'a>),
    KeepAlive(KeepAlive),
    Ack(Ack),
    Nak(Nak<'a>),
    CongestionWarning(CongestionWarning),
    Shutdown(Shutdown),
    AckAck(AckAck),
    DropRequest(DropRequest),
    PeerError(PeerError),
    Extension(ExtensionControl<'a>),
}

/// Does the same thing with whichever type a control packet holds.
macro_rules! each_kind {
    ($control:expr, $body:ident => $action:expr) => {
        match $control {
            Control::Handshake($body) => $action,
            Control::KeepAlive($body) => $action,
            Control::Ack($body) => $action,
            Control::Nak($body) => $action,
            Control::CongestionWarning($body) => $action,
            Control::Shutdown($body) => $action,
            Control::AckAck($body) => $action,
            Control::DropRequest($body) => $action,
            Control::PeerError($body) => $action,
            Control::Extension($body) => $action,
        }
    };
}

impl<'a> ControlPacket<'a> {
    /// A packet that says `control`.
    #[must_use]
    pub fn new(
        timestamp: Timestamp,
        destination: SocketId,
        control: impl Into<Control<'a>>,
    ) -> Self {
        Self {
            timestamp,
            destination,
            control: control.into(),
        }
    }

    /// Reads a datagram whose control bit is set.
    ///
    /// # Errors
    /// If it is truncated, of an unknown type, or holds a forbidden value.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, WireError> {
        let (header, body) = ControlHeader::parse(datagram)?;
        if word(datagram, 0) >> 31 == 0 {
            return Err(WireError::Forbidden {
                what: "control packet's control bit",
                value: 0,
            });
        }
        Ok(Self {
            timestamp: header.timestamp,
            destination: header.destination,
            control: Control::parse(&header, body)?,
        })
    }

    /// Bytes of the datagram.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        HEADER_BYTES + each_kind!(&self.control, body => body.body_bytes())
    }

    /// Writes the datagram into the first [`Self::wire_bytes`] bytes of `out`.
    ///
    /// # Panics
    /// If `out` is shorter.
    pub fn emit(&self, out: &mut [u8]) {
        let header = each_kind!(&self.control, body => self.header(body));
        header.emit(out);
        let body_end = self.wire_bytes();
        each_kind!(&self.control, body => body.emit_body(&mut out[HEADER_BYTES..body_end]));
    }

    /// The datagram in memory of its own, for handshakes and tests.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.wire_bytes()];
        self.emit(&mut bytes);
        bytes
    }

    fn header<'b, B: ControlBody<'b>>(&self, body: &B) -> ControlHeader {
        ControlHeader {
            kind: B::KIND,
            subtype: body.subtype(),
            specific: body.specific(),
            timestamp: self.timestamp,
            destination: self.destination,
        }
    }
}

impl<'a> Control<'a> {
    fn parse(header: &ControlHeader, body: &'a [u8]) -> Result<Self, WireError> {
        match header.kind {
            Handshake::KIND => Handshake::parse(header, body).map(Self::Handshake),
            KeepAlive::KIND => KeepAlive::parse(header, body).map(Self::KeepAlive),
            Ack::KIND => Ack::parse(header, body).map(Self::Ack),
            Nak::KIND => Nak::parse(header, body).map(Self::Nak),
            CongestionWarning::KIND => {
                CongestionWarning::parse(header, body).map(Self::CongestionWarning)
            }
            Shutdown::KIND => Shutdown::parse(header, body).map(Self::Shutdown),
            AckAck::KIND => AckAck::parse(header, body).map(Self::AckAck),
            DropRequest::KIND => DropRequest::parse(header, body).map(Self::DropRequest),
            PeerError::KIND => PeerError::parse(header, body).map(Self::PeerError),
            ExtensionControl::KIND => ExtensionControl::parse(header, body).map(Self::Extension),
            unknown => Err(WireError::UnknownControl(unknown)),
        }
    }
}

macro_rules! into_control {
    ($($variant:ident: $body:ty),+ $(,)?) => {$(
        impl<'a> From<$body> for Control<'a> {
            fn from(body: $body) -> Self {
                Self::$variant(body)
            }
        }
    )+};
}

into_control!(
    Handshake: Handshake<'a>,
    KeepAlive: KeepAlive,
    Ack: Ack,
    Nak: Nak<'a>,
    CongestionWarning: CongestionWarning,
    Shutdown: Shutdown,
    AckAck: AckAck,
    DropRequest: DropRequest,
    PeerError: PeerError,
    Extension: ExtensionControl<'a>,
);
