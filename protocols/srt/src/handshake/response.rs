use core::net::SocketAddr;

use super::conclusion::ConclusionRequest;
use super::negotiated::Negotiated;
use super::our_side::OurSide;
use crate::crypto::SessionKeys;
use crate::fec::{FilterConfig, FilterConflict, PacketFilter};
use crate::wire::{
    ControlPacket, ExtensionCommand, ExtensionFlags, ExtensionWriter, GroupExtension, Handshake,
    RequestType, SequenceNumber, Timestamp, WireAddress, WireText,
};

/// What a responder puts into its handshake beside the extensions.
#[derive(Clone, Copy)]
pub(super) struct Brought {
    pub(super) initial_sequence: SequenceNumber,
    pub(super) cookie: u32,
    /// A rendezvous compares the whole configuration, so it is answered as it was asked for.
    pub(super) packet_filter: Option<FilterConfig>,
}

impl ConclusionRequest {
    /// Lets the caller in: the response, and what was agreed on.
    ///
    /// `keys` are those its key material was opened with. A packet filter that does not fit
    /// ours has to be refused before; here it counts as none. A repeated conclusion gets the
    /// same response again, see [`super::restamp`].
    #[must_use]
    pub fn accept(
        &self,
        timestamp: Timestamp,
        peer: SocketAddr,
        ours: &OurSide,
        keys: Option<&SessionKeys>,
    ) -> (Vec<u8>, Negotiated) {
        // The caller checks both: the two directions count from its number.
        let echoed = Brought {
            initial_sequence: self.initial_sequence,
            cookie: self.cookie,
            packet_filter: None,
        };
        self.answer(timestamp, peer, ours, keys, echoed)
    }

    /// The response of a listener, or of a rendezvous' responder, who brings its own number
    /// and cookie.
    pub(super) fn answer(
        &self,
        timestamp: Timestamp,
        peer: SocketAddr,
        ours: &OurSide,
        keys: Option<&SessionKeys>,
        brought: Brought,
    ) -> (Vec<u8>, Negotiated) {
        let latency = ours.latency().agree(&self.hs, ours.max_latency);
        let segment_bytes = ours.segment_bytes.min(self.segment_bytes);
        let mut flags = ExtensionFlags::HANDSHAKE;
        let mut extensions = ExtensionWriter::new();
        extensions.push(
            ExtensionCommand::HANDSHAKE_RESPONSE,
            &ours.extension(latency).to_bytes(),
        );
        let packet_filter = self.agreed_filter(ours.packet_filter).unwrap_or_default();
        if let Some(filter) = packet_filter {
            flags = flags.with(ExtensionFlags::CONFIGURATION);
            let text = brought
                .packet_filter
                .map_or_else(|| filter.to_string(), |asked| asked.to_string());
            extensions.push(ExtensionCommand::FILTER, &WireText::encode(text.as_bytes()));
        }
        if let Some((theirs, ours)) = self.group.zip(ours.group) {
            flags = flags.with(ExtensionFlags::CONFIGURATION);
            let group = GroupExtension {
                group: ours,
                ..theirs
            };
            extensions.push(ExtensionCommand::GROUP, &group.to_bytes());
        }
        if let Some(keys) = keys {
            flags = flags.with(ExtensionFlags::KEY_MATERIAL);
            extensions.push(ExtensionCommand::KEY_MATERIAL_RESPONSE, keys.message());
        }
        let response = Handshake {
            version: Handshake::VERSION_5,
            encryption_field: 0,
            extension_field: flags.bits(),
            initial_sequence: brought.initial_sequence,
            segment_bytes,
            flow_window_packets: ours.flow_window_packets,
            request: RequestType::Conclusion,
            socket: ours.socket,
            cookie: brought.cookie,
            peer_address: WireAddress::from(peer.ip()),
            extensions: extensions.blocks(),
        };
        let datagram = ControlPacket::new(timestamp, self.socket, response).to_vec();
        let negotiated = Negotiated {
            peer,
            peer_socket: self.socket,
            peer_version: self.hs.version,
            peer_flags: self.hs.flags,
            stream_id: self.stream_id.clone(),
            receive_latency: latency.receive,
            send_latency: latency.peer,
            encryption: keys.map(|keys| (keys.cipher(), keys.key_length())),
            packet_filter,
            group: None,
            segment_bytes,
            flow_window_packets: self.flow_window_packets,
            send_sequence: brought.initial_sequence,
            receive_sequence: self.initial_sequence,
        };
        (datagram, negotiated)
    }

    /// The packet filter that is agreed on when this side wants `ours`.
    ///
    /// # Errors
    /// If the two do not fit together.
    pub fn agreed_filter(
        &self,
        ours: Option<FilterConfig>,
    ) -> Result<Option<PacketFilter>, FilterConflict> {
        FilterConfig::agree(ours.as_ref(), self.packet_filter.as_ref())
    }
}
