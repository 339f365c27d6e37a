//! Handshakes made by hand.

use tidegate_srt::wire::{
    ControlPacket, ExtensionBlocks, ExtensionCommand, ExtensionWriter, GroupExtension, Handshake,
    HsExtension, HsFlags, RequestType, SequenceNumber, SocketId, SrtVersion, Timestamp,
    WireAddress,
};

/// The first words of a handshake as any caller sends them.
fn handshake(request: RequestType, socket: u32, cookie: u32) -> Handshake<'static> {
    Handshake {
        version: Handshake::VERSION_5,
        encryption_field: 0,
        extension_field: 1,
        initial_sequence: SequenceNumber::new(1000),
        segment_bytes: 1500,
        flow_window_packets: 8192,
        request,
        socket: SocketId::new(socket),
        cookie,
        peer_address: WireAddress::from(std::net::IpAddr::from([127, 0, 0, 1])),
        extensions: ExtensionBlocks::NONE,
    }
}

pub(crate) fn induction(socket: u32) -> Vec<u8> {
    let request = Handshake {
        version: Handshake::VERSION_4,
        extension_field: Handshake::DATAGRAM_SOCKET,
        ..handshake(RequestType::Induction, socket, 0)
    };
    ControlPacket::new(Timestamp::new(0), SocketId::LISTENER, request).to_vec()
}

pub(crate) fn conclusion(socket: u32, cookie: u32) -> Vec<u8> {
    concluding(socket, cookie, None)
}

/// A conclusion that asks to be a leg of this group.
pub(crate) fn leg(socket: u32, cookie: u32, group: GroupExtension) -> Vec<u8> {
    concluding(socket, cookie, Some(group))
}

fn concluding(socket: u32, cookie: u32, group: Option<GroupExtension>) -> Vec<u8> {
    let mut extensions = ExtensionWriter::new();
    let hello = HsExtension {
        version: SrtVersion::OURS,
        flags: HsFlags::LIVE,
        receive_latency_millis: 120,
        send_latency_millis: 0,
    };
    extensions.push(ExtensionCommand::HANDSHAKE_REQUEST, &hello.to_bytes());
    if let Some(group) = group {
        extensions.push(ExtensionCommand::GROUP, &group.to_bytes());
    }
    let request = Handshake {
        extension_field: 1 | u16::from(group.is_some()) << 2,
        extensions: extensions.blocks(),
        ..handshake(RequestType::Conclusion, socket, cookie)
    };
    ControlPacket::new(Timestamp::new(0), SocketId::LISTENER, request).to_vec()
}

/// The cookie in an induction reply.
pub(crate) fn cookie(reply: &[u8]) -> u32 {
    u32::from_be_bytes(reply[44..48].try_into().unwrap())
}
