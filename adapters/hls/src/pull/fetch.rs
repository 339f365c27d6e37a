//! One playlist and its segments, fetched ahead of their time.
//!
//! ```text
//!  ┌─▶ playlist ─▶ Follow ─▶ next segment ─▶ key? section? ─▶ Piece ─▶ channel ─▶ player
//!  │                 │                                                  bounded: the player
//!  └── reload_at ◀───┘                                                  sets the pace
//! ```
//!
//! A playlist or a segment that does not come is counted and said; when nothing new comes for
//! three target durations, or several segments in a row fail, the run ends, and the engine
//! tries again.

mod retrieve;

pub(super) use retrieve::load;

use super::figures::Figures;
use bytes::Bytes;
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidegate_engine::{Clock, RunError};
use tidegate_hls::m3u8::{MapSection, MediaPlaylist, Playlist};
use tidegate_hls::{Follow, Next};
use tidegate_net::http::Client;
use tidegate_net::{NetError, Url};
use tokio::sync::mpsc;

/// Largest segment taken: ten seconds at 50 Mbit/s.
pub(super) const SEGMENT_BYTES_MAX: usize = 64 << 20;
/// Segments fetched and not played yet, besides the one in hand.
pub(super) const PIECES_MAX: usize = 2;
/// How long a playlist or a key may take.
pub(super) const PLAYLIST_WITHIN: Duration = Duration::from_secs(5);
/// How often a segment is asked for. Caches may hear of one later than of the playlist.
const SEGMENT_ATTEMPTS: u32 = 2;
/// The pause between.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(300);
/// Segments in a row that may fail before the run ends.
const FAILURES_MAX: u32 = 3;

/// A segment, as it was fetched.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) data: Bytes,
    /// The initialisation section, when it is another than before.
    pub(super) init: Option<Bytes>,
    pub(super) duration: Duration,
    pub(super) discontinuity: bool,
    /// Segments missing just before it.
    pub(super) missed: u64,
}

/// Why something was not fetched.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: RunError,
    /// Asking again, or for the next, is no use.
    ends: bool,
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let ends = !error.retry;
        Self { error, ends }
    }
}

impl From<NetError> for Failure {
    fn from(error: NetError) -> Self {
        let ends = error.refusal.is_some();
        Self {
            error: error.into(),
            ends,
        }
    }
}

/// What the player gets: segments in order, and in the end why there are no more, if that is a
/// failure.
pub(super) type Fetched = Result<Piece, RunError>;

/// Fetches one playlist's segments.
pub(super) struct Fetcher {
    client: Arc<Client>,
    figures: Arc<Figures>,
    clock: Clock,
    /// Where the playlist is asked for.
    asked: Url,
    /// Where it came from last, which its entries are relative to.
    url: Url,
    follow: Follow,
    map: Option<Arc<MapSection>>,
    key: Option<(String, Bytes)>,
    /// Missing since the last segment that came.
    missed: u64,
    failures: u32,
    memory: Memory,
    /// It is the pictures', or everything's: what is ahead is counted.
    leads: bool,
}

/// The newest segment that was given to a player or given up, for the next run.
pub(super) type Memory = Arc<Mutex<Option<(u64, String)>>>;

/// A segment that waits for the player to have room, and what it is remembered by.
struct Ready {
    piece: Piece,
    origin: (u64, String),
}

impl Fetcher {
    pub(super) fn new(
        client: Arc<Client>,
        figures: Arc<Figures>,
        clock: Clock,
        (asked, url): (Url, Url),
        memory: Memory,
        leads: bool,
    ) -> Self {
        let now = clock.now();
        let follow = match &*lock(&memory) {
            Some((sequence, uri)) => Follow::behind(now, *sequence, uri),
            None => Follow::new(now),
        };
        Self {
            client,
            figures,
            clock,
            asked,
            url,
            follow,
            memory,
            leads,
            map: None,
            key: None,
            missed: 0,
            failures: 0,
        }
    }

    /// Takes a playlist over that is known already.
    pub(super) fn take(&mut self, playlist: MediaPlaylist) {
        let before = (self.follow.missed(), self.follow.restarts());
        self.follow.take(self.clock.now(), playlist);
        Figures::add(&self.figures.missed, self.follow.missed() - before.0);
        Figures::add(&self.figures.restarts, self.follow.restarts() - before.1);
        if self.follow.restarts() > before.1 {
            // The same address may hold another one now.
            self.map = None;
        }
        if self.leads {
            Figures::set(&self.figures.target_ms, self.follow.target());
            let is_live = self.follow.reload_at().is_some();
            self.figures.is_live.store(is_live, Ordering::Relaxed);
        }
    }

