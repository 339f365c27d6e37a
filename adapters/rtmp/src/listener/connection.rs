//! One connection, from the first byte to the last.
//!
//! ```text
//!  greeting ──▶ opening ──publish, accepted──▶ publishing ──goodbye──▶ opening
//!     │ 5 s        │ 10 s    │ refused             │ 30 s of silence, end, garbage
//!     └────────────┴─────────┴──────▶ closed ◀─────┘
//! ```

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_engine::{Clock, Ticket};
use tidegate_rtmp::{ConnectInfo, ProtocolError, PublishRequest, ServerEvent, ServerSession};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use super::Listening;
use super::guests::Guest;
use super::refusal::{self, Refusal};
use super::stream::Stream;
use super::table::Wanted;
use crate::limits::{
    HANDSHAKE_TIME, PUBLISH_TIME, READ_BYTES, REFUSAL_DELAY, REPORT_INTERVAL, SILENCE_MAX,
};
use crate::source::{CAPABILITIES, Publisher, Publishing};

/// Serves one connection until it ends or is sent away.
pub(super) async fn serve(
    listening: Arc<Listening>,
    tcp: TcpStream,
    peer: SocketAddr,
    guest: Guest,
    pending: Ticket,
) {
    let begun = Instant::now();
    let tls = listening.certificate.load_full();
    let tls = tls.map(|certificate| certificate.config());
    let is_tls = tls.is_some();
    let greeting = timeout_at(begun + HANDSHAKE_TIME, Stream::greet(tcp, tls));
    let greeted = tokio::select! {
        greeted = greeting => greeted,
        () = guest.sent_away.cancelled() => return,
    };
    let stream = match greeted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => {
            return listening.counters.silent.one();
        }
        Ok(Err(error)) => {
            listening.counters.tls_failed.one();
            let advice = "Write rtmps:// in the encoder; if it does not trust the certificate, \
                          use one of a public authority.";
            let refusal = Refusal::new("tls_failed", advice).received(error.to_string());
            return listening.reject(peer, None, refusal);
        }
        Err(_) => return late(&listening, peer, "the TLS handshake"),
    };
    let mut visit = Visit {
        session: ServerSession::new(RandomState::new().build_hasher().finish(), CAPABILITIES),
        listening,
        peer,
        stream,
        is_tls,
        pending: Some(pending),
        info: None,
        publishing: None,
        deadline: begun + HANDSHAKE_TIME,
        reported: begun,
        arrived: Clock::start().now(),
        has_spoken: false,
    };
    let over = tokio::select! {
        over = visit.talk() => over,
        () = guest.sent_away.cancelled() => Over::SentAway,
    };
    visit.end(over).await;
}

/// A connection that was greeted.
struct Visit {
    listening: Arc<Listening>,
    peer: SocketAddr,
    stream: Stream,
    is_tls: bool,
    session: ServerSession,
    /// Its place among those that do not publish.
    pending: Option<Ticket>,
    info: Option<ConnectInfo>,
    publishing: Option<Publishing>,
    /// When something must have happened.
    deadline: Instant,
    reported: Instant,
    /// When the bytes came that are being taken.
    arrived: tidegate_units::Instant,
    has_spoken: bool,
}

/// Why a connection is over.
enum Over {
    /// The peer closed it.
    Closed,
    Broken(io::Error),
    Malformed(ProtocolError),
    Late,
    /// The peer was told no.
    Refused,
    /// Somebody else publishes in its place, or the source is gone.
    Replaced,
    SentAway,
}

