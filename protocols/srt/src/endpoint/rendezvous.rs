use super::Endpoint;
use super::calls::{Call, Dialling, Finished};
use super::table::Occupant;
use crate::connection::Connection;
use crate::crypto::{ConnectionCrypto, KeyMaterial, SessionKeys};
use crate::event::{ConnectionId, Event};
use crate::handshake::{Agreed, HandshakeRole, RendezvousStep};
use crate::reject::RejectReason;
use crate::wire::{Control, ControlPacket, Handshake, Packet, RejectCode, Timestamp};
use tidegate_units::Instant;

impl Endpoint {
    /// Gives a rendezvous what [`Event::KeysWanted`] asked for: the keys that `material` opened
    /// to, or the reason to refuse the peer for. Its peer may have asked anew meanwhile, with
    /// another material; then these concern nobody.
    pub fn give_keys(
        &mut self,
        now: Instant,
        id: ConnectionId,
        material: &KeyMaterial,
        keys: Result<SessionKeys, RejectReason>,
    ) {
        self.advance(now);
        if self.table.get(id).is_some()
            && let Some(call) = self.rendezvous(id.slot)
            && let Dialling::Rendezvous(handshake) = &mut call.handshake
        {
            let step = handshake.take_keys(now, material, keys);
            self.follow(now, id.slot, step);
        }
    }

    /// A handshake that is addressed to nobody, from where a rendezvous is awaited.
    pub(super) fn handle_wave(
        &mut self,
        now: Instant,
        slot: u32,
        wave: &Handshake<'_>,
        timestamp: Timestamp,
    ) {
        if let Some(call) = self.rendezvous(slot)
            && let Dialling::Rendezvous(handshake) = &mut call.handshake
        {
            let step = handshake.handle(now, timestamp, wave, false);
            self.follow(now, slot, step);
        }
    }

    /// A packet for the socket of a rendezvous.
    pub(super) fn handle_for_rendezvous(&mut self, now: Instant, slot: u32, packet: &Packet<'_>) {
        let Some(call) = self.rendezvous(slot) else {
            return;
        };
        let Dialling::Rendezvous(rendezvous) = &mut call.handshake else {
            return;
        };
        if let Packet::Control(ControlPacket {
            control: Control::Handshake(handshake),
            timestamp,
            ..
        }) = packet
        {
            let step = rendezvous.handle(now, *timestamp, handshake, true);
            return self.follow(now, slot, step);
        }
        if let Packet::Control(ControlPacket {
            control: Control::Shutdown(_),
            ..
        }) = packet
        {
            // libsrt's only word, as responder, for a request it does not agree with (1.5.1 and
            // 1.5.5, `CUDT::startConnect`).
            let hung_up = RejectReason::Peer(RejectCode::PEER);
            return self.follow(now, slot, RendezvousStep::Failed(hung_up, None));
        }
        let step = rendezvous.handle_sign_of_life();
        self.follow(now, slot, step);
        if let Some(connection) = self.rendezvous_connection(slot) {
            connection.handle_packet(now, packet);
            self.mark(slot);
        }
    }

    fn follow(&mut self, now: Instant, slot: u32, step: RendezvousStep) {
        match step {
            RendezvousStep::Waiting => self.mark(slot),
            RendezvousStep::KeysWanted(material) => {
                if let Some(id) = self.table.at(slot).map(|entry| entry.id) {
                    self.events.push_back(Event::KeysWanted { id, material });
                }
            }
            RendezvousStep::Failed(reason, tell) => {
                if let Some((bytes, to)) = tell.zip(self.table.at(slot).map(|entry| entry.peer)) {
                    self.reply(to, None, bytes);
                }
                self.fail_call(slot, reason);
            }
            RendezvousStep::Connected(agreed) => self.meet(now, slot, *agreed),
        }
    }

    fn meet(&mut self, now: Instant, slot: u32, agreed: Agreed) {
        let Some(call) = self.rendezvous(slot) else {
            return;
        };
        let refresh = call.key_refresh();
        let is_initiator = agreed.role == HandshakeRole::Initiator;
        let crypto = agreed.keys.map(|keys| {
            let crypto = ConnectionCrypto::new(keys, refresh);
            if is_initiator {
                crypto
            } else {
                crypto.yielding()
            }
        });
        let finished = Finished {
            negotiated: agreed.negotiated,
            crypto,
            arrived: agreed.arrived,
            response: agreed.agreement,
        };
        self.finish_call(now, slot, finished);
        // The first AGREEMENT leaves the way every repeated one does.
        if let Some(connection) = self.rendezvous_connection(slot) {
            connection.on_repeated_conclusion();
        }
        self.mark(slot);
    }

    fn rendezvous(&mut self, slot: u32) -> Option<&mut Call> {
        match &mut self.table.at(slot)?.occupant {
            Occupant::Call(call) => Some(call),
            Occupant::Connection(_) | Occupant::Group(_) | Occupant::Outgoing(_) => None,
        }
    }

    fn rendezvous_connection(&mut self, slot: u32) -> Option<&mut Connection> {
        match &mut self.table.at(slot)?.occupant {
            Occupant::Call(_) | Occupant::Group(_) | Occupant::Outgoing(_) => None,
            Occupant::Connection(connection) => Some(connection),
        }
    }
}
