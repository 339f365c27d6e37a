use super::header::{Header, parse};
use crate::error::ProtocolError;
use crate::limits;
use crate::message::{Message, bytes_max, kind};
use bytes::Bytes;

/// Turns bytes into messages.
///
/// ```text
///            ┌────────────── chunk complete ─────────────┐
///            ▼                                           │
///   header: bytes are gathered ──▶ payload: bytes go into the message of that chunk stream
///   until it says which message                          │
///                                                        └─▶ message complete: given out
/// ```
///
/// Memory grows with the bytes that came, never with the length that was announced.
#[derive(Debug)]
pub struct ChunkReader {
    streams: Vec<ChunkStream>,
    chunk_bytes: usize,
    /// The begin of a header that is not complete.
    header: Vec<u8>,
    payload: Option<Payload>,
    /// Bytes of all messages in the making.
    unfinished_bytes: usize,
    /// The longest message taken at present.
    message_bytes_max: usize,
}

/// The rest of the chunk that is being read.
#[derive(Clone, Copy, Debug)]
struct Payload {
    /// Its chunk stream's place in the list.
    index: usize,
    left: usize,
}

/// What was said last on one chunk stream.
#[derive(Debug)]
struct ChunkStream {
    id: u32,
    timestamp: u32,
    /// The time field of the last header that had one.
    time_field: u32,
    is_extended: bool,
    length: usize,
    kind: u8,
    stream_id: u32,
    /// The message in the making.
    body: Vec<u8>,
    is_begun: bool,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkReader {
    /// A reader at the first byte after the handshake.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            streams: Vec::new(),
            chunk_bytes: limits::CHUNK_BYTES_DEFAULT,
            header: Vec::new(),
            payload: None,
            unfinished_bytes: 0,
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
        }
    }

    /// Takes no longer messages than this, and twice as much in the making: for peers that
    /// have no right to more memory yet.
    pub const fn set_message_bytes_max(&mut self, bytes: usize) {
        self.message_bytes_max = bytes;
    }

    /// The next whole message; `None` once all of `input` has been taken. Chunk sizes and
    /// aborts are followed here and not given out.
    ///
    /// # Errors
    /// If the peer breaks the protocol or a limit. Nothing can be read after that.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Message>, ProtocolError> {
        loop {
            let index = match self.payload {
                Some(payload) => payload.index,
                None => match self.begin_chunk(input)? {
                    Some(index) => index,
                    None => return Ok(None),
                },
            };
            self.fill(input);
            if self.payload.is_some() {
                return Ok(None);
            }
            if let Some(message) = self.complete(index) {
                match message.kind {
                    kind::SET_CHUNK_SIZE => self.set_chunk_size(&message)?,
                    kind::ABORT => self.abort(&message)?,
                    _ => return Ok(Some(message)),
                }
            }
        }
    }

    /// Reads a header and says whose it is; nothing if `input` does not suffice.
    fn begin_chunk(&mut self, input: &mut &[u8]) -> Result<Option<usize>, ProtocolError> {
        let header = loop {
            let needed = match parse(&self.header) {
                Err(needed) => needed,
                Ok(header) => match self.repeated_time(&header) {
                    Repeated::Unclear => self.header.len() + 1,
                    Repeated::No => break header,
                    Repeated::Yes => {
                        let byte_count = header.byte_count + 4;
                        break Header {
                            byte_count,
                            ..header
                        };
                    }
                },
            };
            let missing = needed - self.header.len();
            let (taken, rest) = input.split_at(missing.min(input.len()));
            self.header.extend_from_slice(taken);
            *input = rest;
            if taken.len() < missing {
                return Ok(None);
            }
        };
        let index = self.start(&header)?;
        // Bytes that looked like a repeated time and were none.
        let surplus = self.header.split_off(header.byte_count);
        let mut rest = &*surplus;
        self.fill(&mut rest);
        self.header.clear();
        self.header.extend_from_slice(rest);
        Ok(Some(index))
    }

    /// A header of format 3 repeats a time of 32 bits. Some senders leave that out, so it is
    /// looked at before it is believed.
    fn repeated_time(&self, header: &Header) -> Repeated {
        if header.format != 3 {
            return Repeated::No;
        }
        let find = |stream: &&ChunkStream| stream.id == header.chunk_stream && stream.is_extended;
        let Some(stream) = self.streams.iter().find(find) else {
            return Repeated::No;
        };
        let came = &self.header[header.byte_count..];
        let candidates = [stream.time_field, stream.timestamp].map(u32::to_be_bytes);
        match came.first_chunk() {
            Some(time) if candidates.contains(time) => Repeated::Yes,
            None if candidates.iter().any(|time| time.starts_with(came)) => Repeated::Unclear,
            _ => Repeated::No,
        }
    }

    /// Takes over what a header says.
    fn start(&mut self, header: &Header) -> Result<usize, ProtocolError> {
        let index = self.stream_of(header)?;
        let stream = &mut self.streams[index];
        if header.format != 3 && stream.is_begun {
            // A new message where the rest of one was due: that one will not be completed.
            self.unfinished_bytes -= stream.body.len();
            stream.body = Vec::new();
            stream.is_begun = false;
        }
        if !stream.is_begun {
            stream.begin(header, self.message_bytes_max)?;
        }
        let missing = stream.length - stream.body.len();
        let left = missing.min(self.chunk_bytes);
        let unfinished_max = limits::UNFINISHED_BYTES_MAX.min(2 * self.message_bytes_max);
        if self.unfinished_bytes + left > unfinished_max {
            return Err(ProtocolError::Unfinished);
        }
        self.payload = (left > 0).then_some(Payload { index, left });
        Ok(index)
    }

    fn stream_of(&mut self, header: &Header) -> Result<usize, ProtocolError> {
        let id = header.chunk_stream;
        if let Some(index) = self.streams.iter().position(|stream| stream.id == id) {
            return Ok(index);
        }
        // Some encoders begin with format 1, for a message of the connection itself.
        if header.shape.is_none() {
            return Err(ProtocolError::NoHeader(id));
        }
        if self.streams.len() == limits::CHUNK_STREAMS_MAX {
            return Err(ProtocolError::ChunkStreams);
        }
        self.streams.push(ChunkStream::new(id));
        Ok(self.streams.len() - 1)
    }

    /// Moves bytes from `input` into the message, until the chunk is complete.
    fn fill(&mut self, input: &mut &[u8]) {
        let Some(payload) = &mut self.payload else {
            return;
        };
        let (taken, rest) = input.split_at(payload.left.min(input.len()));
        *input = rest;
        payload.left -= taken.len();
        self.unfinished_bytes += taken.len();
        self.streams[payload.index].push(taken);
        if payload.left == 0 {
            self.payload = None;
        }
    }

    /// The message of a chunk stream, if it is complete.
    fn complete(&mut self, index: usize) -> Option<Message> {
        let stream = &mut self.streams[index];
        if stream.body.len() < stream.length {
            return None;
        }
        self.unfinished_bytes -= stream.body.len();
        stream.is_begun = false;
        Some(Message {
            kind: stream.kind,
            timestamp: stream.timestamp,
            stream_id: stream.stream_id,
            body: Bytes::from(core::mem::take(&mut stream.body)),
        })
    }

    fn set_chunk_size(&mut self, message: &Message) -> Result<(), ProtocolError> {
        let size = number(message)?;
        let allowed = 1..=limits::CHUNK_BYTES_MAX;
        let bytes = usize::try_from(size).ok();
        self.chunk_bytes = bytes
            .filter(|bytes| allowed.contains(bytes))
            .ok_or(ProtocolError::ChunkSize(size))?;
        Ok(())
    }

    fn abort(&mut self, message: &Message) -> Result<(), ProtocolError> {
        let id = number(message)?;
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            self.unfinished_bytes -= stream.body.len();
            stream.body = Vec::new();
            stream.is_begun = false;
        }
        Ok(())
    }
}

