use crate::amf::{AmfError, Value};
use crate::command::{Command, parse_data, status};
use crate::enhanced::{Capabilities, PeerCapabilities};
use crate::error::ProtocolError;
use crate::limits;
use crate::link::Link;
use crate::media::{Data, Media, MediaKind};
use crate::message::{Message, kind};
use crate::text::{StreamKey, readable};
use bytes::Bytes;

/// The side of a server to which somebody publishes.
///
/// ```text
///  Opening ──connect──▶ Connected ──publish──▶ Asked ──accept_publish──▶ Publishing
///                          ▲  ▲                  │                          │
///                          │  └──refuse_publish──┘                          │
///                          └── deleteStream, FCUnpublish, closeStream ──────┘
/// ```
///
/// Feed it what the socket gave and write out what [`ServerSession::take_output`] gives:
///
/// ```
/// # use tidegate_rtmp::{Capabilities, ProtocolError, ServerEvent, ServerSession};
/// # fn turn(session: &mut ServerSession, mut input: &[u8]) -> Result<(), ProtocolError> {
/// while let Some(event) = session.read(&mut input)? {
///     match event {
///         ServerEvent::Publish(_) => session.accept_publish(),
///         _ => {}
///     }
/// }
/// let to_write = session.take_output();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ServerSession {
    link: Link,
    capabilities: Capabilities,
    state: State,
    /// How many streams the peer has created.
    streams_created: u32,
    /// The stream it publishes, or wants to publish.
    stream_id: u32,
    /// Media that came while nothing was being published, and data nobody could read.
    ignored: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Connected,
    Asked,
    Publishing,
}

/// What a publisher did.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerEvent {
    /// It said hello, and was answered.
    Connected(ConnectInfo),
    /// It wants to publish: [`ServerSession::accept_publish`] or
    /// [`ServerSession::refuse_publish`] must follow before anything else is read.
    Publish(PublishRequest),
    /// A picture or sound of what it publishes.
    Media(Media),
    /// Metadata of what it publishes.
    Data(Data),
    /// Metadata that cannot be read, and was passed over.
    UnreadableData(AmfError),
    /// It wants to play, and was told that there is nothing to play.
    PlayRefused,
    /// It publishes no more.
    Unpublished,
}

/// What a publisher said about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectInfo {
    /// The application it asked for: the path of its URL. People put keys there by mistake.
    pub app: String,
    /// The program, as it calls itself.
    pub flash_version: String,
    /// What it can do beyond the RTMP of 2012, if it said so.
    pub enhanced: Option<PeerCapabilities>,
}

/// What somebody wants to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishRequest {
    /// The stream name, which is the key.
    pub key: StreamKey,
    /// `live`, `record` or `append`.
    pub kind: String,
}

/// Why somebody may not publish, as RTMP puts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishRefusal {
    /// Application or key are wrong.
    Denied,
    /// Somebody else publishes there.
    InUse,
}

impl ServerSession {
    /// A session for a connection that was just accepted. `seed` fills the handshake's random
    /// block; nothing secret depends on it.
    #[must_use]
    pub fn new(seed: u64, capabilities: Capabilities) -> Self {
        Self {
            link: Link::server(seed),
            capabilities,
            state: State::Opening,
            streams_created: 0,
            stream_id: 0,
            ignored: 0,
        }
    }

    /// What happened next; `None` once all of `input` has been taken.
    ///
    /// # Errors
    /// If the peer breaks the protocol or a limit: close the connection then.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<ServerEvent>, ProtocolError> {
        while let Some(message) = self.link.read(input)? {
            let event = match message.kind {
                kind::AUDIO => self.media(MediaKind::Audio, message),
                kind::VIDEO => self.media(MediaKind::Video, message),
                kind::DATA | kind::DATA_AMF3 => self.data(&message),
                kind::COMMAND | kind::COMMAND_AMF3 => {
                    let command = Command::parse(&message)?;
                    self.command(&command, message.stream_id)?
                }
                _ => None,
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Lets the peer publish.
    pub fn accept_publish(&mut self) {
        if self.state == State::Asked {
            self.state = State::Publishing;
            self.link.take_media();
            self.link.send_stream_begin(self.stream_id);
            self.send_status("status", "NetStream.Publish.Start", "Publishing.");
        }
    }

    /// Tells the peer why it may not publish; `words` are shown to its user.
    pub fn refuse_publish(&mut self, refusal: PublishRefusal, words: &str) {
        if self.state == State::Asked {
            self.state = State::Connected;
            let code = match refusal {
                PublishRefusal::Denied => "NetStream.Publish.Denied",
                PublishRefusal::InUse => "NetStream.Publish.BadName",
            };
            self.send_status("error", code, words);
        }
    }

    /// Tells a peer that publishes why it cannot go on; close the connection then.
    pub fn end_publish(&mut self, words: &str) {
        if self.state == State::Publishing {
            self.state = State::Connected;
            self.send_status("error", "NetStream.Failed", words);
        }
    }

    /// What is to be written to the peer; empty if nothing is.
    pub fn take_output(&mut self) -> Bytes {
        self.link.take_output()
    }

    /// Whether the handshake is over.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.link.is_open()
    }

    /// Whether the peer publishes.
    #[must_use]
    pub fn is_publishing(&self) -> bool {
        self.state == State::Publishing
    }

    /// Messages that were passed over: media while nothing was being published, metadata that
    /// cannot be read.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    fn media(&mut self, kind: MediaKind, message: Message) -> Option<ServerEvent> {
        if self.state != State::Publishing {
            self.ignored += 1;
            return None;
        }
        Some(ServerEvent::Media(Media {
            kind,
            timestamp: message.timestamp,
            body: message.body,
        }))
    }

