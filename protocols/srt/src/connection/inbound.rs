use super::{Connection, Outgoing, State};
use crate::recv::Fate;
use crate::send::AckOutcome;
use crate::wire::{
    Ack, Control, ControlPacket, DataHeader, DataKey, DropRequest, ExtensionCommand,
    ExtensionControl, KeyState, LossRange, MessageNumber, Nak, Packet, RequestType, Timestamp,
};
use tidegate_units::{Duration, Instant};

/// ACKACKs to different acknowledgements keep this distance: half of that between full
/// acknowledgements, two of which may come close together.
const ACKACK_INTERVAL: Duration = Duration::from_millis(5);

/// Something worth the operator's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noticed {
    Nothing,
    ClearPacket,
    OutOfRange,
}

impl Connection {
    /// A packet came from the peer.
    pub(crate) fn handle_packet(&mut self, now: Instant, packet: &Packet<'_>) -> Noticed {
        self.last_heard = now;
        if let State::Lingering { .. } = self.state {
            self.answer_stranger(packet);
            return Noticed::Nothing;
        }
        let noticed = match packet {
            Packet::Data { header, payload } => self.on_data(now, header, payload),
            Packet::Control(control) => self.on_control(now, control),
        };
        self.advance_end(now);
        noticed
    }

    /// The peer has not noticed that we are gone.
    fn answer_stranger(&mut self, packet: &Packet<'_>) {
        let is_shutdown = matches!(
            packet,
            Packet::Control(ControlPacket {
                control: Control::Shutdown(_),
                ..
            })
        );
        if !is_shutdown {
            self.outbox.push(Outgoing::Shutdown);
        }
    }

    fn on_data(&mut self, now: Instant, header: &DataHeader, payload: &[u8]) -> Noticed {
        if header.message == MessageNumber::NONE && self.filter.is_some() {
            return self.on_fec(now, header, payload);
        }
        if header.message == MessageNumber::NONE
            || header.key == DataKey::Both
            || payload.is_empty()
        {
            // Of a packet filter that was not agreed on, or of no use.
            self.tally.total.control_ignored += 1;
            return Noticed::Nothing;
        }
        if header.key == DataKey::Clear && self.crypto.is_some() {
            self.tally.total.packets_clear_refused += 1;
            return Noticed::ClearPacket;
        }
        let index = self.receiver.index_of(header.sequence);
        let crypto = self.crypto.as_mut();
        let arrived = self
            .receiver
            .on_data(now, header, payload, &self.rtt, crypto);
        self.tally
            .on_arrived(payload.len(), header.retransmitted, &arrived);
        self.tally.on_gap(now, arrived.missing);
        self.feed_filter(now, index, header, payload, arrived.fate);
        let lost = self.receiver.drop_late(now);
        self.tally.on_dropped(lost);
        if arrived.fate == Fate::OutOfRange {
            Noticed::OutOfRange
        } else {
            Noticed::Nothing
        }
    }

    fn on_control(&mut self, now: Instant, packet: &ControlPacket<'_>) -> Noticed {
        match &packet.control {
            Control::Ack(ack) => return self.on_ack(now, ack),
            Control::Nak(nak) => return self.on_nak(now, nak),
            Control::AckAck(ackack) => self.on_ackack(now, ackack.number, packet.timestamp),
            Control::DropRequest(request) => return self.on_drop_request(now, request),
            Control::Shutdown(_) => self.on_shutdown(now),
            Control::Extension(extension) => self.on_extension(extension),
            // In a rendezvous conclusions are addressed, and repeated until the AGREEMENT comes.
            Control::Handshake(handshake) if handshake.request == RequestType::Conclusion => {
                self.on_repeated_conclusion();
            }
            // Another handshake here is the answer to a conclusion repeated by us: known.
            Control::Handshake(_) | Control::KeepAlive(_) => {}
            Control::CongestionWarning(_) | Control::PeerError(_) => {
                self.tally.total.control_ignored += 1;
            }
        }
        Noticed::Nothing
    }

