use super::{Connection, Outgoing, State};
use crate::crypto::ConnectionCrypto;
use crate::recv::AckKind;
use crate::send::HEADER_BYTES;
use crate::transmit::{Pushed, TransmitBatch};
use crate::wire::{
    Ack, AckAck, AckRates, AckReport, Control, ControlPacket, DataHeader, DropRequest,
    ExtensionCommand, ExtensionControl, KeepAlive, LossListWriter, LossRange, MessageNumber, Nak,
    SequenceNumber, Shutdown,
};
use rand_core::RngCore;
use tidegate_units::Instant;

/// Bytes of a loss report: what fits into one live packet.
const MAX_NAK_BYTES: usize = 1456;

/// Whether everything due could be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    BatchFull,
}

impl Connection {
    /// Writes everything that is due at `now`.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        batch: &mut TransmitBatch,
        random: &mut impl RngCore,
    ) -> Progress {
        let steps = self.write_outbox(now, batch).is_some()
            && (self.is_quiet()
                || self.write_ack(now, batch).is_some()
                    && self.write_nak(now, batch).is_some()
                    && self.write_keys(now, batch, random).is_some()
                    && self.write_data(now, batch).is_some()
                    && self.write_ackack(now, batch).is_some()
                    && self.write_keepalive(now, batch).is_some());
        if steps {
            Progress::Done
        } else {
            Progress::BatchFull
        }
    }

    /// Nothing but what is in the outbox is worth sending to a peer that is gone.
    pub(super) const fn is_quiet(&self) -> bool {
        !matches!(self.state, State::Open | State::Draining { .. })
    }

    fn write_outbox(&mut self, now: Instant, batch: &mut TransmitBatch) -> Option<()> {
        while let Some(packet) = self.outbox.front() {
            let written = match packet {
                Outgoing::HandshakeResponse => self.write_response(now, batch),
                Outgoing::DropRequest { first, last } => {
                    let request = DropRequest {
                        message: MessageNumber::NONE,
                        first: SequenceNumber::from_index(*first),
                        last: SequenceNumber::from_index(*last),
                    };
                    self.write_control(now, batch, request)
                }
                Outgoing::KeyResponse(body) => {
                    let command = ExtensionCommand::KEY_MATERIAL_RESPONSE;
                    self.write_control(now, batch, ExtensionControl { command, body })
                }
                Outgoing::KeepAlive => self.write_control(now, batch, KeepAlive),
                Outgoing::Shutdown => self.write_control(now, batch, Shutdown),
            };
            written?;
            self.last_sent = now;
            self.outbox.pop();
        }
        Some(())
    }

    fn write_response(&self, now: Instant, batch: &mut TransmitBatch) -> Option<()> {
        let Some(response) = &self.response else {
            return Some(());
        };
        let stamp = self.clock.stamp(now);
        let written = batch.push(self.route.peer, self.route.local, response.len(), |out| {
            out.copy_from_slice(response);
            crate::handshake::restamp(out, stamp);
        });
        written.then_some(())
    }

    fn write_control<'a>(
        &self,
        now: Instant,
        batch: &mut TransmitBatch,
        body: impl Into<Control<'a>>,
    ) -> Option<()> {
        let packet = ControlPacket::new(self.clock.stamp(now), self.peer_socket, body);
        let route = self.route;
        let written = batch.push(route.peer, route.local, packet.wire_bytes(), |out| {
            packet.emit(out)
        });
        written.then_some(())
    }

    fn write_ack(&mut self, now: Instant, batch: &mut TransmitBatch) -> Option<()> {
        let Some(kind) = self.receiver.ack_due(now) else {
            return Some(());
        };
        let index = self.receiver.next();
        let next = SequenceNumber::from_index(index);
        let ack = match kind {
            AckKind::Light => Ack::light(next),
            AckKind::Full => Ack {
                number: 0,
                next,
                report: Some(self.ack_report()),
            },
        };
        // Ask for room first: a number once taken must be sent.
        if !batch.has_room(HEADER_BYTES as usize + 28) {
            return None;
        }
        let number = match kind {
            AckKind::Full => self.receiver.acks.on_full(now, index, &self.rtt),
            AckKind::Light => {
                self.receiver.acks.on_light(index);
                0
            }
        };
        self.write_control(now, batch, Ack { number, ..ack })?;
        self.tally.total.acks_sent += 1;
        self.last_sent = now;
        Some(())
    }

    fn ack_report(&mut self) -> AckReport {
        let rates = self.receiver.rates();
        let micros = |duration: tidegate_units::Duration| {
            u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
        };
        AckReport {
            rtt_micros: micros(self.rtt.smoothed()),
            rtt_variance_micros: micros(self.rtt.variance()),
            available_packets: self.receiver.available_packets(),
            rates: Some(AckRates {
                receive_packets: rates.packets_per_second,
                capacity_packets: rates.capacity_packets_per_second,
                receive_bytes: Some(rates.bytes_per_second),
            }),
        }
    }

    fn write_nak(&mut self, now: Instant, batch: &mut TransmitBatch) -> Option<()> {
        if self.receiver.report_at() > now {
            return Some(());
        }
        if !batch.has_room(HEADER_BYTES as usize + MAX_NAK_BYTES) {
            return None;
        }
        let mut words = [0; MAX_NAK_BYTES];
        let mut writer = LossListWriter::new(&mut words);
        self.receiver.report(now, &self.rtt, |first, last| {
            let number = SequenceNumber::from_index;
            writer.push(LossRange::new(number(first), number(last)))
        });
        if writer.is_empty() {
            return Some(());
        }
        self.write_control(
            now,
            batch,
            Nak {
                losses: writer.finish(),
            },
        )?;
        self.tally.total.naks_sent += 1;
        self.last_sent = now;
        Some(())
    }

    fn write_keys(
        &mut self,
        now: Instant,
        batch: &mut TransmitBatch,
        random: &mut impl RngCore,
    ) -> Option<()> {
        let due = self
            .crypto
            .as_ref()
            .and_then(ConnectionCrypto::next_announcement);
        if due.is_none_or(|at| at > now) {
            return Some(());
        }
        if !batch.has_room(MAX_NAK_BYTES) {
            return None;
        }
        let mut crypto = self.crypto.take();
        let body = crypto
            .as_mut()
            .and_then(|it| it.announcement(now, self.rtt.smoothed(), random));
        if let Some(body) = body {
            let command = ExtensionCommand::KEY_MATERIAL_REQUEST;
            self.write_control(now, batch, ExtensionControl { command, body });
            self.last_sent = now;
        }
        self.crypto = crypto;
        Some(())
    }

    /// Behind the data of the same turn: being shorter it ends their run, and costs no call of
    /// its own.
    fn write_ackack(&mut self, now: Instant, batch: &mut TransmitBatch) -> Option<()> {
        if let Some(number) = self.ackack {
            self.write_control(now, batch, AckAck { number })?;
            self.ackack = None;
            self.last_sent = now;
        }
        Some(())
    }

    fn write_keepalive(&mut self, now: Instant, batch: &mut TransmitBatch) -> Option<()> {
        if self.keepalive_at() > now {
            return Some(());
        }
        self.write_control(now, batch, KeepAlive)?;
        self.last_sent = now;
        Some(())
    }

    fn write_data(&mut self, now: Instant, batch: &mut TransmitBatch) -> Option<()> {
        if self.waits_for_key() {
            return Some(());
        }
        loop {
            self.write_fec(now, batch)?;
            let Some(turn) = self.sender.next(now) else {
                return Some(());
            };
            let index = turn.index();
            match self.write_packet(index, batch) {
                Pushed::Full => return None,
                Pushed::Declined => {
                    // Its key is gone: it can only count as lost on the way.
                    self.sender.on_sent(now, turn, &self.rtt);
                    continue;
                }
                Pushed::Written => self.note_for_filter(index, batch.newest()),
            }
            self.last_sent = now;
            self.sender.on_sent(now, turn, &self.rtt);
            if let Some(slot) = self.sender.slot(index) {
                self.tally.on_sent(slot.payload.len(), turn);
            }
        }
    }

    fn write_packet(&self, index: u64, batch: &mut TransmitBatch) -> Pushed {
        let Some(slot) = self.sender.slot(index) else {
            return Pushed::Declined;
        };
        let sequence = SequenceNumber::from_index(index);
        let stamp = self.clock.stamp(slot.origin);
        let mut header = DataHeader::live(sequence, slot.message, stamp, self.peer_socket);
        header.retransmitted = !self.sender.is_new(index);
        let mut len = DataHeader::BYTES + slot.payload.len();
        let Some((crypto, key)) = self.crypto.as_ref().zip(slot.key) else {
            return batch.try_push(self.route.peer, self.route.local, len, |out| {
                header.emit(out);
                out[DataHeader::BYTES..].copy_from_slice(&slot.payload);
                true
            });
        };
        header.key = key.data_key();
        len += crypto.mode().tag_bytes();
        batch.try_push(self.route.peer, self.route.local, len, |out| {
            let (head, body) = out.split_at_mut(DataHeader::BYTES);
            header.emit(head);
            crypto.seal(key, &header, &slot.payload, body).is_ok()
        })
    }
}