    fn data(&mut self, message: &Message) -> Option<ServerEvent> {
        if self.state != State::Publishing {
            self.ignored += 1;
            return None;
        }
        Some(match parse_data(message) {
            Ok((name, values)) => ServerEvent::Data(Data {
                name,
                timestamp: message.timestamp,
                values,
            }),
            Err(error) => {
                self.ignored += 1;
                ServerEvent::UnreadableData(error)
            }
        })
    }

    fn command(
        &mut self,
        command: &Command,
        stream_id: u32,
    ) -> Result<Option<ServerEvent>, ProtocolError> {
        let transaction = command.transaction;
        match command.name.as_str() {
            "connect" if self.state == State::Opening => return Ok(Some(self.connect(command))),
            "connect" => return Err(ProtocolError::ConnectedTwice),
            "publish" => return self.publish(command, stream_id),
            "play" | "play2" => {
                let words = "This port takes publishers. There is nothing to play here.";
                self.send_status("error", "NetStream.Play.StreamNotFound", words);
                return Ok(Some(ServerEvent::PlayRefused));
            }
            "createStream" => {
                self.streams_created = self.streams_created.saturating_add(1);
                self.send_result(transaction, Value::Null, self.streams_created.into());
            }
            "deleteStream" | "closeStream" | "FCUnpublish" => {
                if self.state == State::Publishing {
                    self.state = State::Connected;
                    let words = "Not publishing any more.";
                    self.send_status("status", "NetStream.Unpublish.Success", words);
                    return Ok(Some(ServerEvent::Unpublished));
                }
            }
            "releaseStream" | "FCPublish" | "_checkbw" => {
                self.send_result(transaction, Value::Null, Value::Undefined);
            }
            // What we never asked, and what wants no answer.
            "_result" | "_error" | "onStatus" => {}
            _ if transaction == 0.0 => {}
            _ => {
                let words = "This command is not known here.";
                let info = status("error", "NetConnection.Call.Failed", words);
                let values = ["_error".into(), transaction.into(), Value::Null, info];
                self.link.send_values(kind::COMMAND, 0, 0, &values);
            }
        }
        Ok(None)
    }

    fn connect(&mut self, command: &Command) -> ServerEvent {
        let asked = command.arguments.first();
        let text = |name: &str| {
            let value = asked.and_then(|object| object.get(name));
            value
                .and_then(Value::as_str)
                .map(readable)
                .unwrap_or_default()
        };
        let info = ConnectInfo {
            app: text("app"),
            flash_version: text("flashVer"),
            enhanced: PeerCapabilities::find(&command.arguments),
        };
        self.state = State::Connected;
        self.link.send_window(limits::WINDOW_BYTES);
        self.link.send_peer_bandwidth(limits::WINDOW_BYTES);
        self.link.send_chunk_size();
        let words = "Connected.";
        let mut properties = Value::object([
            ("fmsVer", "FMS/3,5,7,7009".into()),
            ("capabilities", 31_u32.into()),
        ]);
        let mut answer = status("status", "NetConnection.Connect.Success", words);
        for object in [&mut properties, &mut answer] {
            if let Value::Object(pairs) = object {
                if info.enhanced.is_some() {
                    pairs.extend(self.capabilities.fields());
                }
                pairs.push(("objectEncoding".into(), 0_u32.into()));
            }
        }
        self.send_result(command.transaction, properties, answer);
        ServerEvent::Connected(info)
    }

    fn publish(
        &mut self,
        command: &Command,
        stream_id: u32,
    ) -> Result<Option<ServerEvent>, ProtocolError> {
        match self.state {
            State::Opening => return Err(ProtocolError::Order("publish")),
            State::Asked | State::Publishing => {
                let words = "This connection publishes already.";
                self.send_status("error", "NetStream.Publish.BadName", words);
                return Ok(None);
            }
            State::Connected => {}
        }
        self.state = State::Asked;
        self.stream_id = stream_id;
        Ok(Some(ServerEvent::Publish(PublishRequest {
            key: StreamKey::new(command.text(0)),
            kind: readable(command.text(1)),
        })))
    }

    fn send_result(&mut self, transaction: f64, properties: Value, answer: Value) {
        let values = ["_result".into(), transaction.into(), properties, answer];
        self.link.send_values(kind::COMMAND, 0, 0, &values);
    }

    fn send_status(&mut self, level: &str, code: &str, words: &str) {
        let info = status(level, code, words);
        let values = ["onStatus".into(), 0.0.into(), Value::Null, info];
        let stream_id = self.stream_id;
        self.link.send_values(kind::COMMAND, 0, stream_id, &values);
    }
}
