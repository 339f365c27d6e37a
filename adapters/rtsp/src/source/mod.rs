//! A camera that is called.
//!
//! ```text
//! look up ─▶ DESCRIBE ─▶ SETUP each stream that can be carried ─▶ PLAY ─▶ frames ─▶ feed
//!    │          │             │                                    │        │
//!    └──────────┴─────────────┴──── an error says whose side ──────┴────────┘ none for 5 s
//! ```
//!
//! The protocol is retina's. What it leaves to us: which addresses may be called, one
//! timeline for all streams, decoding times, and an end to waiting.

mod clock;
mod decode_order;
mod phrases;
mod stream;

use core::future::Future;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{FutureExt as _, StreamExt as _};
use retina::client::{
    Credentials as RetinaLogin, Demuxed, Described, InitialSequenceNumberPolicy,
    InitialTimestampPolicy, PlayOptions, Session, SessionIdPolicy, SessionOptions, SetupOptions,
    TcpTransportOptions, TeardownPolicy, UdpTransportOptions,
};
use retina::codec::{CodecItem, FrameFormat, ParameterSetInsertion, aac, h26x};
use serde_json::{Value, json};
use tidegate_codecs::Codec;
use tidegate_engine::{
    BoxFuture, Connection, Ended, FeedWriter, Frame, RunError, SourceContext, SourceDriver,
    TransportFigures,
};
use tidegate_net::{Place, Policy, look_up};
use tidegate_units::Instant;
use tokio::time::{MissedTickBehavior, interval, timeout};
use url::Url;

use crate::settings::{Credentials, Transport};
use clock::Clock;
use phrases::{Login, Step};
use stream::Stream;

/// How long a camera may take for one answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(8);
/// How long it may take until the first frame: some wait for their next key frame.
const FIRST_FRAME_PATIENCE: Duration = Duration::from_secs(10);
/// How long it may be silent after that.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// Streams that are carried at once.
const STREAMS_MAX: usize = 8;
/// Streams of a description that are told about.
const STREAMS_SHOWN_MAX: usize = 16;
/// How long frames wait for the streams whose headers are not known yet.
const HEADERS_PATIENCE: Duration = Duration::from_secs(3);
/// How long frames of several streams wait until it is known what belongs together.
const REPORTS_PATIENCE: Duration = Duration::from_secs(3);
/// The most frames that wait for either.
const EARLY_FRAMES_MAX: usize = 1000;
/// How often figures are shown.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);
const USER_AGENT: &str = concat!("Tidegate/", env!("CARGO_PKG_VERSION"));

/// Frames as the engine has them.
const FORMAT: FrameFormat = FrameFormat {
    h26x_framing: h26x::Framing::AnnexB,
    parameter_set_insertion: ParameterSetInsertion::EachKeyFrame,
    aac_framing: aac::Framing::Raw,
};

/// A camera, ready to be called. One run is one call.
pub(crate) struct CameraSource {
    pub(crate) url: Url,
    pub(crate) transport: Transport,
    pub(crate) credentials: Option<Credentials>,
    /// It has played with these very settings.
    pub(crate) has_played: AtomicBool,
}

impl SourceDriver for CameraSource {
    fn kind(&self) -> &'static str {
        "rtsp"
    }

    fn mode(&self) -> &'static str {
        "caller"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let stop = context.stop.clone();
            tokio::select! {
                () = stop.cancelled() => Ok(Ended::Stopped),
                ended = self.call(&context) => ended,
            }
        })
    }
}

/// What has been agreed on with a camera.
struct Opened {
    demuxed: Demuxed,
    streams: Vec<Stream>,
    /// What it has, carried or not.
    offered: Vec<Value>,
    peer: SocketAddr,
}

/// Calls a camera until it plays, and hangs up: what of it would be carried. The fuzz targets
/// say by this what they like.
///
/// # Errors
/// Whatever ends a source's run so early.
#[doc(hidden)]
pub async fn rehearse(url: Url) -> Result<Vec<Codec>, RunError> {
    let camera = CameraSource {
        url,
        transport: Transport::Tcp,
        credentials: None,
        has_played: AtomicBool::new(false),
    };
    let opened = camera.open(&camera.at()).await?;
    Ok(opened.streams.iter().map(|stream| stream.codec).collect())
}

