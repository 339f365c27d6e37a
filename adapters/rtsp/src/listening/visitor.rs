//! What one client has asked for, and been let in to.
//!
//! ```text
//!  asks ─▶ house: may it? ─▶ Entry ── SETUP ─▶ Session ── PLAY ─▶ Served ─▶ packets
//!                            (an output, and what it offers)      (a place, a player)
//! ```
//!
//! A session stays with the output that it was set up for, whatever else the client asks about.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_engine::{Batch, Frame, Reader, ReaderOptions};
use tidegate_net::Policy;
use tidegate_rtsp::{
    Access, Ask, Connection, Denied, Description, Lower, Medium as Described, SetUp, payload_type,
};

use super::datagrams::Listed;
use super::outgoing::Outgoing;
use super::{Port, random};
use crate::door::{Door, Ticket};
use crate::offer::{self, Offer, OfferedTrack};
use crate::player::{Beginning, Medium, Player};

/// Batches of frames waiting: a few seconds of any feed.
const QUEUE_BATCHES: usize = 1024;
/// Bytes of frames waiting: four seconds at 32 Mbit/s.
const QUEUE_BYTES: usize = 16 << 20;
/// Ports below are never media players', but may be somebody else's behind the same address.
const FIRST_CLIENT_PORT: u16 = 1024;

pub(super) struct Visitor {
    pub(super) connection: Connection,
    peer: SocketAddr,
    port: Arc<Port>,
    /// The output that was asked for last and may be had.
    entry: Option<Entry>,
    session: Option<Session>,
    served: Option<Served>,
    /// It counts as one that nobody has let in yet.
    is_pending: bool,
    /// Its reports come.
    alive: Arc<AtomicBool>,
}

struct Entry {
    door: Arc<Door>,
    /// What it offered when that was asked for first.
    offer: Option<Offer>,
}

/// What has been set up, and not been played yet.
struct Session {
    id: u64,
    door: Arc<Door>,
    media: Vec<Medium>,
    listed: Vec<Listed>,
}

/// A player that gets its media.
struct Served {
    player: Player,
    reader: Reader<Frame>,
    lost: u64,
    /// Let go last: then the output knows that nothing is left.
    ticket: Ticket,
}

impl Visitor {
    pub(super) fn new(peer: SocketAddr, port: Arc<Port>) -> Self {
        port.counters.pending.fetch_add(1, Ordering::Relaxed);
        Self {
            connection: Connection::new(peer.ip(), port.nonces.clone()),
            peer,
            port,
            entry: None,
            session: None,
            served: None,
            is_pending: true,
            alive: Arc::default(),
        }
    }

