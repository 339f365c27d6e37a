use super::aligner::Aligner;
use super::form::Form;
use bytes::Bytes;
use std::net::SocketAddr;
use tidegate_engine::{Feed, FeedWriter, TsChunk};
use tidegate_rtp::{PacketError, Receiver, ReceiverConfig};
use tidegate_units::Instant;

/// A sender's stream, from its first packet until it falls silent.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) form: Form,
    pub(super) receiver: Receiver,
    pub(super) config: ReceiverConfig,
    pub(super) peer: SocketAddr,
    writer: FeedWriter<TsChunk>,
    aligner: Aligner,
    /// Datagrams with transport packets.
    pub(super) datagrams: u64,
    /// Datagrams without.
    pub(super) odd: u64,
}

impl Session {
    pub(super) fn begin(feed: &Feed, form: Form, config: ReceiverConfig, peer: SocketAddr) -> Self {
        Self {
            form,
            receiver: Receiver::new(config),
            config,
            peer,
            writer: feed.ts_writer(),
            aligner: Aligner::default(),
            datagrams: 0,
            odd: 0,
        }
    }

    /// Media came over `leg`.
    pub(super) fn on_media(
        &mut self,
        now: Instant,
        leg: usize,
        datagram: &Bytes,
    ) -> Result<(), PacketError> {
        match self.form {
            Form::Rtp => self.receiver.on_media(now, leg, datagram),
            // Without numbers two legs cannot be merged: the first is it.
            Form::Ts if leg > 0 => Ok(()),
            Form::Ts => {
                self.write(datagram, |bytes| TsChunk::live(bytes, now));
                Ok(())
            }
        }
    }

    pub(super) fn on_sum(&mut self, now: Instant, datagram: &[u8]) {
        if self.form == Form::Rtp {
            self.receiver.on_fec(now, datagram);
        }
    }

    /// Passes on what is in order, and ends the turn.
    pub(super) fn deliver(&mut self, now: Instant) {
        while let Some(packet) = self.receiver.poll(now) {
            if packet.restarted {
                self.writer.seal();
                self.writer = self.writer.feed().ts_writer();
                self.aligner = Aligner::default();
            }
            self.write(&packet.payload, |bytes| TsChunk {
                bytes,
                origin: packet.arrived,
                arrived: packet.arrived,
                due: packet.due,
                lost_before: packet.lost_before,
            });
        }
        self.writer.seal();
    }

    fn write(&mut self, payload: &Bytes, chunk: impl FnOnce(Bytes) -> TsChunk) {
        match self.aligner.push(payload) {
            Some(packets) => {
                self.datagrams += 1;
                self.writer.push(chunk(packets));
            }
            None => self.odd += 1,
        }
    }
}