    /// Fetches until the playlist ends, something fails, or nobody wants any more.
    pub(super) async fn run(mut self, player: mpsc::Sender<Fetched>) {
        if let Err(error) = self.fetch(&player).await {
            // A player that is gone does not care why.
            drop(player.send(Err(error)).await);
        }
    }

    async fn fetch(&mut self, player: &mpsc::Sender<Fetched>) -> Result<(), RunError> {
        let mut ready: Option<Ready> = None;
        loop {
            if ready.is_none()
                && let Some(next) = self.follow.next_segment()
            {
                self.count_ahead(next.segment.duration);
                ready = self.piece(next).await?;
                continue;
            }
            self.count_ahead(
                ready
                    .as_ref()
                    .map_or(Duration::ZERO, |it| it.piece.duration),
            );
            if ready.is_none() && self.follow.is_finished() {
                return Ok(());
            }
            let due = self.follow.reload_at();
            let pause = due.map(|at| at.saturating_since(self.clock.now()));
            tokio::select! {
                permit = player.reserve(), if ready.is_some() => match (permit, ready.take()) {
                    (Ok(permit), Some(Ready { piece, origin })) => {
                        if self.leads {
                            self.figures.queued(piece.duration);
                        }
                        permit.send(Ok(piece));
                        *lock(&self.memory) = Some(origin);
                    }
                    _ => return Ok(()),
                },
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {
                    self.reload().await?;
                }
                () = player.closed() => return Ok(()),
            }
        }
    }

    /// Notes how much is listed that the player did not get, `in_hand` included.
    fn count_ahead(&self, in_hand: Duration) {
        if self.leads {
            Figures::set(&self.figures.listed_ms, self.follow.pending() + in_hand);
        }
    }

    async fn reload(&mut self) -> Result<(), RunError> {
        let loaded = load(&self.client, &self.url).await;
        let now = self.clock.now();
        match loaded {
            Ok((url, Playlist::Media(playlist))) => {
                self.url = url;
                self.take(playlist);
            }
            Ok((_, Playlist::Multivariant(_))) => {
                self.unreadable("it names other playlists now instead of segments".to_owned());
            }
            Err(failure) if failure.ends => return Err(failure.error),
            Err(failure) => self.unreadable(failure.error.message),
        }
        match self.follow.stale_for(now) {
            None => Ok(()),
            Some(silent) => Err(self.stale(silent)),
        }
    }

    fn unreadable(&mut self, why: String) {
        // Where it came from may be gone, while where it is asked for leads elsewhere by now.
        self.url.clone_from(&self.asked);
        Figures::add(&self.figures.bad_playlists, 1);
        self.figures.problem(why);
        self.follow.failed(self.clock.now());
    }

    fn stale(&self, silent: Duration) -> RunError {
        let problem = match self.figures.last_problem() {
            Some(problem) => format!(" (lately: {problem})"),
            None => String::new(),
        };
        RunError::theirs(
            format!(
                "the playlist has listed nothing new for {} s, more than three target durations \
                 of {} s{problem}",
                silent.as_secs(),
                self.follow.target().as_secs_f32()
            ),
            "Look whether the encoder behind it still runs.",
        )
    }

    /// Fetches a segment and what it needs; `None` if it has to be done without.
    async fn piece(&mut self, next: Next) -> Result<Option<Ready>, RunError> {
        let origin = (next.segment.sequence, next.segment.uri.clone());
        self.missed += next.missed;
        if next.segment.gap {
            self.missed += 1;
            Figures::add(&self.figures.missed, 1);
            return Ok(None);
        }
        let mut attempt = 1;
        let error = loop {
            match self.whole(&next.segment).await {
                Ok(piece) => {
                    self.failures = 0;
                    Figures::add(&self.figures.segments, 1);
                    Figures::add(&self.figures.bytes, piece.data.len() as u64);
                    return Ok(Some(Ready { piece, origin }));
                }
                Err(failure) if failure.ends => return Err(failure.error),
                Err(failure) if attempt == SEGMENT_ATTEMPTS => break failure.error,
                Err(_) => attempt += 1,
            }
            tokio::time::sleep(ATTEMPT_PAUSE).await;
        };
        Figures::add(&self.figures.failed, 1);
        self.figures.problem(error.message.clone());
        *lock(&self.memory) = Some(origin);
        self.missed += 1;
        self.failures += 1;
        if self.failures >= FAILURES_MAX {
            return Err(error);
        }
        Ok(None)
    }
}

fn lock(memory: &Mutex<Option<(u64, String)>>) -> MutexGuard<'_, Option<(u64, String)>> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
