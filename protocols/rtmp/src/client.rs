use crate::amf::Value;
use crate::command::Command;
use crate::enhanced::{Capabilities, PeerCapabilities};
use crate::error::ProtocolError;
use crate::limits;
use crate::link::Link;
use crate::media::MediaKind;
use crate::message::kind;
use crate::refusal::{Refusal, Stage};
use crate::text::StreamKey;
use bytes::Bytes;

/// The side of a client that publishes.
///
/// ```text
///  handshake, then    _result: releaseStream,        _result:        onStatus
///  connect            FCPublish, createStream        publish         Publish.Start
///  Connecting ───────────▶ Creating ───────────────▶ Asking ───────────▶ Publishing
///      └────────────────────────┴───────────────────────┴── Refused ◀────────┘
/// ```
///
/// Make one per connection, and write what [`ClientSession::take_output`] gives whenever
/// [`ClientSession::output_len`] is not zero, the first time before anything is read:
///
/// ```
/// # use tidegate_rtmp::{Capabilities, ClientError, ClientEvent, ClientSession, MediaKind};
/// # use tidegate_rtmp::{PublishTarget, StreamKey};
/// # fn example(mut input: &[u8], capabilities: Capabilities) -> Result<(), ClientError> {
/// let target = PublishTarget {
///     app: "live2".into(),
///     tc_url: "rtmps://a.rtmps.youtube.com:443/live2".into(),
///     key: StreamKey::new("abcd"),
///     capabilities,
/// };
/// let mut session = ClientSession::new(target, 0);
/// let to_write = session.take_output();
/// while let Some(event) = session.read(&mut input)? {
///     if let ClientEvent::Publishing = event {
///         session.send_metadata(vec![("encoder".into(), "Tidegate".into())]);
///         session.send_media(MediaKind::Video, 0, &[&[0x17, 0], &[0, 0, 0]]);
///     }
/// }
/// let to_write = session.take_output();
/// # Ok(())
/// # }
/// ```
///
/// Before [`ClientEvent::Publishing`] media is not taken. What is written is not bounded here:
/// the caller does not send while much of the output waits.
#[derive(Debug)]
pub struct ClientSession {
    link: Link,
    target: PublishTarget,
    state: State,
    stream_id: u32,
}

/// What is published where.
#[derive(Clone, Debug)]
pub struct PublishTarget {
    /// The application: the path of the URL without the key.
    pub app: String,
    /// The whole URL without the key.
    pub tc_url: String,
    /// The stream name.
    pub key: StreamKey,
    /// What the server is told that we can send, beyond H.264 and AAC.
    pub capabilities: Capabilities,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Until the handshake is over, nothing may be sent.
    Greeting,
    Connecting,
    Creating,
    Asking,
    Publishing,
}

/// What a server did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// It answered the greeting; with what it can do, if it speaks enhanced RTMP.
    Connected(Option<PeerCapabilities>),
    /// Media may be sent.
    Publishing,
}

/// Why publishing is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The server sent what nobody can make sense of.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The server does not want what we send.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Transactions whose answers matter; the others are numbered beside them.
const CONNECT: f64 = 1.0;
const RELEASE: f64 = 2.0;
const FC_PUBLISH: f64 = 3.0;
const CREATE: f64 = 4.0;
const PUBLISH: f64 = 5.0;

/// What servers have met; some refuse names they do not know.
const FLASH_VERSION: &str = "FMLE/3.0 (compatible; Tidegate)";

impl ClientSession {
    /// A session for a connection that was just made; the handshake waits to be written.
    /// `seed` fills its random block; nothing secret depends on it.
    #[must_use]
    pub fn new(target: PublishTarget, seed: u64) -> Self {
        Self {
            link: Link::client(seed),
            target,
            state: State::Greeting,
            stream_id: 0,
        }
    }