    /// Does what the connection asks for.
    pub(super) async fn answer(&mut self, ask: Ask, local: IpAddr) {
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

    /// Says who may have what is at a path. Only who may has it as its entry from then on.
    fn admit(&mut self, path: &str) -> Option<Ask> {
        let port = Arc::clone(&self.port);
        let now_seconds = port.now_seconds();
        self.entry = None;
        let Some(door) = port.house.find(path, &port.listener) else {
            // Where anything has a password, a stranger is not told what there is.
            let nobody = port.nobody();
            let access = if port.house.has_secrets(&port.listener) {
                Access::Password {
                    username: nobody,
                    password: nobody,
                }
            } else {
                Access::Unknown
            };
            return self.connection.access(access, now_seconds);
        };
        let access = match &door.credentials {
            // Without a password it is for this machine and the networks around it: a port that
            // turns out to be open to the internet shows nobody a camera.
            None if !door.is_open && is_public(self.peer.ip()) => Access::NotFromThere,
            None => Access::Open,
            Some(known) => Access::Password {
                username: &known.username,
                password: known.password.expose(),
            },
        };
        let granted = self.connection.access(access, now_seconds);
        if matches!(granted, Some(Ask::Describe { .. } | Ask::SetUp { .. })) {
            let offer = None;
            self.entry = Some(Entry { door, offer });
            self.settle();
        }
        granted
    }

    fn denied(&self, path: &str, why: Denied) {
        let counters = &self.port.counters;
        let is_known = self.port.house.find(path, &self.port.listener).is_some();
        match why {
            Denied::WrongPassword if is_known => {
                counters.wrong_password.fetch_add(1, Ordering::Relaxed);
                let advice = "Give the player the output's user name and password";
                self.port.reject(self.peer, path, "wrong_password", advice);
            }
            Denied::NotFromThere => {
                counters.not_from_there.fetch_add(1, Ordering::Relaxed);
                let advice = "Write username and password at the output, or open: true; without \
                              them it is for this machine and private networks";
                self.port
                    .reject(self.peer, path, "public_address_without_password", advice);
            }
            Denied::WrongPassword | Denied::UnknownPath => {
                counters.unknown_path.fetch_add(1, Ordering::Relaxed);
                let advice = "Check the path at the player, or add an RTSP output with it";
                self.port.reject(self.peer, path, "unknown_stream", advice);
            }
        }
    }

    async fn describe(&mut self, local: IpAddr) {
        let Some(entry) = &mut self.entry else {
            return self.connection.described(None);
        };
        // What there is now; media that are set up later are of this.
        entry.offer = offer::wait_for(&entry.door).await;
        let Some(offer) = &entry.offer else {
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
        let description = Description::new(&entry.door.name, random(), local, &media);
        self.connection.described(Some(&description));
    }

    async fn set_up(&mut self, medium: Option<usize>, lower: Lower) -> SetUp {
        let Some(entry) = &mut self.entry else {
            return SetUp::NoSuchMedium;
        };
        if entry.offer.is_none() {
            entry.offer = offer::wait_for(&entry.door).await;
        }
        let Some((index, track)) = wanted(entry.offer.as_ref(), medium) else {
            return SetUp::NoSuchMedium;
        };
        if !entry.door.has_room() {
            return SetUp::TooMany;
        }
        let is_low = matches!(lower, Lower::Datagrams(media, reports)
            if media.min(reports) < FIRST_CLIENT_PORT);
        let session = self.session.as_ref();
        if is_low || session.is_some_and(|session| session.has(index, lower)) {
            return SetUp::NotThatWay;
        }
        let bits = random();
        let beginning = Beginning {
            ssrc: (bits >> 32) as u32,
            sequence: bits as u16,
            timestamp: random() as u32,
        };
        let medium = payload_type(index, track.config.codec())
            .and_then(|kind| Medium::new(index, track, kind, lower, beginning));
        let Some(medium) = medium else {
            return SetUp::NoSuchMedium;
        };
        let session = self.session.get_or_insert_with(|| Session {
            id: random(),
            door: Arc::clone(&entry.door),
            media: Vec::new(),
            listed: Vec::new(),
        });
        session.media.push(medium);
        let server_ports = match lower {
            Lower::Interleaved(..) => None,
            Lower::Datagrams(_, reports) => {
                let datagrams = &self.port.datagrams;
                let from = SocketAddr::new(self.peer.ip(), reports);
                session.listed.push(datagrams.list(from, &self.alive));
                Some(datagrams.ports())
            }
        };
        SetUp::Agreed {
            server_ports,
            ssrc: beginning.ssrc,
            session: session.id,
        }
    }

    fn play(&mut self) {
        let Some(session) = &mut self.session else {
            return self.connection.played(None);
        };
        let is_udp = session.media.iter().any(Medium::is_udp);
        let transport = if is_udp { "udp" } else { "tcp" };
        // Room may have gone since it was set up.
        let Some(ticket) = session.door.enter(self.peer, transport) else {
            return self.connection.played(None);
        };
        let player = Player::new(core::mem::take(&mut session.media));
        self.connection.played(Some(&player.beginnings()));
        let reader = session.door.route.read_frames(ReaderOptions {
            max_batches: QUEUE_BATCHES,
            max_bytes: QUEUE_BYTES,
            ..ReaderOptions::default()
        });
        self.served = Some(Served {
            ticket,
            player,
            reader,
            lost: 0,
        });
    }

    fn tear_down(&mut self) {
        if let Some(mut served) = self.served.take() {
            "it said goodbye".clone_into(&mut served.ticket.reason);
        }
        self.session = None;
    }

    /// The next frames of what it plays; never any while it plays nothing.
    pub(super) async fn next_batch(&mut self) -> Arc<Batch<Frame>> {
        match &mut self.served {
            Some(served) => served.reader.next().await,
            None => core::future::pending().await,
        }
    }

    /// Makes packets of frames; why the player has to leave, if it has to.
    pub(super) fn take(
        &mut self,
        batch: &Batch<Frame>,
        outgoing: &mut Outgoing,
    ) -> Result<(), String> {
        let Some(served) = &mut self.served else {
            return Ok(());
        };
        let gap = served.reader.gap();
        if served.player.take(batch, gap, outgoing).is_err() {
            return Err("the source's tracks changed; it has to ask for them again".into());
        }
        served.count_losses();
        Ok(())
    }

    pub(super) fn count_sent(&self, sent_bytes: u64) {
        if let Some(served) = &self.served {
            let ticket = &served.ticket;
            ticket
                .seat
                .sent_bytes
                .fetch_add(sent_bytes, Ordering::Relaxed);
            ticket.door.report.delivered(sent_bytes);
        }
    }

    /// Ends when the output that is played, or else the one asked for last, stops.
    pub(super) fn output_stops(&self) -> impl Future<Output = ()> + use<> {
        let of_session = self.session.as_ref().map(|session| &session.door);
        let door = of_session.or(self.entry.as_ref().map(|entry| &entry.door));
        let closing = door.map(|door| door.closing.clone());
        async move {
            match closing {
                Some(closing) => closing.cancelled().await,
                None => core::future::pending().await,
            }
        }
    }

    /// Whether nobody has let it in yet.
    pub(super) const fn is_stranger(&self) -> bool {
        self.is_pending
    }

    /// Whether it must show that it lives. Media that go through the connection are acknowledged
    /// by whoever gets them.
    pub(super) fn needs_signs(&self) -> bool {
        let served = self.served.as_ref();
        served.is_none_or(|served| served.player.media().iter().any(Medium::is_udp))
    }

    /// Whether a report of it has come since this was asked last.
    pub(super) fn has_reported(&self) -> bool {
        self.alive.swap(false, Ordering::Relaxed)
    }

    /// It leaves, and it is told why. Whether there are farewells to be sent.
    pub(super) fn leave(&mut self, why: String, outgoing: &mut Outgoing) -> bool {
        if let Some(path) = self.connection.unanswered_challenge() {
            let counters = &self.port.counters;
            counters.no_password.fetch_add(1, Ordering::Relaxed);
            let advice = "Give the player the output's user name and password";
            self.port
                .reject(self.peer, path, "password_required", advice);
        }
        let Some(served) = &mut self.served else {
            return false;
        };
        served.player.goodbye(outgoing);
        served.ticket.reason = why;
        true
    }

    fn settle(&mut self) {
        if core::mem::take(&mut self.is_pending) {
            self.port.counters.pending.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Session {
    /// Whether this medium is set up already, or another one that it would mix with.
    fn has(&self, index: usize, lower: Lower) -> bool {
        let mut media = self.media.iter();
        media.any(|known| known.index() == index || overlap(known.lower(), lower))
    }
}

impl Served {
    /// What the queue lost, and what was passed over after that.
    fn count_losses(&mut self) {
        let lost = self.reader.lost();
        let more = lost - self.lost + self.player.take_skipped();
        self.lost = lost;
        if more > 0 {
            let ticket = &self.ticket;
            ticket.door.report.lost(more);
            ticket.seat.lost_frames.fetch_add(more, Ordering::Relaxed);
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.settle();
    }
}

/// Whether somebody calls from the internet.
fn is_public(address: IpAddr) -> bool {
    Policy::LED.refusal(address).is_none()
}

/// The track of this number; where the client names none, the only one.
fn wanted(offer: Option<&Offer>, medium: Option<usize>) -> Option<(usize, &OfferedTrack)> {
    let tracks = &offer?.tracks;
    let index = match medium {
        Some(index) => index,
        None if tracks.len() == 1 => 0,
        None => return None,
    };
    Some((index, tracks.get(index)?))
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

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn this_machine_and_its_networks_are_not_the_internet() {
        for near in [
            "127.0.0.1",
            "::1",
            "192.168.1.9",
            "10.0.0.7",
            "172.17.0.1",
            "100.64.0.1",
            "169.254.7.7",
            "fe80::1",
            "fd00::1",
            "::ffff:192.168.1.9",
        ] {
            assert!(!is_public(near.parse().unwrap()), "{near}");
        }
        for far in ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"] {
            assert!(is_public(far.parse().unwrap()), "{far}");
        }
    }
}