impl Visit {
    async fn talk(&mut self) -> Over {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = match self.read(&mut buffer).await {
                Ok(count) => count,
                Err(over) => return over,
            };
            self.has_spoken = true;
            self.arrived = Clock::start().now();
            self.listening.counters.received_bytes.add(count as u64);
            let mut input = &buffer[..count];
            let was_open = self.session.is_open();
            loop {
                match self.session.read(&mut input) {
                    Ok(Some(event)) => {
                        if let Err(over) = self.take(event).await {
                            return over;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return Over::Malformed(error),
                }
            }
            if self.session.is_open() && !was_open {
                self.deadline = Instant::now() + PUBLISH_TIME;
            }
            if let Err(over) = self.turn_over(count).await {
                return over;
            }
        }
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Over> {
        loop {
            // A publisher's figures are passed on also while nothing comes.
            let wake = match &self.publishing {
                Some(_) => self.deadline.min(self.reported + REPORT_INTERVAL),
                None => self.deadline,
            };
            match timeout_at(wake, self.stream.read(buffer)).await {
                Ok(Ok(0)) => return Err(Over::Closed),
                Ok(Ok(count)) => return Ok(count),
                Ok(Err(error)) => return Err(Over::Broken(error)),
                Err(_) if Instant::now() >= self.deadline => return Err(Over::Late),
                Err(_) => self.report()?,
            }
        }
    }

    /// What one read brought goes to the feed, and answers to the peer.
    async fn turn_over(&mut self, count: usize) -> Result<(), Over> {
        if let Some(publishing) = &mut self.publishing {
            self.deadline = Instant::now() + SILENCE_MAX;
            publishing.end_of_turn(count, self.arrived, self.session.ignored());
        }
        self.report()?;
        let answers = self.session.take_output();
        if answers.is_empty() {
            return Ok(());
        }
        self.stream.write(&answers).await.map_err(Over::Broken)
    }

    /// Passes on how the connection is doing, now and then.
    fn report(&mut self) -> Result<(), Over> {
        let now = Instant::now();
        let Some(publishing) = &self.publishing else {
            return Ok(());
        };
        if !publishing.is_current() {
            return Err(Over::Replaced);
        }
        if now >= self.reported + REPORT_INTERVAL {
            self.reported = now;
            publishing.report(self.stream.figures());
        }
        Ok(())
    }

    async fn take(&mut self, event: ServerEvent) -> Result<(), Over> {
        match event {
            ServerEvent::Connected(info) => self.info = Some(info),
            ServerEvent::Publish(request) => self.admit(&request).await?,
            ServerEvent::Media(media) => {
                if let Some(publishing) = &mut self.publishing {
                    publishing.media(&media, self.arrived);
                }
            }
            ServerEvent::Data(data) => {
                if let Some(publishing) = &mut self.publishing {
                    publishing.data(&data);
                }
            }
            ServerEvent::UnreadableData(error) => {
                if let Some(publishing) = &mut self.publishing {
                    publishing.unreadable(&error);
                }
            }
            ServerEvent::Unpublished => {
                if let Some(publishing) = self.publishing.take() {
                    publishing.leave("the encoder stopped publishing");
                }
                self.deadline = Instant::now() + PUBLISH_TIME;
            }
            ServerEvent::PlayRefused => {
                let advice = "This listener takes publishers. To play, use another output.";
                self.refused(None, Refusal::new("not_a_publisher", advice));
                return self.send_away().await;
            }
        }
        Ok(())
    }

    /// Lets somebody publish, or tells him no.
    async fn admit(&mut self, request: &PublishRequest) -> Result<(), Over> {
        let app = self.info.as_ref().map_or("", |info| &info.app);
        let wanted = Wanted::new(app, request.key.expose());
        let found = self.listening.table().find(&wanted);
        let entered = match Refusal::unless_found(found) {
            Ok(door) => {
                let publisher = Publisher {
                    peer: self.peer,
                    app: app.split(['?', '/']).next().unwrap_or_default().to_owned(),
                    program: self.info.as_ref().map(|info| info.flash_version.clone()),
                    enhanced: self.info.as_ref().and_then(|info| info.enhanced.clone()),
                    tls: self.stream.tls_version(),
                };
                let entered = door.enter(publisher).await;
                entered.map_err(Refusal::taken)
            }
            Err(refusal) => Err(refusal),
        };
        match entered {
            Ok(publishing) => {
                self.session.accept_publish();
                self.publishing = Some(publishing);
                self.pending = None;
                self.listening.counters.published.one();
                self.deadline = Instant::now() + SILENCE_MAX;
                Ok(())
            }
            Err(refusal) => {
                let (spoken, words) = refusal::spoken(&refusal);
                self.session.refuse_publish(spoken, words);
                self.refused(Some(&wanted), refusal);
                self.send_away().await
            }
        }
    }

    fn refused(&self, wanted: Option<&Wanted>, refusal: Refusal) {
        self.listening.counters.refused.one();
        self.listening.reject(self.peer, wanted, refusal);
    }

    /// Gives the answer after a while, so that keys are not tried at speed.
    async fn send_away(&mut self) -> Result<(), Over> {
        sleep(REFUSAL_DELAY).await;
        let answers = self.session.take_output();
        self.stream.write(&answers).await.map_err(Over::Broken)?;
        Err(Over::Refused)
    }

    async fn end(mut self, over: Over) {
        let why = self.why(&over);
        if matches!(over, Over::Replaced | Over::SentAway | Over::Malformed(_)) {
            self.session.end_publish(&why);
            // It may be gone; then it needs no explanation.
            let _ = self.stream.write(&self.session.take_output()).await;
        }
        match self.publishing.take() {
            Some(publishing) => {
                if let Over::Malformed(error) = &over {
                    self.listening.counters.malformed.one();
                    let refusal = Refusal::malformed(error, self.is_tls);
                    self.listening.reject(self.peer, None, refusal);
                }
                publishing.leave(&why);
            }
            None => self.journal(&over),
        }
        self.stream.close().await;
    }

    /// What the source shows as the reason.
    fn why(&self, over: &Over) -> String {
        match over {
            Over::Closed => "the encoder closed the connection".into(),
            Over::Broken(error) => format!("the connection broke: {error}"),
            Over::Malformed(error) => error.to_string(),
            Over::Late => {
                let seconds = SILENCE_MAX.as_secs();
                format!("nothing came from the encoder for {seconds} s")
            }
            Over::Refused | Over::Replaced => {
                "another publisher took over, or the source was removed".into()
            }
            Over::SentAway => "the connection was closed here".into(),
        }
    }

    /// Tells of a connection that came to nothing.
    fn journal(&self, over: &Over) {
        let listening = &self.listening;
        match over {
            Over::Malformed(error) => {
                listening.counters.malformed.one();
                let refusal = Refusal::malformed(error, self.is_tls);
                listening.reject(self.peer, None, refusal);
            }
            Over::Late if !self.session.is_open() => late(listening, self.peer, "the handshake"),
            Over::Late => late(listening, self.peer, "the publishing"),
            Over::Closed | Over::Broken(_) if !self.has_spoken => listening.counters.silent.one(),
            // It left, or was told why.
            _ => {}
        }
    }
}

fn late(listening: &Listening, peer: SocketAddr, what: &str) {
    listening.counters.timed_out.one();
    let advice = "Check the encoder's network. If it is not yours, ban its address.";
    let refusal = Refusal::new("timeout", advice);
    listening.reject(
        peer,
        None,
        refusal.received(format!("{what} took too long")),
    );
}