impl CameraSource {
    /// How the camera is named where people read it.
    fn at(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}"));
        format!("{host}{}", port.unwrap_or_default())
    }

    async fn call(&self, context: &SourceContext) -> Result<Ended, RunError> {
        let at = self.at();
        let report = &context.report;
        report.connection(Connection::Connecting, Some(format!("calling {at}")));
        let opened = self.open(&at).await?;
        self.has_played.store(true, Ordering::Relaxed);
        let (demuxed, streams) = (opened.demuxed, opened.streams);
        let receiving = Receiving {
            camera: self,
            at,
            context,
            clock: Clock::new(demuxed.streams().len(), leader(&streams)),
            writer: context.feed.frame_writer(),
            held: (streams.len() > 1).then(Vec::new),
            early: Vec::new(),
            began: context.clock.now(),
            last: None,
            is_told: false,
            peer: opened.peer,
            offered: opened.offered,
            streams,
        };
        receiving.run(demuxed).await
    }

    /// From its description to the moment before its first packet.
    async fn open(&self, at: &str) -> Result<Opened, RunError> {
        let (mut session, peer) = self.describe(at).await?;
        let (mut streams, offered) = self.set_up(at, &mut session).await?;
        let playing = session.play(
            PlayOptions::default()
                .initial_timestamp(InitialTimestampPolicy::Permissive)
                // Servers name numbers that their first packet does not have.
                .initial_seq(InitialSequenceNumberPolicy::Ignore),
        );
        let playing = self.in_time(at, Step::Play, playing).await?;
        let demuxed = playing
            .demuxed()
            .map_err(|error| self.failed(at, Step::Setup, &error))?;
        for stream in &mut streams {
            let parameters = demuxed.streams()[stream.index].parameters();
            stream.learn(parameters);
        }
        Ok(Opened {
            demuxed,
            streams,
            offered,
            peer,
        })
    }

    /// Calls the addresses the camera has, one after the other.
    async fn describe(&self, at: &str) -> Result<(Session<Described>, SocketAddr), RunError> {
        let place = Place::of(&self.url)?;
        let addresses = look_up(&place, Policy::WRITTEN, ANSWER_PATIENCE).await?;
        let mut failed = None;
        for address in addresses {
            let mut url = self.url.clone();
            // What was judged is connected to: the library would look a name up again.
            if url.set_ip_host(address.ip()).is_err() {
                continue;
            }
            let described = Session::describe(url, self.options());
            match self.in_time(at, Step::Describe, described).await {
                Ok(session) => return Ok((session, address)),
                Err(error) if !error.retry => return Err(error),
                Err(error) => failed = Some(error),
            }
        }
        let nowhere = || phrases::late(at, Step::Describe, ANSWER_PATIENCE);
        Err(failed.unwrap_or_else(nowhere))
    }

    fn options(&self) -> SessionOptions {
        let login = self.credentials.as_ref().map(|known| RetinaLogin {
            username: known.username.clone(),
            password: known.password.expose().to_owned(),
        });
        SessionOptions::default()
            .creds(login)
            .user_agent(USER_AGENT.to_owned())
            // A farewell may be sent over a new connection, to an address of the camera's
            // choice that nobody has judged. Hanging up says enough.
            .teardown(TeardownPolicy::Never)
            .session_id(SessionIdPolicy::UseFirst)
    }

    /// Asks for every stream that can be carried; what the others are.
    async fn set_up(
        &self,
        at: &str,
        session: &mut Session<Described>,
    ) -> Result<(Vec<Stream>, Vec<Value>), RunError> {
        let mut streams: Vec<Stream> = Vec::new();
        let mut offered = Vec::new();
        let mut names = Vec::new();
        for (index, stream) in session.streams().iter().enumerate() {
            let (media, encoding) = (stream.media(), stream.encoding_name());
            let codec = stream::codec(media, encoding);
            let carried = codec.filter(|_| streams.len() < STREAMS_MAX);
            if index < STREAMS_SHOWN_MAX {
                let (media, encoding) = (phrases::name(media), phrases::name(encoding));
                names.push(format!("{media}/{encoding}"));
                offered.push(json!({
                    "media": media,
                    "encoding": encoding,
                    "clock_hz": stream.clock_rate_hz(),
                    "carried": carried.is_some(),
                }));
            }
            if let Some(codec) = carried {
                let number = streams.len() as u16;
                streams.push(Stream::new(index, number, codec));
            }
        }
        if streams.is_empty() {
            return Err(phrases::nothing_carried(at, &names));
        }
        for stream in &streams {
            let options = SetupOptions::default()
                .transport(self.lower_transport())
                .frame_format(FORMAT);
            let set_up = session.setup(stream.index, options);
            self.in_time(at, Step::Setup, set_up).await?;
        }
        Ok((streams, offered))
    }

    fn lower_transport(&self) -> retina::client::Transport {
        match self.transport {
            Transport::Tcp => retina::client::Transport::Tcp(TcpTransportOptions::default()),
            Transport::Udp => retina::client::Transport::Udp(UdpTransportOptions::default()),
        }
    }

    async fn in_time<T>(
        &self,
        at: &str,
        step: Step,
        answer: impl Future<Output = Result<T, retina::Error>>,
    ) -> Result<T, RunError> {
        match timeout(ANSWER_PATIENCE, guarded(answer)).await {
            Ok(Some(Ok(answer))) => Ok(answer),
            Ok(Some(Err(error))) => Err(self.failed(at, step, &error)),
            Ok(None) => Err(phrases::nonsense(at, step)),
            Err(_) => Err(phrases::late(at, step, ANSWER_PATIENCE)),
        }
    }

    fn failed(&self, at: &str, step: Step, error: &retina::Error) -> RunError {
        let login = if self.has_played.load(Ordering::Relaxed) {
            Login::Worked
        } else if self.credentials.is_some() {
            Login::Untried
        } else {
            Login::Missing
        };
        phrases::failed(at, step, login, error)
    }
}

