use super::conclusion::ConclusionRequest;
use crate::wire::{
    ControlPacket, ExtensionBlocks, Handshake, RejectCode, RequestType, Shutdown, Timestamp,
    WireAddress,
};

/// Where a packet's header has its timestamp.
const TIMESTAMP: core::ops::Range<usize> = 8..12;

/// The datagram that refuses a conclusion whose cookie has been verified.
///
/// Callers of version 4 do not know refusals and get a shutdown.
#[must_use]
pub fn refusal(request: &Handshake<'_>, timestamp: Timestamp, code: RejectCode) -> Vec<u8> {
    if request.version < Handshake::VERSION_5 {
        return ControlPacket::new(timestamp, request.socket, Shutdown).to_vec();
    }
    let refusal = Handshake {
        version: Handshake::VERSION_5,
        encryption_field: 0,
        request: RequestType::Rejected(code),
        extensions: ExtensionBlocks::NONE,
        ..*request
    };
    ControlPacket::new(timestamp, request.socket, refusal).to_vec()
}

impl ConclusionRequest {
    /// The datagram that refuses this request.
    #[must_use]
    pub fn refuse(&self, timestamp: Timestamp, code: RejectCode) -> Vec<u8> {
        let request = Handshake {
            version: Handshake::VERSION_5,
            encryption_field: 0,
            extension_field: self.extension_field,
            initial_sequence: self.initial_sequence,
            segment_bytes: self.segment_bytes,
            flow_window_packets: self.flow_window_packets,
            request: RequestType::Conclusion,
            socket: self.socket,
            cookie: self.cookie,
            peer_address: WireAddress::default(),
            extensions: ExtensionBlocks::NONE,
        };
        refusal(&request, timestamp, code)
    }
}

/// Gives a kept datagram a new timestamp: a repeated response says when it was sent.
pub fn restamp(datagram: &mut [u8], timestamp: Timestamp) {
    if let Some(field) = datagram.get_mut(TIMESTAMP) {
        field.copy_from_slice(&timestamp.as_micros().to_be_bytes());
    }
}