    fn on_ack(&mut self, now: Instant, ack: &Ack) -> Noticed {
        self.tally.total.acks_received += 1;
        let index = self.acknowledged_index(ack.next.unwrap_near(self.sender.first()));
        let available = ack.report.map(|report| report.available_packets);
        let (outcome, removed) = self.sender.on_ack(now, index, available);
        if outcome == AckOutcome::OutOfRange {
            return self.ignored();
        }
        self.tally.total.bytes_acknowledged += removed.payload_bytes;
        self.tally.set_busy(now, !self.sender.is_drained());
        let Some(report) = ack.report else {
            return Noticed::Nothing;
        };
        self.answer_ack(now, ack.number);
        // A repeated one says nothing new about the round trip.
        if index > self.last_full_ack {
            self.last_full_ack = index;
            let micros = |value: u32| Duration::from_micros(u64::from(value));
            self.rtt.learn(
                micros(report.rtt_micros),
                micros(report.rtt_variance_micros),
            );
        }
        if let Some(rates) = report.rates {
            self.peer_capacity = Some(rates.capacity_packets);
        }
        Noticed::Nothing
    }

    fn answer_ack(&mut self, now: Instant, number: u32) {
        let (last, at) = self.last_ackack;
        if number == last || at + ACKACK_INTERVAL <= now || at == Instant::ZERO {
            self.ackack = Some(number);
            self.last_ackack = (number, now);
        }
    }

    fn on_nak(&mut self, now: Instant, nak: &Nak<'_>) -> Noticed {
        self.tally.total.naks_received += 1;
        // A report about a packet re-sent more recently than this cannot know of it.
        let quiet = self.rtt.floor();
        // Losses are reported once in a list: whoever names more walks us in circles.
        let mut patience = self.sender.in_flight();
        let mut noticed = Noticed::Nothing;
        let mut ranges = 0;
        for range in nak.losses.iter() {
            ranges += 1;
            let range = range.ok().filter(|range| self.spend(range, &mut patience));
            if range.is_none_or(|range| !self.on_loss(now, range, quiet)) {
                noticed = self.ignored();
            }
        }
        self.sender.on_list(now, ranges, quiet);
        noticed
    }

    /// Whether a loss list may still walk over this range: only what is held costs a step.
    fn spend(&self, range: &LossRange, patience: &mut u64) -> bool {
        let held = self.sender.first();
        let first = range.first.unwrap_near(held);
        let end = first + u64::from(range.packets());
        let steps = end
            .saturating_sub(first.max(held))
            .min(self.sender.in_flight());
        let affordable = steps <= *patience;
        *patience = patience.saturating_sub(steps);
        affordable
    }

    fn on_loss(&mut self, now: Instant, range: LossRange, quiet: Duration) -> bool {
        let first = range.first.unwrap_near(self.sender.first());
        let last = first + u64::from(range.packets() - 1);
        let outcome = self.sender.on_nak(now, first, last, quiet);
        self.tally.total.packets_send_lost += outcome.marked;
        if let Some((first, last)) = outcome.gone {
            self.outbox.push(Outgoing::DropRequest { first, last });
        }
        !outcome.out_of_range
    }

    fn on_ackack(&mut self, now: Instant, number: u32, timestamp: Timestamp) {
        let Some(sample) = self.receiver.acks.on_ackack(now, number) else {
            return;
        };
        self.rtt.measure(sample);
        self.receiver.tsbpd.on_ackack(now, timestamp, sample);
    }

    fn on_drop_request(&mut self, now: Instant, request: &DropRequest) -> Noticed {
        let first = request.first.unwrap_near(self.receiver.next());
        let last = request.last.unwrap_near(first);
        match self.receiver.on_drop_request(now, first, last) {
            Some(lost) => self.tally.on_dropped(lost),
            None => return self.ignored(),
        }
        Noticed::Nothing
    }

    fn on_shutdown(&mut self, now: Instant) {
        if matches!(self.state, State::Open | State::Draining { .. }) {
            self.state = State::PeerGone {
                until: now + self.negotiated.receive_latency,
            };
        }
    }

    fn on_extension(&mut self, extension: &ExtensionControl<'_>) {
        match (extension.command, &mut self.crypto) {
            (ExtensionCommand::KEY_MATERIAL_REQUEST, Some(crypto)) => {
                if let Some(body) = crypto.handle_request(extension.body) {
                    self.outbox.push(Outgoing::KeyResponse(body.to_vec()));
                }
            }
            (ExtensionCommand::KEY_MATERIAL_REQUEST, None) => {
                let body = KeyState::NoSecret.to_wire().to_vec();
                self.outbox.push(Outgoing::KeyResponse(body));
            }
            (ExtensionCommand::KEY_MATERIAL_RESPONSE, Some(crypto)) => {
                crypto.handle_response(extension.body);
            }
            _ => self.tally.total.control_ignored += 1,
        }
    }

    const fn ignored(&mut self) -> Noticed {
        self.tally.total.control_ignored += 1;
        Noticed::OutOfRange
    }
}
