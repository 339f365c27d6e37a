use super::Endpoint;
use super::table::PeerKey;
use crate::wire::{
    Control, ControlPacket, ExtensionCommand, GroupExtension, Handshake, Packet, RequestType,
    SocketId, destination_of,
};
use core::net::SocketAddr;
use tidegate_units::Instant;

/// A caller who has proved its address and asks to be let in; who he is, before any endpoint
/// has taken him.
///
/// All endpoints of a port bake the same cookies, so that a caller can be brought to any of
/// them: see [`Endpoint::newcomer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newcomer {
    /// What he calls his socket. With his address it tells him from all others.
    pub socket: SocketId,
    /// The number of the bonding group that he is to be a leg of. Legs of one group come from
    /// different addresses; by this number they can be brought together in one endpoint.
    pub group: Option<u32>,
    /// He repeats himself: this endpoint has his request, or is connected to him already.
    pub is_known: bool,
}

impl Endpoint {
    /// The caller that a datagram is a conclusion of, if his cookie is ours.
    #[must_use]
    pub fn newcomer(&self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<Newcomer> {
        let conclusion = conclusion(bytes)?;
        let (socket, sequence) = (conclusion.socket, conclusion.initial_sequence);
        self.cookies
            .verify(now, from, conclusion.cookie)
            .then(|| Newcomer {
                socket,
                group: asked_group(&conclusion),
                is_known: self
                    .admission
                    .known(PeerKey::new(from, socket, sequence))
                    .is_some(),
            })
    }
}

fn conclusion(datagram: &[u8]) -> Option<Handshake<'_>> {
    if destination_of(datagram) != Some(SocketId::LISTENER) {
        return None;
    }
    let Ok(Packet::Control(ControlPacket {
        control: Control::Handshake(handshake),
        ..
    })) = Packet::parse(datagram)
    else {
        return None;
    };
    (handshake.request == RequestType::Conclusion).then_some(handshake)
}

fn asked_group(conclusion: &Handshake<'_>) -> Option<u32> {
    let group = conclusion
        .extensions
        .iter()
        .map_while(Result::ok)
        .find(|block| block.command == ExtensionCommand::GROUP)?;
    let group = GroupExtension::parse(group.body).ok()?;
    Some(group.group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ExtensionFlags, ExtensionWriter, Timestamp};

    fn handshake(request: RequestType, group: Option<u32>) -> Vec<u8> {
        let mut extensions = ExtensionWriter::new();
        extensions.push(ExtensionCommand::STREAM_ID, b"evil");
        if let Some(group) = group {
            let body = GroupExtension {
                group,
                kind: GroupExtension::BROADCAST,
                flags: 0,
                weight: 0,
            };
            extensions.push(ExtensionCommand::GROUP, &body.to_bytes());
        }
        let handshake = Handshake {
            version: Handshake::VERSION_5,
            encryption_field: 0,
            extension_field: ExtensionFlags::CONFIGURATION.bits(),
            initial_sequence: crate::SequenceNumber::new(7),
            segment_bytes: 1500,
            flow_window_packets: 8192,
            request,
            socket: SocketId::new(77),
            cookie: 1,
            peer_address: crate::wire::WireAddress::from(core::net::IpAddr::from([127, 0, 0, 1])),
            extensions: extensions.blocks(),
        };
        ControlPacket::new(Timestamp::new(0), SocketId::LISTENER, handshake).to_vec()
    }

    #[test]
    fn only_a_conclusion_with_the_extension_names_a_group() {
        let id = GroupExtension::ID_BIT | 4711;
        let named = |request, group| asked_group(&conclusion(&handshake(request, group))?);
        assert_eq!(named(RequestType::Conclusion, Some(id)), Some(id));
        assert_eq!(named(RequestType::Conclusion, None), None);
        assert_eq!(named(RequestType::Induction, Some(id)), None);
        let whole = handshake(RequestType::Conclusion, Some(id));
        for bytes in 0..whole.len() {
            assert!(conclusion(&whole[..bytes]).is_none_or(|part| asked_group(&part).is_none()));
        }
    }
}
