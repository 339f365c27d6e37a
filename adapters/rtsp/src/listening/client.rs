//! One connection: requests in, answers and media out, in one task.
//!
//! ```text
//!            ┌─ bytes ─▶ Connection ─▶ asks ─▶ house, door, player ─▶ answers ─┐
//!  select! ──┼─ a batch of frames ─▶ player ─▶ packets ────────────────────────┼─▶ sent
//!            └─ tick: alive? banned? closing? ─────────────────────────────────┘
//! ```
//!
//! While something is being sent nothing is read and no frame is taken: a player that takes
//! its media slowly fills its own queue alone, which then goes on at a key frame.

use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_engine::{Frame, Reader, ReaderOptions};
use tidegate_rtsp::{
    Access, Ask, Connection, Denied, Description, Lower, Medium as Described,
    SESSION_TIMEOUT_SECONDS, SetUp,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Port;
use super::datagrams::Listed;
use super::outgoing::Outgoing;
use crate::door::{Door, Ticket};
use crate::offer::{self, Offer};
use crate::player::{Beginning, Medium, Player};

/// How long somebody may take until it is let in to an output.
const ADMISSION_PATIENCE: Duration = Duration::from_secs(15);
/// Sessions without a sign of life end a little after what they were told.
const SESSION_GRACE: Duration = Duration::from_secs(5);
/// Batches of frames waiting: a few seconds of any feed.
const QUEUE_BATCHES: usize = 1024;
/// Bytes of frames waiting: four seconds at 32 Mbit/s.
const QUEUE_BYTES: usize = 16 << 20;
const READ_BYTES: usize = 4096;
const TICK: Duration = Duration::from_millis(500);
/// Ports below are never media players', but may be somebody else's behind the same address.
const FIRST_CLIENT_PORT: u16 = 1024;

/// Why a connection ends; for the journal, where a player was served.
type Why = String;

pub(super) struct Client {
    peer: SocketAddr,
    port: Arc<Port>,
    stream: Option<TcpStream>,
    connection: Connection,
    /// The output that was asked for last, and may be had.
    door: Option<Arc<Door>>,
    offer: Option<(Offer, Vec<u8>)>,
    media: Vec<Medium>,
    session: u64,
    served: Option<Served>,
    /// It counts as one that nobody has let in yet.
    is_pending: bool,
    /// All places were taken before it played.
    is_crowded: bool,
    began: Instant,
    last_alive: Instant,
    /// Its reports come.
    alive: Arc<AtomicBool>,
    listed: Vec<Listed>,
    outgoing: Outgoing,
}

/// A player that gets its media.
struct Served {
    player: Player,
    reader: Reader<Frame>,
    door: Arc<Door>,
    lost: u64,
    /// Let go last: then the output knows that nothing is left.
    ticket: Ticket,
}

impl Client {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr, port: Arc<Port>) -> Self {
        let nonces = port.nonces.clone();
        port.counters.pending.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        Self {
            connection: Connection::new(peer.ip(), nonces),
            peer,
            port,
            stream: Some(stream),
            door: None,
            offer: None,
            media: Vec::new(),
            session: 0,
            served: None,
            is_pending: true,
            is_crowded: false,
            began: now,
            last_alive: now,
            alive: Arc::default(),
            listed: Vec::new(),
            outgoing: Outgoing::default(),
        }
    }

    pub(super) async fn run(mut self) {
        let Some(stream) = self.stream.take() else {
            return;
        };
        let _ = stream.set_nodelay(true);
        let local = stream
            .local_addr()
            .map_or(self.peer.ip(), |local| local.ip().to_canonical());
        let (mut read, mut written) = stream.into_split();
        let why = self.serve(&mut read, &mut written, local).await;
        if let Some(path) = self.connection.unanswered_challenge() {
            let path = path.to_owned();
            self.port
                .counters
                .no_password
                .fetch_add(1, Ordering::Relaxed);
            let advice = "Give the player the output's user name and password";
            self.port
                .reject(self.peer, &path, "password_required", advice);
        }
        if let Some(served) = &mut self.served {
            served.player.goodbye(&mut self.outgoing);
            served.ticket.reason = why;
            let datagrams = &self.port.datagrams;
            if !self.outgoing.is_torn() {
                // A farewell that does not go through at once is not worth waiting for.
                let farewell = self.outgoing.send(&[], &mut written, datagrams, self.peer);
                let _ = tokio::time::timeout(TICK, farewell).await;
            }
        }
    }

    async fn serve(
        &mut self,
        read: &mut OwnedReadHalf,
        written: &mut tokio::net::tcp::OwnedWriteHalf,
        local: std::net::IpAddr,
    ) -> Why {
        let closing = self.port.closing.clone();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let leaving = self.door.as_ref().map(|door| door.closing.clone());
            let happened = tokio::select! {
                () = closing.cancelled() => return "the listener closes".into(),
                () = cancelled(leaving) => return "the output stops".into(),
                happened = self.step(read, written, &mut buffer, &mut tick, local) => happened,
            };
            if let Err(why) = happened {
                return why;
            }
        }
    }

    /// Waits for the next thing, and does it.
    async fn step(
        &mut self,
        read: &mut OwnedReadHalf,
        written: &mut tokio::net::tcp::OwnedWriteHalf,
        buffer: &mut [u8],
        tick: &mut tokio::time::Interval,
        local: std::net::IpAddr,
    ) -> Result<(), Why> {
        tokio::select! {
            count = read.read(buffer) => match count {
                Ok(0) => return Err("it left".into()),
                Ok(count) => self.receive(&buffer[..count], local).await?,
                Err(error) => return Err(format!("its connection broke: {error}")),
            },
            batch = next_batch(self.served.as_mut()) => {
                let Some(served) = &mut self.served else {
                    return Ok(());
                };
                let gap = served.reader.gap();
                if served.player.take(&batch, gap, &mut self.outgoing).is_err() {
                    return Err("the source's tracks changed; it has to ask for them again".into());
                }
                served.count_losses();
            }
            _ = tick.tick() => self.look_after()?,
        }
        let answers = self.connection.take_output();
        let datagrams = &self.port.datagrams;
        let sent = self
            .outgoing
            .send(&answers, written, datagrams, self.peer)
            .await;
        let sent = sent.ok_or_else(|| "it takes nothing any more".to_owned())?;
        if let Some(served) = &self.served {
            served
                .ticket
                .seat
                .sent_bytes
                .fetch_add(sent, Ordering::Relaxed);
            served.door.report.delivered(sent);
        }
        if self.connection.is_over() || self.is_crowded {
            return Err("it was turned away".into());
        }
        Ok(())
    }

    async fn receive(&mut self, mut bytes: &[u8], local: std::net::IpAddr) -> Result<(), Why> {
        while !bytes.is_empty() && !self.connection.is_over() {
            let taken = self.connection.receive(bytes);
            bytes = &bytes[taken..];
            loop {
                match self.connection.next_ask() {
                    Ok(Some(ask)) => self.answer(ask, local).await,
                    Ok(None) => break,
                    Err(broken) => {
                        self.port.counters.malformed.fetch_add(1, Ordering::Relaxed);
                        return Err(format!("{broken}"));
                    }
                }
            }
            if self.connection.take_alive() {
                self.last_alive = Instant::now();
            }
        }
        Ok(())
    }

    async fn answer(&mut self, ask: Ask, local: std::net::IpAddr) {
        let mut next = Some(ask);
        while let Some(ask) = next.take() {
            match ask {
                Ask::Access { path } => next = self.admit(&path),
                Ask::Describe { .. } => self.describe(local).await,
                Ask::SetUp { medium, offer, .. } => {
                    let set_up = self.set_up(medium, offer.lower).await;
                    self.connection.set_up(set_up);
                }
                Ask::Play => self.play(),
                Ask::TearDown => self.tear_down(),
                Ask::Denied { path, why } => self.denied(&path, why),
            }
        }
    }

    /// Says who may have what is at a path.
    fn admit(&mut self, path: &str) -> Option<Ask> {
        let now_seconds = self.port.now_seconds();
        let door = self.port.house.find(path, &self.port.listener);
        let is_hidden = self.port.house.has_secrets(&self.port.listener);
        let credentials = door.as_ref().map(|door| door.credentials.clone());
        self.offer = None;
        self.door = door;
        match credentials {
            Some(None) => self.connection.access(Access::Open, now_seconds),
            Some(Some(known)) => {
                let access = Access::Password {
                    username: &known.username,
                    password: known.password.expose(),
                };
                self.connection.access(access, now_seconds)
            }
            // Where anything has a password, a stranger is not told what there is.
            None if is_hidden => {
                let nobody = self.port.nobody();
                let access = Access::Password {
                    username: &nobody,
                    password: &nobody,
                };
                self.connection.access(access, now_seconds)
            }
            None => self.connection.access(Access::Unknown, now_seconds),
        }
    }

    fn denied(&mut self, path: &str, why: Denied) {
        let counters = &self.port.counters;
        let is_known = self.door.take().is_some();
        match why {
            Denied::WrongPassword if is_known => {
                counters.wrong_password.fetch_add(1, Ordering::Relaxed);
                let advice = "Give the player the output's user name and password";
                self.port.reject(self.peer, path, "wrong_password", advice);
            }
            Denied::WrongPassword | Denied::UnknownPath => {
                counters.unknown_path.fetch_add(1, Ordering::Relaxed);
                let advice = "Check the path at the player, or add an RTSP output with it";
                self.port.reject(self.peer, path, "unknown_stream", advice);
            }
        }
    }

    async fn describe(&mut self, local: std::net::IpAddr) {
        let Some(door) = self.let_in() else {
            return self.connection.described(None);
        };
        let Some(offer) = offer::wait_for(&door).await else {
            return self.connection.described(None);
        };
        let media: Vec<Described<'_>> = offer
            .tracks
            .iter()
            .map(|track| Described {
                config: &track.config,
                clock_rate_hz: track.clock_rate_hz,
                language: track.language.as_deref(),
            })
            .collect();
        let description = Description::new(&door.name, random(), local, &media);
        self.connection.described(Some(&description));
        self.offer = Some((offer, description.payload_types));
    }

    /// The output that was asked for; from now on it is not a stranger any more.
    fn let_in(&mut self) -> Option<Arc<Door>> {
        let door = self.door.clone()?;
        self.settle();
        Some(door)
    }

    fn settle(&mut self) {
        if core::mem::take(&mut self.is_pending) {
            self.port.counters.pending.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn set_up(&mut self, medium: Option<usize>, lower: Lower) -> SetUp {
        let Some(door) = self.let_in() else {
            return SetUp::NoSuchMedium;
        };
        if self.offer.is_none() {
            let offer = offer::wait_for(&door).await;
            // Without a description, types are as a description would have them.
            self.offer = offer.map(|offer| {
                let types = (96..).take(offer.tracks.len()).collect();
                (offer, types)
            });
        }
        let Some((offer, types)) = &self.offer else {
            return SetUp::NoSuchMedium;
        };
        let index = match (medium, offer.tracks.len()) {
            (Some(index), _) => index,
            (None, 1) => 0,
            (None, _) => return SetUp::NoSuchMedium,
        };
        let (Some(track), Some(&payload_type)) = (offer.tracks.get(index), types.get(index)) else {
            return SetUp::NoSuchMedium;
        };
        if !door.has_room() {
            return SetUp::TooMany;
        }
        let is_taken = self
            .media
            .iter()
            .any(|known| known.index() == index || overlap(known.lower(), lower));
        let is_low = matches!(lower, Lower::Datagrams(media, reports)
            if media.min(reports) < FIRST_CLIENT_PORT);
        if is_taken || is_low {
            return SetUp::NotThatWay;
        }
        let bits = random();
        let beginning = Beginning {
            ssrc: (bits >> 32) as u32,
            sequence: bits as u16,
            timestamp: random() as u32,
        };
        let Some(medium) = Medium::new(index, track, payload_type, lower, beginning) else {
            return SetUp::NoSuchMedium;
        };
        self.media.push(medium);
        if self.session == 0 {
            self.session = random();
        }
        let server_ports = match lower {
            Lower::Interleaved(..) => None,
            Lower::Datagrams(_, reports) => {
                let from = SocketAddr::new(self.peer.ip(), reports);
                self.listed
                    .push(self.port.datagrams.list(from, &self.alive));
                Some(self.port.datagrams.ports())
            }
        };
        SetUp::Agreed {
            server_ports,
            ssrc: beginning.ssrc,
            session: self.session,
        }
    }

    fn play(&mut self) {
        let player = Player::new(core::mem::take(&mut self.media));
        let is_udp = player
            .media()
            .iter()
            .any(|one| matches!(one.lower(), Lower::Datagrams(..)));
        let transport = if is_udp { "udp" } else { "tcp" };
        let seat = self
            .door
            .as_ref()
            .and_then(|door| Some((Arc::clone(door), door.enter(self.peer, transport)?)));
        // Room may have gone since it was set up; then nothing comes, and it leaves.
        self.connection.played(&player.beginnings());
        let Some((door, ticket)) = seat else {
            self.is_crowded = true;
            return;
        };
        let reader = door.route.read_frames(ReaderOptions {
            max_batches: QUEUE_BATCHES,
            max_bytes: QUEUE_BYTES,
            ..ReaderOptions::default()
        });
        self.served = Some(Served {
            ticket,
            player,
            reader,
            door,
            lost: 0,
        });
    }

    fn tear_down(&mut self) {
        if let Some(mut served) = self.served.take() {
            served.ticket.reason = "it said goodbye".to_owned();
        }
        self.media.clear();
        self.listed.clear();
        self.session = 0;
    }

    /// Ends what nobody is behind any more.
    fn look_after(&mut self) -> Result<(), Why> {
        if self.port.house.is_banned(self.peer.ip()) {
            self.port.counters.banned.fetch_add(1, Ordering::Relaxed);
            return Err("its address was banned".into());
        }
        if self.alive.swap(false, Ordering::Relaxed) {
            self.last_alive = Instant::now();
        }
        let timeout = Duration::from_secs(SESSION_TIMEOUT_SECONDS) + SESSION_GRACE;
        // Media that go through the connection are acknowledged by whoever gets them.
        let needs_signs = match &self.served {
            Some(served) => {
                let media = served.player.media();
                media
                    .iter()
                    .any(|one| matches!(one.lower(), Lower::Datagrams(..)))
            }
            None => true,
        };
        let is_late = self.is_pending && self.began.elapsed() > ADMISSION_PATIENCE;
        if is_late || (needs_signs && self.last_alive.elapsed() > timeout) {
            self.port.counters.timed_out.fetch_add(1, Ordering::Relaxed);
            return Err("it gave no sign of life".into());
        }
        Ok(())
    }
}

impl Served {
    /// What the queue lost, and what was passed over after that.
    fn count_losses(&mut self) {
        let lost = self.reader.lost();
        let more = lost - self.lost + self.player.take_skipped();
        self.lost = lost;
        if more > 0 {
            self.door.report.lost(more);
            self.ticket
                .seat
                .lost_frames
                .fetch_add(more, Ordering::Relaxed);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.settle();
    }
}

async fn next_batch(served: Option<&mut Served>) -> Arc<tidegate_engine::Batch<Frame>> {
    match served {
        Some(served) => served.reader.next().await,
        None => core::future::pending().await,
    }
}

async fn cancelled(token: Option<tokio_util::sync::CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => core::future::pending().await,
    }
}

/// Whether two media would mix.
fn overlap(one: Lower, other: Lower) -> bool {
    let numbers = |lower: Lower| match lower {
        Lower::Interleaved(media, reports) => (true, u16::from(media), u16::from(reports)),
        Lower::Datagrams(media, reports) => (false, media, reports),
    };
    let ((kind, a, b), (other_kind, c, d)) = (numbers(one), numbers(other));
    kind == other_kind && (a == c || a == d || b == c || b == d)
}

/// Numbers that nobody can guess.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    // The system has randomness from long before this program starts.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes).max(1)
}
