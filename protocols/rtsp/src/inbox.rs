//! Bytes of a stranger, cut into requests. Packets between them (reports of receivers) are
//! passed over without being kept.

use rtsp_types::{Message, ParseError};

use crate::request::Request;

/// The longest request, its body included.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// `$`, the channel and the length.
const PACKET_HEADER_BYTES: usize = 4;

/// The connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A request that does not end.
    #[error("a request is longer than 16 KB")]
    TooLong,
    /// No request at all.
    #[error("what came is no RTSP")]
    Nonsense,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Inbound {
    Request(Box<Request>),
    /// Something that asks for nothing, but shows that the client lives.
    Alive,
}

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: Vec<u8>,
    /// The end of the headers was looked for up to here.
    searched: usize,
    /// Bytes of a packet that are still to come.
    skip: usize,
}

impl Inbox {
    /// Takes bytes in; how many fit. The rest waits for room.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> usize {
        let skipped = bytes.len().min(self.skip);
        self.skip -= skipped;
        let room = MESSAGE_BYTES_MAX - self.waiting.len().min(MESSAGE_BYTES_MAX);
        let taken = (bytes.len() - skipped).min(room);
        self.waiting
            .extend_from_slice(&bytes[skipped..skipped + taken]);
        skipped + taken
    }

    pub(crate) fn next(&mut self) -> Result<Option<Inbound>, Broken> {
        // Empty lines between requests are allowed.
        let blank = self
            .waiting
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let blank = blank.count();
        self.drop_front(blank);
        match self.waiting.first() {
            None => Ok(None),
            Some(b'$') => Ok(self.packet()),
            Some(_) => self.message(),
        }
    }

    fn packet(&mut self) -> Option<Inbound> {
        let header = self.waiting.get(..PACKET_HEADER_BYTES)?;
        let bytes = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let whole = PACKET_HEADER_BYTES + bytes;
        let here = whole.min(self.waiting.len());
        self.drop_front(here);
        self.skip = whole - here;
        Some(Inbound::Alive)
    }

    fn message(&mut self) -> Result<Option<Inbound>, Broken> {
        const END: &[u8] = b"\r\n\r\n";
        let from = self.searched.saturating_sub(END.len() - 1);
        let unsearched = self.waiting.get(from..).unwrap_or_default();
        if !unsearched.windows(END.len()).any(|four| four == END) {
            self.searched = self.waiting.len();
            return self.incomplete();
        }
        // Found again at once when the body comes.
        self.searched = from;
        let (message, bytes) = match Message::<Vec<u8>>::parse(&self.waiting) {
            Ok(parsed) => parsed,
            Err(ParseError::Incomplete(_)) => return self.incomplete(),
            Err(ParseError::Error) => return Err(Broken::Nonsense),
        };
        self.drop_front(bytes);
        match message {
            Message::Request(request) => {
                Ok(Some(Inbound::Request(Box::new(Request::of(&request)))))
            }
            Message::Response(_) | Message::Data(_) => Ok(Some(Inbound::Alive)),
        }
    }

    const fn incomplete(&self) -> Result<Option<Inbound>, Broken> {
        if self.waiting.len() >= MESSAGE_BYTES_MAX {
            return Err(Broken::TooLong);
        }
        Ok(None)
    }

    fn drop_front(&mut self, bytes: usize) {
        if bytes > 0 {
            self.waiting.drain(..bytes);
            self.searched = 0;
        }
    }
}