fn number(message: &Message) -> Result<u32, ProtocolError> {
    message
        .number()
        .ok_or(ProtocolError::ShortControl(message.kind))
}

enum Repeated {
    Yes,
    No,
    /// More bytes are needed to know.
    Unclear,
}

impl ChunkStream {
    const fn new(id: u32) -> Self {
        Self {
            id,
            timestamp: 0,
            time_field: 0,
            is_extended: false,
            length: 0,
            kind: 0,
            stream_id: 0,
            body: Vec::new(),
            is_begun: false,
        }
    }

    /// The first chunk of a message.
    fn begin(&mut self, header: &Header, bytes_at_most: usize) -> Result<(), ProtocolError> {
        if let Some(time) = header.time {
            self.time_field = time;
            self.is_extended = header.is_extended;
        }
        if let Some((length, kind)) = header.shape {
            let max = bytes_max(kind).min(bytes_at_most);
            if length > max {
                return Err(ProtocolError::MessageSize { kind, length, max });
            }
            (self.length, self.kind) = (length, kind);
        }
        if let Some(stream_id) = header.stream_id {
            self.stream_id = stream_id;
        }
        // Format 3 begins a message with the time field said last, as a difference, even if it
        // was a time (section 5.3.1.2.4). ffmpeg counts on it.
        self.timestamp = match header.format {
            0 => self.time_field,
            _ => self.timestamp.wrapping_add(self.time_field),
        };
        self.is_begun = true;
        Ok(())
    }

    /// Room is made for at most twice what has come, and never for more than the message.
    fn push(&mut self, bytes: &[u8]) {
        const FIRST: usize = 4096;
        let needed = self.body.len() + bytes.len();
        if needed > self.body.capacity() {
            let room = (2 * needed).max(FIRST).min(self.length);
            self.body.reserve_exact(room - self.body.len());
        }
        self.body.extend_from_slice(bytes);
    }
}
