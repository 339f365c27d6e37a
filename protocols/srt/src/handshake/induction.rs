use crate::wire::{ControlPacket, ExtensionBlocks, Handshake, KeyLength, RequestType, Timestamp};

/// The listener's answer to an induction: the cookie, and an echo of everything else.
///
/// It needs no memory of the caller, and is never longer than the shortest request.
#[must_use]
pub fn induction_reply(
    request: &Handshake<'_>,
    timestamp: Timestamp,
    cookie: u32,
    advertised: Option<KeyLength>,
) -> ControlPacket<'static> {
    let reply = Handshake {
        version: Handshake::VERSION_5,
        encryption_field: advertised.map_or(0, KeyLength::advertised),
        extension_field: Handshake::MAGIC,
        request: RequestType::Induction,
        cookie,
        extensions: ExtensionBlocks::NONE,
        ..*request
    };
    ControlPacket::new(timestamp, request.socket, reply)
}
