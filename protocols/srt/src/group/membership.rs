use crate::wire::{
    Control, ControlPacket, ExtensionCommand, GroupExtension, Packet, RequestType, SocketId,
    destination_of,
};

/// The bonding group that a datagram asks to become a leg of, if it is such a conclusion,
/// and the cookie it brings along.
pub(crate) fn asked_group(datagram: &[u8]) -> Option<(u32, u32)> {
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
    if handshake.request != RequestType::Conclusion {
        return None;
    }
    let group = handshake
        .extensions
        .iter()
        .map_while(Result::ok)
        .find(|block| block.command == ExtensionCommand::GROUP)?;
    let group = GroupExtension::parse(group.body).ok()?;
    Some((group.group, handshake.cookie))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ExtensionFlags, ExtensionWriter, Handshake, Timestamp};

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
        let named = |request, group| asked_group(&handshake(request, group));
        assert_eq!(named(RequestType::Conclusion, Some(id)), Some((id, 1)));
        assert_eq!(named(RequestType::Conclusion, None), None);
        assert_eq!(named(RequestType::Induction, Some(id)), None);
        let whole = handshake(RequestType::Conclusion, Some(id));
        for bytes in 0..whole.len() {
            assert_eq!(asked_group(&whole[..bytes]), None);
        }
    }
}
