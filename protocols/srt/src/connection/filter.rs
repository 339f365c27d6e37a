//! The packet filter's part of a connection.

use super::{Connection, Noticed};
use crate::crypto::ConnectionCrypto;
use crate::fec::{ArqMode, Decoder, Encoder, FecFate, PacketFilter};
use crate::recv::{Fate, Reporting};
use crate::transmit::{Pushed, TransmitBatch};
use crate::wire::{DataHeader, DataKey};
use tidegate_units::Instant;

/// Both directions of the agreed filter. Each is made when it is first needed: most
/// connections carry media one way.
#[derive(Debug)]
pub(super) struct Filter {
    agreed: PacketFilter,
    /// The index of the first packet this side sends, and of the first it receives.
    first: (u64, u64),
    packet_bytes: usize,
    /// Whether anything is rebuilt here.
    decodes: bool,
    encoder: Option<Box<Encoder>>,
    decoder: Option<Box<Decoder>>,
}

impl Filter {
    pub(super) fn new(
        agreed: PacketFilter,
        first: (u64, u64),
        packet_bytes: usize,
        receive_capacity_packets: usize,
    ) -> Self {
        Self {
            agreed,
            first,
            packet_bytes,
            decodes: Decoder::is_of_use(&agreed, receive_capacity_packets),
            encoder: None,
            decoder: None,
        }
    }

    /// Whether the sides have agreed to do without retransmission.
    pub(super) fn repeats_nothing(&self) -> bool {
        self.agreed.arq == ArqMode::Never
    }

    pub(super) fn reporting(&self) -> Reporting {
        match self.agreed.arq {
            ArqMode::OnRequest if self.decodes => Reporting::WhenGivenUp,
            ArqMode::OnRequest | ArqMode::Always => Reporting::AtOnce,
            ArqMode::Never => Reporting::Never,
        }
    }

    fn encoder(&mut self) -> &mut Encoder {
        let Self {
            agreed,
            first,
            packet_bytes,
            ..
        } = *self;
        self.encoder
            .get_or_insert_with(|| Box::new(Encoder::new(&agreed, first.0, packet_bytes)))
    }

    fn decoder(&mut self) -> Option<&mut Decoder> {
        let Self {
            agreed,
            first,
            packet_bytes,
            decodes,
            ..
        } = *self;
        let made = || Box::new(Decoder::new(&agreed, first.1, packet_bytes));
        decodes.then(|| &mut **self.decoder.get_or_insert_with(made))
    }
}

impl Connection {
    /// A data packet was written: the filter sums it up if it is a new one.
    pub(super) fn note_for_filter(&mut self, index: u64, datagram: &[u8]) {
        if let Some(filter) = &mut self.filter
            && self.sender.is_new(index)
            && let Ok((header, payload)) = DataHeader::parse(datagram)
        {
            filter.encoder().on_sent(index, &header, payload);
        }
    }

    /// Writes the FEC packets that are ready: right behind the last packet of their group,
    /// which is when they are of most use. What follows waits a little longer instead.
    pub(super) fn write_fec(&mut self, now: Instant, batch: &mut TransmitBatch) -> Option<()> {
        let Some(encoder) = self.filter.as_mut().and_then(|it| it.encoder.as_mut()) else {
            return Some(());
        };
        while let Some(bytes) = encoder.ready_bytes() {
            let (route, socket) = (self.route, self.peer_socket);
            let len = DataHeader::BYTES + bytes;
            let pushed = batch.try_push(route.peer, route.local, len, |out| {
                encoder.emit(socket, out);
                true
            });
            if pushed == Pushed::Full {
                return None;
            }
            encoder.on_emitted();
            self.sender.on_extra_sent(now, bytes);
            self.tally.on_fec_sent(bytes);
            self.last_sent = now;
        }
        Some(())
    }

    /// A data packet came: perhaps it is the last that was missing to rebuild others.
    pub(super) fn feed_filter(
        &mut self,
        now: Instant,
        index: u64,
        header: &DataHeader,
        payload: &[u8],
        fate: Fate,
    ) {
        let Some(decoder) = self.filter.as_mut().and_then(Filter::decoder) else {
            return;
        };
        // What was forged, or is beyond belief, must not get into any sum. Whether a packet is
        // genuine only AES-GCM can tell, and only of what it was asked to open.
        let is_proof = self.crypto.as_ref().is_some_and(ConnectionCrypto::is_proof);
        let is_credible = match fate {
            Fate::Unique => true,
            Fate::Duplicate | Fate::Belated(_) => !is_proof,
            _ => false,
        };
        if is_credible {
            decoder.on_data(index, header, payload);
            self.take_rebuilt(now);
        }
    }

    /// A FEC packet came.
    pub(super) fn on_fec(&mut self, now: Instant, header: &DataHeader, bytes: &[u8]) -> Noticed {
        let Some(decoder) = self.filter.as_mut().and_then(Filter::decoder) else {
            self.tally.on_fec_arrived(bytes.len());
            return Noticed::Nothing;
        };
        let end = self.receiver.end();
        if decoder.on_fec(header, bytes, end) == FecFate::Bad {
            self.tally.total.control_ignored += 1;
            return Noticed::Nothing;
        }
        self.tally.on_fec_arrived(bytes.len());
        self.take_rebuilt(now);
        let lost = self.receiver.drop_late(now);
        self.tally.on_dropped(lost);
        Noticed::Nothing
    }

    /// Hands what was rebuilt to the receiver, and tells it what will not be.
    fn take_rebuilt(&mut self, now: Instant) {
        let Some(filter) = &mut self.filter else {
            return;
        };
        let asks = filter.agreed.arq == ArqMode::OnRequest;
        let Some(decoder) = filter.decoder() else {
            return;
        };
        let (receiver, rtt) = (&mut self.receiver, &self.rtt);
        while let Some((header, payload)) = decoder.rebuild() {
            if header.key == DataKey::Clear && self.crypto.is_some() {
                self.tally.total.packets_clear_refused += 1;
                decoder.refuse();
                continue;
            }
            let crypto = self.crypto.as_mut();
            let arrived = receiver.on_rebuilt(now, &header, payload, rtt, crypto);
            self.tally.on_rebuilt(payload.len(), &arrived);
            if arrived.fate == Fate::NotAuthentic {
                decoder.refuse();
            }
        }
        self.tally.total.filter_packets_lost += decoder.settle(receiver.end(), |first, last| {
            if asks {
                receiver.ask_for(now, first, last, rtt);
            }
        });
    }
}