/// What the library answers; `None` where it panicked. Its parser of descriptions does so at
/// some nonsense (sdp-types 0.1.8). Nothing of ours runs within, so no lock is held and no state
/// left half changed; and the call ends, so that nothing of the library's is used again.
async fn guarded<T>(answer: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(answer).catch_unwind().await.ok()
}

/// The stream whose time the others follow: the first with pictures.
fn leader(streams: &[Stream]) -> usize {
    let video = streams.iter().find(|stream| stream.is_video());
    video.or(streams.first()).map_or(0, |stream| stream.index)
}

/// A camera that plays.
struct Receiving<'a> {
    camera: &'a CameraSource,
    at: String,
    context: &'a SourceContext,
    streams: Vec<Stream>,
    clock: Clock,
    writer: FeedWriter<Frame>,
    /// What came before it was known what belongs together.
    held: Option<Vec<(CodecItem, Instant)>>,
    /// What came before all headers were known.
    early: Vec<Frame>,
    began: Instant,
    last: Option<Instant>,
    /// The feed knows the tracks.
    is_told: bool,
    peer: SocketAddr,
    offered: Vec<Value>,
}

impl Receiving<'_> {
    async fn run(mut self, mut demuxed: Demuxed) -> Result<Ended, RunError> {
        let peer = Some(self.peer.to_string());
        self.context.report.connected(peer);
        let mut tick = interval(REPORT_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let item = tokio::select! {
                item = guarded(demuxed.next()) => item,
                _ = tick.tick() => {
                    self.show();
                    self.watch()?;
                    continue;
                }
            };
            match item {
                Some(Some(Ok(item))) => self.hold_or_take(item, &demuxed),
                Some(Some(Err(error))) => {
                    return Err(self.camera.failed(&self.at, Step::Receive, &error));
                }
                Some(None) => return Ok(Ended::ByPeer),
                None => return Err(phrases::nonsense(&self.at, Step::Receive)),
            }
            if !self.writer.seal() {
                // Another run writes this feed now.
                return Ok(Ended::Stopped);
            }
        }
    }

    /// A camera that sends nothing any more is an error, whatever its connection does.
    fn watch(&self) -> Result<(), RunError> {
        let now = self.context.clock.now();
        let is_udp = self.camera.transport == Transport::Udp;
        match self.last {
            Some(last) if now.saturating_since(last) > SILENCE_MAX => {
                let since = now.saturating_since(last);
                Err(phrases::silent(&self.at, Some(since), is_udp))
            }
            None if now.saturating_since(self.began) > FIRST_FRAME_PATIENCE => {
                Err(phrases::silent(&self.at, None, is_udp))
            }
            _ => Ok(()),
        }
    }

    fn hold_or_take(&mut self, item: CodecItem, demuxed: &Demuxed) {
        let now = self.context.clock.now();
        if let CodecItem::Rtcp(packet) = &item {
            self.heed(packet);
        } else {
            self.last = Some(now);
        }
        let Some(held) = &mut self.held else {
            return self.take(item, now, demuxed);
        };
        held.push((item, now));
        let first = held.first().map_or(now, |(_, first)| *first);
        let is_long =
            held.len() >= EARLY_FRAMES_MAX || now.saturating_since(first) >= REPORTS_PATIENCE;
        let streams = self.streams.iter().map(|stream| stream.index);
        if is_long || self.clock.is_certain(streams) {
            for (item, came) in self.held.take().unwrap_or_default() {
                self.take(item, came, demuxed);
            }
        }
    }

    fn take(&mut self, item: CodecItem, now: Instant, demuxed: &Demuxed) {
        match item {
            CodecItem::VideoFrame(picture) => {
                let Some(at) = self.position(picture.stream_id()) else {
                    return;
                };
                let stamp = stream::stamp(picture.timestamp());
                let pts = self.clock.place(picture.stream_id(), stamp, now);
                let (frame, is_new) = self.streams[at].picture(picture, pts, now);
                self.pass(frame, is_new, now);
            }
            CodecItem::AudioFrame(sound) => {
                let Some(at) = self.position(sound.stream_id()) else {
                    return;
                };
                let stamp = stream::stamp(sound.timestamp());
                let pts = self.clock.place(sound.stream_id(), stamp, now);
                let stream = &mut self.streams[at];
                let was_known = stream.is_known();
                if !was_known && !stream.learn(demuxed.streams()[sound.stream_id()].parameters()) {
                    return;
                }
                let frame = stream.sound(&sound, pts, now);
                self.pass(frame, !was_known, now);
            }
            _ => {}
        }
    }

    fn position(&self, stream_id: usize) -> Option<usize> {
        self.streams
            .iter()
            .position(|stream| stream.index == stream_id)
    }

    /// A sender report says what time it is for a stream.
    fn heed(&mut self, packet: &retina::rtcp::ReceivedCompoundPacket) {
        let first = packet.pkts().next();
        let report = first.and_then(|first| first.as_sender_report().ok().flatten());
        let (Some(report), Some(timestamp)) = (report, packet.rtp_timestamp()) else {
            return;
        };
        let (stream_id, ntp) = (packet.stream_id(), report.ntp_timestamp().0);
        if self.clock.report(stream_id, ntp, stream::stamp(timestamp)) {
            for stream in self.streams.iter_mut().filter(|stream| !stream.is_video()) {
                stream.moved();
            }
        }
    }

    /// Hands a frame to the feed, once the feed can be told what its tracks are.
    fn pass(&mut self, frame: Option<Frame>, tracks_changed: bool, now: Instant) {
        if !self.is_told {
            self.early.extend(frame);
            let waited = now.saturating_since(self.began);
            let all_known = self.streams.iter().all(Stream::is_known);
            let has_waited = waited >= HEADERS_PATIENCE || self.early.len() >= EARLY_FRAMES_MAX;
            if all_known || (has_waited && !self.early.is_empty()) {
                self.tell();
                for frame in core::mem::take(&mut self.early) {
                    self.writer.push(frame);
                }
            }
            return;
        }
        if tracks_changed {
            self.tell();
        }
        if let Some(frame) = frame {
            self.writer.push(frame);
        }
    }

    fn tell(&mut self) {
        self.is_told = true;
        let known = self.streams.iter().filter(|stream| stream.is_known());
        self.writer.set_tracks(known.map(Stream::track).collect());
    }

    fn show(&self) {
        let sum = |figure: fn(&Stream) -> u64| self.streams.iter().map(figure).sum::<u64>();
        let (frames, lost) = (
            sum(|stream| stream.frames),
            sum(|stream| stream.lost_packets),
        );
        self.context.report.transport(TransportFigures {
            received: frames,
            lost,
            unrecovered: lost,
            ..TransportFigures::default()
        });
        let detail = json!({
            "transport": self.camera.transport.name(),
            "streams": self.offered,
            "frames": frames,
            "lost_packets": lost,
        });
        self.context.report.detail("rtsp", detail);
    }
}
