use super::Endpoint;
use super::table::Occupant;
use crate::connection::Noticed;
use crate::event::{Event, Oddity, OddityKind};
use crate::srtla::wire::is_srtla;
use crate::wire::{
    Control, ControlPacket, Packet, RequestType, SequenceNumber, SocketId, destination_of,
};
use core::net::{IpAddr, SocketAddr};
use tidegate_units::Instant;

impl Endpoint {
    /// Takes a datagram that came from `from`, addressed to `to` where that is known.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: Option<IpAddr>,
        bytes: &[u8],
    ) {
        self.advance(now);
        self.counters.datagrams += 1;
        if (is_srtla(bytes) || destination_of(bytes) == Some(SocketId::LISTENER))
            && self.ignores(from)
        {
            return;
        }
        if is_srtla(bytes) {
            return self.handle_srtla(now, from, to, bytes);
        }
        let Some(destination) = destination_of(bytes) else {
            self.counters.malformed += 1;
            return;
        };
        if destination == SocketId::LISTENER {
            let Some(from) = self.identify(now, from, bytes.len()) else {
                self.counters.wrong_address += 1;
                return;
            };
            return self.handle_stranger(now, from, to, bytes);
        }
        let Some(slot) = self.table.slot_of(destination) else {
            self.counters.unknown_socket += 1;
            return;
        };
        let Ok(packet) = Packet::parse(bytes) else {
            self.counters.malformed += 1;
            return;
        };
        self.handle_for_slot(now, from, slot, (bytes.len(), &packet));
    }

    fn handle_for_slot(
        &mut self,
        now: Instant,
        from: SocketAddr,
        slot: u32,
        (bytes, packet): (usize, &Packet<'_>),
    ) {
        let Some(entry) = self.table.at(slot) else {
            return;
        };
        let is_its_peer = match entry.bundle {
            None => entry.peer == from,
            Some(bundle) => {
                let data = sequence_of(packet);
                self.bundles.on_packet(now, bundle, from, bytes, data)
            }
        };
        if !is_its_peer {
            self.counters.wrong_address += 1;
            return self.odd(now, from, OddityKind::WrongAddress);
        }
        let noticed = match &mut entry.occupant {
            Occupant::Connection(connection) => connection.handle_packet(now, packet),
            Occupant::Call(_) => return self.handle_for_call(now, slot, packet),
            Occupant::Group(_) | Occupant::Outgoing(_) => {
                self.counters.unknown_socket += 1;
                return;
            }
        };
        if let Some(group) = entry.group {
            self.after_leg(now, slot, group);
        }
        self.attend(now, slot);
        match noticed {
            Noticed::Nothing => {}
            Noticed::ClearPacket => self.odd(now, from, OddityKind::ClearPacket),
            Noticed::OutOfRange => self.odd(now, from, OddityKind::OutOfRange),
        }
    }

    /// A packet for nobody in particular: only a caller's handshake makes sense.
    fn handle_stranger(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: Option<IpAddr>,
        bytes: &[u8],
    ) {
        let parsed = Packet::parse(bytes);
        let Ok(Packet::Control(ControlPacket {
            control: Control::Handshake(handshake),
            timestamp,
            ..
        })) = parsed
        else {
            self.counters.malformed += 1;
            return;
        };
        if let Some(slot) = self.meetings.get(&from).copied() {
            return self.handle_wave(now, slot, &handshake, timestamp);
        }
        if self.listen.is_none() {
            self.counters.unknown_socket += 1;
            return;
        }
        match handshake.request {
            RequestType::Induction => self.handle_induction(now, from, to, &handshake),
            RequestType::Conclusion => {
                self.handle_conclusion(now, (from, to), &handshake, timestamp);
            }
            _ => self.counters.bad_handshakes += 1,
        }
    }

    pub(super) fn odd(&mut self, now: Instant, peer: SocketAddr, kind: OddityKind) {
        if self.policy.admit_odd(now) {
            let (peer, _) = self.locate(peer, None);
            self.events.push_back(Event::Odd(Oddity { peer, kind }));
        }
    }
}

fn sequence_of(packet: &Packet<'_>) -> Option<SequenceNumber> {
    match packet {
        Packet::Data { header, .. } => Some(header.sequence),
        Packet::Control(_) => None,
    }
}