    /// What happened next; `None` once all of `input` has been taken.
    ///
    /// # Errors
    /// If the server refuses, ends the stream, or breaks the protocol: close the connection.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<ClientEvent>, ClientError> {
        loop {
            let message = self.link.read(input)?;
            if self.state == State::Greeting && self.link.is_open() {
                self.connect();
            }
            let Some(message) = message else {
                return Ok(None);
            };
            if matches!(message.kind, kind::COMMAND | kind::COMMAND_AMF3) {
                let command = Command::parse(&message).map_err(ProtocolError::from)?;
                if let Some(event) = self.command(&command)? {
                    return Ok(Some(event));
                }
            }
        }
    }

    /// Sends one audio or video message: the tag's body in `parts`, which follow one another.
    /// False if the server has not agreed to take any yet.
    pub fn send_media(&mut self, media: MediaKind, timestamp: u32, parts: &[&[u8]]) -> bool {
        let kind = match media {
            MediaKind::Audio => kind::AUDIO,
            MediaKind::Video => kind::VIDEO,
        };
        if self.is_publishing() {
            self.link.send(kind, timestamp, self.stream_id, parts);
        }
        self.is_publishing()
    }

    /// Sends `onMetaData` with these keys; false as [`ClientSession::send_media`].
    pub fn send_metadata(&mut self, pairs: Vec<(String, Value)>) -> bool {
        let name = "onMetaData".into();
        self.send_data(0, &["@setDataFrame".into(), name, Value::EcmaArray(pairs)])
    }

    /// Sends a data message; false as [`ClientSession::send_media`].
    pub fn send_data(&mut self, timestamp: u32, values: &[Value]) -> bool {
        if self.is_publishing() {
            let stream_id = self.stream_id;
            self.link
                .send_values(kind::DATA, timestamp, stream_id, values);
        }
        self.is_publishing()
    }

    /// Says goodbye; write the output and close the connection.
    pub fn unpublish(&mut self) {
        if self.is_publishing() {
            let key = Value::from(self.target.key.expose());
            self.send_command("FCUnpublish", 6.0, &[Value::Null, key]);
            let stream_id = self.stream_id.into();
            self.send_command("deleteStream", 7.0, &[Value::Null, stream_id]);
            self.state = State::Connecting;
        }
    }

    /// What is to be written to the server; empty if nothing is.
    pub fn take_output(&mut self) -> Bytes {
        self.link.take_output()
    }

    /// How many bytes wait to be taken and written.
    #[must_use]
    pub const fn output_len(&self) -> usize {
        self.link.output_len()
    }

    /// Whether media may be sent.
    #[must_use]
    pub fn is_publishing(&self) -> bool {
        self.state == State::Publishing
    }

    /// How many bytes the server says it has received, modulo 2³², handshake included or not as
    /// it likes; `None` until it says so.
    #[must_use]
    pub const fn acknowledged(&self) -> Option<u32> {
        self.link.peer_received
    }

    fn connect(&mut self) {
        self.state = State::Connecting;
        self.link.send_chunk_size();
        let mut object = vec![
            ("app".into(), self.target.app.as_str().into()),
            ("type".into(), "nonprivate".into()),
            ("flashVer".into(), FLASH_VERSION.into()),
            ("tcUrl".into(), self.target.tc_url.as_str().into()),
        ];
        object.extend(self.target.capabilities.fields());
        self.send_command("connect", CONNECT, &[Value::Object(object)]);
    }

    fn command(&mut self, command: &Command) -> Result<Option<ClientEvent>, Refusal> {
        let transaction = command.transaction;
        let is_about = |number: f64| transaction == number;
        match (command.name.as_str(), self.state) {
            ("_result", State::Connecting) if is_about(CONNECT) => {
                self.create();
                let enhanced = PeerCapabilities::find(&command.arguments);
                return Ok(Some(ClientEvent::Connected(enhanced)));
            }
            ("_result", State::Creating) if is_about(CREATE) => self.publish(command),
            ("_error", State::Connecting) if is_about(CONNECT) => {
                return Err(self.refusal(Stage::Connect, command));
            }
            // Other errors are about courtesies that many servers do not know.
            ("_error", State::Creating) if is_about(CREATE) => {
                return Err(self.refusal(Stage::CreateStream, command));
            }
            ("_error", State::Asking) if is_about(PUBLISH) => {
                return Err(self.refusal(Stage::Publish, command));
            }
            ("onStatus", _) => return self.status(command),
            ("close", _) => return Err(self.refusal(self.stage(), command)),
            _ => {}
        }
        Ok(None)
    }

    fn create(&mut self) {
        self.state = State::Creating;
        self.link.send_window(limits::WINDOW_BYTES);
        let key = Value::from(self.target.key.expose());
        self.send_command("releaseStream", RELEASE, &[Value::Null, key.clone()]);
        self.send_command("FCPublish", FC_PUBLISH, &[Value::Null, key]);
        self.send_command("createStream", CREATE, &[Value::Null]);
    }

    fn publish(&mut self, created: &Command) {
        self.state = State::Asking;
        let stream_id = created.arguments.get(1).and_then(Value::as_number);
        self.stream_id = stream_id.unwrap_or(1.0) as u32;
        let key = Value::from(self.target.key.expose());
        let values = [
            "publish".into(),
            PUBLISH.into(),
            Value::Null,
            key,
            "live".into(),
        ];
        let stream_id = self.stream_id;
        self.link.send_values(kind::COMMAND, 0, stream_id, &values);
    }

    fn status(&mut self, command: &Command) -> Result<Option<ClientEvent>, Refusal> {
        let info = command.arguments.get(1);
        let text = |name| info.and_then(|info| info.get(name)).and_then(Value::as_str);
        let code = text("code").unwrap_or_default();
        let is_over = matches!(
            code,
            "NetStream.Unpublish.Success" | "NetConnection.Connect.Closed"
        );
        if text("level") == Some("error") || is_over {
            return Err(self.refusal(self.stage(), command));
        }
        if code == "NetStream.Publish.Start" && self.state == State::Asking {
            self.state = State::Publishing;
            return Ok(Some(ClientEvent::Publishing));
        }
        Ok(None)
    }

    const fn stage(&self) -> Stage {
        match self.state {
            State::Greeting | State::Connecting => Stage::Connect,
            State::Creating => Stage::CreateStream,
            State::Asking => Stage::Publish,
            State::Publishing => Stage::Live,
        }
    }

    fn refusal(&self, stage: Stage, command: &Command) -> Refusal {
        Refusal::read(stage, command, &self.target.key)
    }

    fn send_command(&mut self, name: &str, transaction: f64, arguments: &[Value]) {
        let mut values = vec![name.into(), transaction.into()];
        values.extend_from_slice(arguments);
        self.link.send_values(kind::COMMAND, 0, 0, &values);
    }
}
