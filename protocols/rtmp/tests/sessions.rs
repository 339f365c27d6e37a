//! A client and a server talk to each other, and to peers that misbehave.

use tidegate_rtmp::amf::encode;
use tidegate_rtmp::{
    Capabilities, ChunkWriter, ClientError, ClientEvent, ClientSession, MediaKind, ProtocolError,
    PublishRefusal, PublishTarget, RefusalKind, ServerEvent, ServerSession, StreamKey, Value, caps,
    kind, limits,
};

const CAPABILITIES: Capabilities = Capabilities {
    video: &["hvc1", "av01"],
    audio: &["Opus"],
    caps_ex: caps::MULTITRACK,
};

struct Pair {
    client: ClientSession,
    server: ServerSession,
    /// How many bytes are handed over at once.
    piece: usize,
    client_events: Vec<ClientEvent>,
    server_events: Vec<ServerEvent>,
    refusal: Option<(PublishRefusal, &'static str)>,
}

impl Pair {
    fn new() -> Self {
        let target = PublishTarget {
            app: "live".into(),
            tc_url: "rtmp://host/live".into(),
            key: StreamKey::new("very-secret"),
            capabilities: CAPABILITIES,
        };
        Self {
            client: ClientSession::new(target, 1),
            server: ServerSession::new(2, CAPABILITIES),
            piece: 1000,
            client_events: Vec::new(),
            server_events: Vec::new(),
            refusal: None,
        }
    }

    /// Carries bytes to and fro until nobody has anything to say.
    fn run(&mut self) -> Result<(), ClientError> {
        loop {
            let (up, down) = (self.client.take_output(), self.server.take_output());
            if up.is_empty() && down.is_empty() {
                return Ok(());
            }
            for mut bytes in up.chunks(self.piece) {
                while let Some(event) = self.server.read(&mut bytes).expect("it is read") {
                    if matches!(event, ServerEvent::Publish(_)) {
                        match self.refusal {
                            None => self.server.accept_publish(),
                            Some((refusal, words)) => self.server.refuse_publish(refusal, words),
                        }
                    }
                    self.server_events.push(event);
                }
            }
            for mut bytes in down.chunks(self.piece) {
                while let Some(event) = self.client.read(&mut bytes)? {
                    self.client_events.push(event);
                }
            }
        }
    }
}

#[test]
fn a_client_publishes_to_a_server() {
    for piece in [1, 13, 100_000] {
        let mut pair = Pair::new();
        pair.piece = piece;
        pair.run().unwrap();
        let [ClientEvent::Connected(Some(peer)), ClientEvent::Publishing] = &pair.client_events[..]
        else {
            panic!("{:?}", pair.client_events);
        };
        assert!(peer.understands("hvc1") && !peer.understands("vp09"));
        assert_eq!(peer.caps_ex, caps::MULTITRACK);
        let [ServerEvent::Connected(info), ServerEvent::Publish(request)] = &pair.server_events[..]
        else {
            panic!("{:?}", pair.server_events);
        };
        assert_eq!(info.app, "live");
        assert!(info.enhanced.as_ref().unwrap().understands("Opus"));
        assert_eq!(request.key.expose(), "very-secret");
        assert!(!format!("{pair:?}", pair = pair.server_events).contains("very-secret"));
    }
}

#[test]
fn media_and_metadata_arrive_as_they_were_sent() {
    let mut pair = Pair::new();
    pair.run().unwrap();
    pair.server_events.clear();
    let body = vec![7; 200_000];
    let pairs = vec![("width".to_owned(), Value::Number(640.0))];
    assert!(pair.client.send_metadata(pairs.clone()));
    assert!(
        pair.client
            .send_media(MediaKind::Video, u32::MAX, &[&[1, 2], &body])
    );
    assert!(pair.client.send_media(MediaKind::Audio, 3, &[&[9]]));
    pair.client.unpublish();
    pair.run().unwrap_err();
    let [
        ServerEvent::Data(data),
        ServerEvent::Media(video),
        ServerEvent::Media(audio),
        ServerEvent::Unpublished,
    ] = &pair.server_events[..]
    else {
        panic!("{:?}", pair.server_events);
    };
    assert_eq!(data.name, "onMetaData");
    assert_eq!(data.values, [Value::EcmaArray(pairs)]);
    assert_eq!((video.kind, video.timestamp), (MediaKind::Video, u32::MAX));
    assert_eq!(video.body[..2], [1, 2]);
    assert_eq!(video.body[2..], body);
    assert_eq!((audio.kind, audio.timestamp), (MediaKind::Audio, 3));
}

#[test]
fn a_refused_key_is_told_in_the_servers_words_without_the_key() {
    let mut pair = Pair::new();
    pair.refusal = Some((PublishRefusal::InUse, "very-secret is in use"));
    let Err(ClientError::Refused(refusal)) = pair.run() else {
        panic!("{:?}", pair.client_events);
    };
    assert_eq!(refusal.kind(), RefusalKind::InUse);
    assert_eq!(
        refusal.to_string(),
        "the server refused the stream key: \"••• is in use\" (NetStream.Publish.BadName)"
    );
    assert!(!pair.client.send_media(MediaKind::Audio, 0, &[&[1]]));
}

#[test]
fn long_streams_are_acknowledged() {
    let mut pair = Pair::new();
    pair.run().unwrap();
    assert_eq!(pair.client.acknowledged(), None);
    for time in 0..30 {
        pair.client
            .send_media(MediaKind::Video, time, &[&[0; 100_000]]);
        pair.run().unwrap();
    }
    assert!(pair.client.acknowledged().unwrap() > 2_000_000);
}

/// A publisher that says whatever it likes.
struct Rude {
    writer: ChunkWriter,
    server: ServerSession,
}

impl Rude {
    fn new() -> Self {
        let mut server = ServerSession::new(0, CAPABILITIES);
        let handshake = [3; 1 + 2 * 1536];
        server.read(&mut &handshake[..]).expect("a handshake");
        assert!(server.is_open());
        Self {
            writer: ChunkWriter::new(),
            server,
        }
    }

