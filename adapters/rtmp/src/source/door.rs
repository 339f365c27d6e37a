use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_engine::{Clock, Connection, Feed, SourceContext, SourceReport, TransportFigures};
use tidegate_net::TcpFigures;
use tidegate_rtmp::{AmfError, Data, Media, PeerCapabilities};
use tidegate_units::Instant;
use tokio::time::sleep;

use super::ingest::Ingest;
use super::shown::Shown;
use crate::key::KeyPrint;
use crate::limits::{TAKEOVER_LOOK, TAKEOVER_SILENCE};

/// Where publishers of one source come in.
pub(crate) struct Door {
    pub(crate) name: Arc<str>,
    pub(crate) app: Option<String>,
    pub(crate) key: KeyPrint,
    feed: Feed,
    report: SourceReport,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    live: Option<Arc<Session>>,
    /// The source is gone.
    is_closed: bool,
}

/// Who publishes.
struct Session {
    peer: SocketAddr,
    /// When bytes came last, in microseconds of the monotonic clock.
    heard: AtomicU64,
}

/// What is known of somebody who wants to publish.
pub(crate) struct Publisher {
    pub(crate) peer: SocketAddr,
    /// The application, as far as it may be shown.
    pub(crate) app: String,
    /// The program, as it calls itself.
    pub(crate) program: Option<String>,
    pub(crate) enhanced: Option<PeerCapabilities>,
    /// The version of TLS, if any.
    pub(crate) tls: Option<&'static str>,
}

impl Door {
    pub(super) fn new(app: Option<String>, key: KeyPrint, context: &SourceContext) -> Arc<Self> {
        Arc::new(Self {
            name: Arc::clone(&context.name),
            app,
            key,
            feed: context.feed.clone(),
            report: context.report.clone(),
            place: Mutex::default(),
        })
    }

    /// Lets a publisher in, at once or when it is clear that the one before is gone; else
    /// says who publishes; nobody does where the source is gone.
    pub(crate) async fn enter(
        self: Arc<Self>,
        publisher: Publisher,
    ) -> Result<Publishing, Option<SocketAddr>> {
        let asked = Clock::start().now();
        loop {
            let holder = {
                let mut place = self.place();
                let now = Clock::start().now();
                let live = place.live.as_ref().filter(|live| !live.is_silent(now));
                match live {
                    _ if place.is_closed => return Err(None),
                    None => return Ok(self.begin(&mut place, publisher, now)),
                    Some(live) => live.heard_since(asked).then_some(live.peer),
                }
            };
            match holder {
                Some(holder) => return Err(Some(holder)),
                None => sleep(TAKEOVER_LOOK).await,
            }
        }
    }

    fn begin(
        self: &Arc<Self>,
        place: &mut Place,
        publisher: Publisher,
        now: Instant,
    ) -> Publishing {
        let session = Arc::new(Session {
            peer: publisher.peer,
            heard: AtomicU64::new(now.as_micros()),
        });
        place.live = Some(Arc::clone(&session));
        let shown = Arc::new(Shown::new(&publisher));
        let describing = Arc::clone(&shown);
        self.report
            .detail_when_asked("rtmp", move || describing.describe());
        self.report.connected(Some(publisher.peer.to_string()));
        Publishing {
            door: Arc::clone(self),
            session,
            ingest: Ingest::new(self.feed.frame_writer(), shown),
        }
    }

    /// Nobody comes in any more, and who is in goes.
    pub(super) fn close(&self) {
        let mut place = self.place();
        place.is_closed = true;
        place.live = None;
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn heard_at(&self) -> Instant {
        Instant::from_micros(self.heard.load(Ordering::Relaxed))
    }

    fn is_silent(&self, now: Instant) -> bool {
        now.saturating_since(self.heard_at()) >= TAKEOVER_SILENCE
    }

    fn heard_since(&self, asked: Instant) -> bool {
        self.heard_at().saturating_since(asked) > Duration::ZERO
    }
}

/// A publisher that was let in; what it sends goes to the feed.
pub(crate) struct Publishing {
    door: Arc<Door>,
    session: Arc<Session>,
    ingest: Ingest,
}

impl Publishing {
    pub(crate) fn media(&mut self, media: &Media, now: Instant) {
        self.ingest.media(media, now);
    }

    pub(crate) fn data(&mut self, data: &Data) {
        self.ingest.data(data);
    }

    pub(crate) fn unreadable(&self, error: &AmfError) {
        self.ingest.unreadable(error);
    }

    /// One read of the socket has been taken: what it brought is handed on.
    pub(crate) fn end_of_turn(&mut self, byte_count: usize, now: Instant, ignored: u64) {
        self.session.heard.store(now.as_micros(), Ordering::Relaxed);
        self.ingest.end_of_turn(byte_count, ignored);
    }

    /// Whether nobody else has taken its place.
    pub(crate) fn is_current(&self) -> bool {
        let place = self.door.place();
        let mut live = place.live.iter();
        live.any(|live| Arc::ptr_eq(live, &self.session))
    }

    /// Passes on how the connection is doing.
    pub(crate) fn report(&self, figures: Option<TcpFigures>) {
        let rtt = figures.map(|figures| figures.round_trip);
        self.ingest.round_trip(rtt);
        self.door.report.transport(TransportFigures {
            rtt,
            received: self.ingest.message_count(),
            ..TransportFigures::default()
        });
    }

    /// The connection is over.
    pub(crate) fn leave(self, why: &str) {
        let mut place = self.door.place();
        let is_mine = |live: &mut Arc<Session>| Arc::ptr_eq(live, &self.session);
        if place.live.take_if(is_mine).is_some() {
            // Told before the next one can come in and be told.
            let why = Some(why.to_owned());
            self.door.report.connection(Connection::Disconnected, why);
        }
    }
}
