use crate::aggregate::Aggregate;
use crate::amf::Value;
use crate::chunk::{ChunkReader, ChunkWriter};
use crate::command::encode_values;
use crate::error::ProtocolError;
use crate::handshake::Handshake;
use crate::limits;
use crate::message::{Message, kind};
use bytes::Bytes;

/// Events of user control messages (RTMP 1.0, section 7.1.7).
mod user_control {
    pub(super) const STREAM_BEGIN: u16 = 0;
    pub(super) const PING: u16 = 6;
    pub(super) const PONG: u16 = 7;
}

/// What both sides of a connection do alike: the handshake, chunks, acknowledgements, pings.
#[derive(Debug)]
pub(crate) struct Link {
    handshake: Handshake,
    reader: ChunkReader,
    writer: ChunkWriter,
    out: Vec<u8>,
    aggregate: Option<Aggregate>,
    received: u64,
    /// What `received` was when the peer was last told.
    acknowledged: u64,
    /// After so many bytes the peer wants to be told.
    window: u32,
    /// The window the peer was last told.
    window_sent: u32,
    /// What the peer says it has received, modulo 2³².
    pub(crate) peer_received: Option<u32>,
}

impl Link {
    pub(crate) fn server(seed: u64) -> Self {
        Self::new(Handshake::server(seed), Vec::new())
    }

    pub(crate) fn client(seed: u64) -> Self {
        let mut out = Vec::new();
        let handshake = Handshake::client(seed, &mut out);
        Self::new(handshake, out)
    }

    const fn new(handshake: Handshake, out: Vec<u8>) -> Self {
        let mut reader = ChunkReader::new();
        reader.set_message_bytes_max(limits::AMF_BYTES_MAX);
        Self {
            handshake,
            reader,
            writer: ChunkWriter::new(),
            out,
            aggregate: None,
            received: 0,
            acknowledged: 0,
            window: limits::WINDOW_BYTES,
            window_sent: 0,
            peer_received: None,
        }
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.handshake.is_done()
    }

    /// Takes media from now on, which is longer than commands.
    pub(crate) const fn take_media(&mut self) {
        self.reader.set_message_bytes_max(limits::MESSAGE_BYTES_MAX);
    }

    /// The next message that is not about the connection itself; `None` once all of `input`
    /// has been taken.
    pub(crate) fn read(&mut self, input: &mut &[u8]) -> Result<Option<Message>, ProtocolError> {
        if !self.handshake.is_done() {
            let before = input.len();
            self.handshake.read(input, &mut self.out)?;
            self.received += (before - input.len()) as u64;
            if !self.handshake.is_done() {
                return Ok(None);
            }
        }
        loop {
            if let Some(message) = self.aggregate.as_mut().and_then(Aggregate::next) {
                return Ok(Some(message));
            }
            self.aggregate = None;
            let before = input.len();
            let message = self.reader.read(input)?;
            self.received += (before - input.len()) as u64;
            self.acknowledge();
            match message {
                None => return Ok(None),
                Some(message) if message.kind == kind::AGGREGATE => {
                    self.aggregate = Some(Aggregate::new(message));
                }
                Some(message) if message.kind < kind::AUDIO => self.control(&message)?,
                Some(message) => return Ok(Some(message)),
            }
        }
    }

    /// Half a window is told early enough for a peer that waits for it.
    fn acknowledge(&mut self) {
        let window = self.window.max(limits::WINDOW_BYTES_MIN);
        let is_due = self.received - self.acknowledged >= u64::from(window / 2);
        if is_due && self.can_answer() {
            self.acknowledged = self.received;
            // The count wraps (section 5.4.3).
            let count = (self.received & u64::from(u32::MAX)) as u32;
            self.send_number(kind::ACKNOWLEDGEMENT, count);
        }
    }

    fn control(&mut self, message: &Message) -> Result<(), ProtocolError> {
        let number = message.number();
        let short = ProtocolError::ShortControl(message.kind);
        match message.kind {
            kind::ACKNOWLEDGEMENT => self.peer_received = Some(number.ok_or(short)?),
            kind::WINDOW_ACKNOWLEDGEMENT_SIZE => self.window = number.ok_or(short)?,
            kind::SET_PEER_BANDWIDTH => {
                let number = number.ok_or(short)?;
                if self.can_answer() {
                    self.send_window(number);
                }
            }
            kind::USER_CONTROL => {
                let (event, data) = message.body.split_first_chunk().ok_or(short)?;
                if u16::from_be_bytes(*event) == user_control::PING && self.can_answer() {
                    self.send_user_control(user_control::PONG, data);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the peer takes what it is told.
    const fn can_answer(&self) -> bool {
        self.out.len() < limits::ANSWER_BYTES_MAX
    }

    /// Tells the peer after how many bytes to acknowledge, unless it knows.
    pub(crate) fn send_window(&mut self, bytes: u32) {
        if bytes != self.window_sent {
            self.window_sent = bytes;
            self.send_number(kind::WINDOW_ACKNOWLEDGEMENT_SIZE, bytes);
        }
    }

    /// Tells the peer that our window may follow its own ("dynamic").
    pub(crate) fn send_peer_bandwidth(&mut self, bytes: u32) {
        const DYNAMIC: u8 = 2;
        let bytes = bytes.to_be_bytes();
        self.send(kind::SET_PEER_BANDWIDTH, 0, 0, &[&bytes, &[DYNAMIC]]);
    }

    /// Sends longer chunks from now on.
    pub(crate) fn send_chunk_size(&mut self) {
        self.send_number(kind::SET_CHUNK_SIZE, limits::CHUNK_BYTES_SENT as u32);
        self.writer.set_chunk_bytes(limits::CHUNK_BYTES_SENT);
    }

    pub(crate) fn send_stream_begin(&mut self, stream_id: u32) {
        self.send_user_control(user_control::STREAM_BEGIN, &stream_id.to_be_bytes());
    }

    fn send_user_control(&mut self, event: u16, data: &[u8]) {
        self.send(kind::USER_CONTROL, 0, 0, &[&event.to_be_bytes(), data]);
    }

    fn send_number(&mut self, kind: u8, number: u32) {
        self.send(kind, 0, 0, &[&number.to_be_bytes()]);
    }

    /// Sends a command or a data message.
    pub(crate) fn send_values(&mut self, kind: u8, timestamp: u32, stream: u32, values: &[Value]) {
        self.send(kind, timestamp, stream, &[&encode_values(values)]);
    }

    pub(crate) fn send(&mut self, kind: u8, timestamp: u32, stream_id: u32, parts: &[&[u8]]) {
        self.writer
            .write(kind, timestamp, stream_id, parts, &mut self.out);
    }

    pub(crate) fn take_output(&mut self) -> Bytes {
        Bytes::from(core::mem::take(&mut self.out))
    }

    pub(crate) const fn output_len(&self) -> usize {
        self.out.len()
    }
}