    fn say(&mut self, kind: u8, body: &[u8]) -> Result<Option<ServerEvent>, ProtocolError> {
        let mut bytes = Vec::new();
        self.writer.write(kind, 0, 1, &[body], &mut bytes);
        self.server.read(&mut &*bytes)
    }

    fn command(
        &mut self,
        name: &str,
        rest: &[Value],
    ) -> Result<Option<ServerEvent>, ProtocolError> {
        self.say(kind::COMMAND, &values(name, rest))
    }

    fn answers(&mut self, text: &str) -> bool {
        let said = self.server.take_output();
        said.windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
    }
}

fn values(name: &str, rest: &[Value]) -> Vec<u8> {
    let mut body = Vec::new();
    encode(&name.into(), &mut body);
    encode(&Value::Number(1.0), &mut body);
    encode(&Value::Null, &mut body);
    rest.iter().for_each(|value| encode(value, &mut body));
    body
}

#[test]
fn commands_with_the_leading_zero_of_amf3_are_understood() {
    let mut rude = Rude::new();
    let body = [vec![0], values("connect", &[])].concat();
    let event = rude.say(kind::COMMAND_AMF3, &body).unwrap();
    assert!(matches!(event, Some(ServerEvent::Connected(_))));
}

#[test]
fn who_wants_to_play_is_told_no() {
    let mut rude = Rude::new();
    rude.command("connect", &[]).unwrap();
    let event = rude.command("play", &["key".into()]).unwrap();
    assert_eq!(event, Some(ServerEvent::PlayRefused));
    assert!(rude.answers("NetStream.Play.StreamNotFound"));
}

#[test]
fn publishing_before_connecting_is_an_error() {
    let error = Rude::new().command("publish", &["key".into()]);
    assert_eq!(error, Err(ProtocolError::Order("publish")));
}

#[test]
fn who_connects_a_second_time_is_not_taken_for_somebody_new() {
    let mut rude = Rude::new();
    rude.command("connect", &[]).unwrap();
    rude.command("publish", &["key".into()]).unwrap();
    rude.server.accept_publish();
    let again = rude.command("connect", &[]);
    assert_eq!(again, Err(ProtocolError::ConnectedTwice));
    assert!(rude.server.is_publishing());
}

#[test]
fn a_connection_publishes_one_stream_at_a_time() {
    let mut rude = Rude::new();
    rude.command("connect", &[]).unwrap();
    rude.command("publish", &["one".into()]).unwrap();
    rude.server.accept_publish();
    assert_eq!(rude.command("publish", &["two".into()]), Ok(None));
    assert!(rude.answers("NetStream.Publish.BadName"));
    assert!(rude.server.is_publishing());
    let over = rude.command("FCUnpublish", &["one".into()]).unwrap();
    assert_eq!(over, Some(ServerEvent::Unpublished));
    assert_eq!(rude.command("deleteStream", &[]), Ok(None));
    let again = rude.command("publish", &["one".into()]).unwrap();
    assert!(matches!(again, Some(ServerEvent::Publish(_))));
}

#[test]
fn a_bomb_for_a_command_ends_the_session_and_one_for_metadata_is_passed_over() {
    let bomb = [3, 0, 1, b'a'].repeat(1000);
    let error = Rude::new().say(kind::COMMAND, &bomb);
    assert!(matches!(error, Err(ProtocolError::Command(_))), "{error:?}");
    let mut rude = Rude::new();
    rude.command("connect", &[]).unwrap();
    rude.command("publish", &["key".into()]).unwrap();
    rude.server.accept_publish();
    let event = rude.say(kind::DATA, &bomb).unwrap();
    assert!(matches!(event, Some(ServerEvent::UnreadableData(_))));
    assert!(rude.server.is_publishing());
    assert_eq!(rude.server.ignored(), 1);
}

#[test]
fn a_stranger_gets_no_memory_for_long_messages() {
    let mut rude = Rude::new();
    let long = vec![0; 65 << 10];
    rude.command("connect", &[]).unwrap();
    let error = rude.say(kind::VIDEO, &long);
    assert!(matches!(
        error,
        Err(ProtocolError::MessageSize { max: 65_536, .. })
    ));
    let mut publisher = Rude::new();
    publisher.command("connect", &[]).unwrap();
    publisher.command("publish", &["key".into()]).unwrap();
    publisher.server.accept_publish();
    let event = publisher.say(kind::VIDEO, &long).unwrap();
    assert!(matches!(event, Some(ServerEvent::Media(_))));
}

#[test]
fn who_asks_and_takes_no_answer_is_not_answered_without_end() {
    let mut rude = Rude::new();
    for number in 0..20_000_u32 {
        assert_eq!(rude.say(kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4]), Ok(None));
        let window = [&number.to_be_bytes()[..], &[2]].concat();
        assert_eq!(rude.say(kind::SET_PEER_BANDWIDTH, &window), Ok(None));
    }
    let waiting = rude.server.take_output().len();
    assert!(waiting < limits::ANSWER_BYTES_MAX + 100, "{waiting}");
    assert_eq!(rude.say(kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4]), Ok(None));
    let pong = rude.server.take_output();
    assert!(pong.ends_with(&[0, 7, 1, 2, 3, 4]));
}

#[test]
fn unknown_commands_are_answered_and_pings_returned() {
    let mut rude = Rude::new();
    assert_eq!(rude.command("whatever", &[]), Ok(None));
    assert!(rude.answers("NetConnection.Call.Failed"));
    assert_eq!(rude.say(kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4]), Ok(None));
    let pong = rude.server.take_output();
    assert!(pong.ends_with(&[0, 7, 1, 2, 3, 4]));
}
