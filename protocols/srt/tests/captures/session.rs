//! One captured session, taken apart.

use std::collections::BTreeMap;

use tidegate_srt::wire::{
    Control, ControlPacket, DataHeader, Handshake, MessageNumber, Packet, RequestType, SocketId,
};

use crate::pcap::{self, Datagram};

/// What every encrypted capture was encrypted with.
pub(crate) const PASSPHRASE: &[u8] = b"correct-horse-battery";

/// Every capture there is. `every_capture_is_listed` fails when one is missing here.
pub(crate) const ALL: &[&str] = &[
    "caller-1.5.1",
    "ctr128",
    "ctr128-key-refresh",
    "ctr192",
    "ctr256",
    "fec-ctr128",
    "fec-even",
    "fec-row",
    "fec-staircase",
    "gcm128",
    "gcm128-key-refresh",
    "gcm256",
    "group-backup",
    "group-broadcast",
    "ipv6-ctr128",
    "listener-1.5.1",
    "loss-nak-retransmit",
    "plain-streamid",
    "reject-fec-conflict",
    "reject-gcm-vs-ctr",
    "reject-unencrypted-caller",
    "reject-wrong-passphrase",
    "rendezvous",
    "rendezvous-ctr128",
];

pub(crate) struct Session {
    pub(crate) datagrams: Vec<Datagram>,
}

impl Session {
    pub(crate) fn read(name: &str) -> Self {
        Self {
            datagrams: pcap::read(name),
        }
    }

    pub(crate) fn packets(&self) -> impl Iterator<Item = (&Datagram, Packet<'_>)> {
        self.datagrams
            .iter()
            .map(|datagram| (datagram, Packet::parse(&datagram.bytes).unwrap()))
    }

    pub(crate) fn controls(&self) -> impl Iterator<Item = (&Datagram, ControlPacket<'_>)> {
        self.packets()
            .filter_map(|(datagram, packet)| match packet {
                Packet::Control(control) => Some((datagram, control)),
                Packet::Data { .. } => None,
            })
    }

    pub(crate) fn handshakes(
        &self,
    ) -> impl Iterator<Item = (&Datagram, ControlPacket<'_>, Handshake<'_>)> {
        self.controls()
            .filter_map(|(datagram, packet)| match packet.control {
                Control::Handshake(handshake) => Some((datagram, packet, handshake)),
                _ => None,
            })
    }

    /// The first handshake of this kind from the caller, or from the listener.
    pub(crate) fn handshake(
        &self,
        from_caller: bool,
        is_wanted: impl Fn(RequestType) -> bool,
    ) -> (&Datagram, ControlPacket<'_>, Handshake<'_>) {
        self.handshakes()
            .find(|(_, packet, handshake)| {
                (packet.destination == SocketId::LISTENER) == from_caller
                    && is_wanted(handshake.request)
            })
            .expect("the capture has this handshake")
    }

    /// Media packets as they were first sent, by sequence number; without the packet
    /// filter's.
    pub(crate) fn media(&self) -> BTreeMap<u32, (DataHeader, Vec<u8>)> {
        let mut media = BTreeMap::new();
        for (_, packet) in self.packets() {
            if let Packet::Data { header, payload } = packet
                && header.message != MessageNumber::NONE
            {
                media
                    .entry(header.sequence.value())
                    .or_insert_with(|| (header, payload.to_vec()));
            }
        }
        media
    }
}
