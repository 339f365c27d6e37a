//! One viewer: a player's requests without its decoder.
//!
//! ```text
//!                                            nothing new: half a target duration later
//!                                                    ┌──────────┐
//!                                                    ▼          │
//!  index.m3u8 ─► media.m3u8 ─► init, last segments ─► media.m3u8 ┴─► new segments ─┐
//!                                                    ▲                            │
//!                                                    └── a target duration later ─┘
//! ```

use super::playlist::Playlist;
use super::reply::Reply;
use anyhow::{Context as _, bail};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

/// Players begin this many target durations before the end (RFC 8216, section 6.3.3).
const BEGIN_BEFORE_END: usize = 3;
/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Bytes a segment's head must hold to be one.
const SEGMENT_BYTES_MIN: u64 = 64;

/// What viewers have got, all together.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) body_bytes: u64,
    pub(super) segments: u64,
    /// Segments whose number did not follow the one before.
    pub(super) missed: u64,
    /// Segments that took longer than a target duration to come.
    pub(super) late: u64,
    /// The size of each segment that anybody fetched.
    pub(super) sizes: HashMap<String, u64>,
    /// How long each request took, in microseconds.
    pub(super) request_us: Vec<u32>,
}

/// What a viewer is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Index,
    Playlist,
    Init,
    Segment,
    Nothing,
}

/// One connection that follows one output.
pub(super) struct Viewer {
    stream: TcpStream,
    folder: String,
    headers: String,
    asked: Asked,
    asked_at: Instant,
    /// What it asked for.
    name: String,
    playlist_at: Instant,
    reply: Reply,
    target: Duration,
    init: String,
    /// Segments to fetch, and the number of the one after the last that was listed.
    wanted: VecDeque<String>,
    next: Option<u64>,
    reload_at: Option<Instant>,
}

impl Viewer {
    /// Connects from `from`, so that many viewers are not one address, and asks for the index.
    pub(super) fn connect(
        server: SocketAddr,
        from: Ipv4Addr,
        folder: &str,
        headers: String,
    ) -> anyhow::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.bind(&SocketAddr::from((from, 0)).into())?;
        socket.connect_timeout(&server.into(), CONNECT_LIMIT)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let now = Instant::now();
        let mut viewer = Self {
            stream: socket.into(),
            folder: folder.to_owned(),
            headers,
            asked: Asked::Nothing,
            asked_at: now,
            name: String::new(),
            playlist_at: now,
            reply: Reply::default(),
            target: Duration::ZERO,
            init: String::new(),
            wanted: VecDeque::new(),
            next: None,
            reload_at: None,
        };
        viewer.ask(now, Asked::Index, "index.m3u8")?;
        Ok(viewer)
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// When it wants to reload the playlist, told once; `None` while it waits for the server.
    pub(super) fn take_reload(&mut self) -> Option<Instant> {
        let idle = self.asked == Asked::Nothing;
        self.reload_at.take_if(|_| idle)
    }

    /// Asks for the playlist again.
    pub(super) fn reload(&mut self, now: Instant) -> anyhow::Result<()> {
        self.playlist_at = now;
        self.ask(now, Asked::Playlist, "media.m3u8")
    }

    /// Reads what has come, and asks for what is next.
    pub(super) fn read(&mut self, buffer: &mut [u8], figures: &mut Figures) -> anyhow::Result<()> {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => bail!("the server closed a viewer's connection"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            if self.asked == Asked::Nothing {
                bail!("the server sent what nobody asked for");
            }
            if self.reply.take(&buffer[..count])? {
                return self.answered(figures);
            }
            if count < buffer.len() {
                return Ok(());
            }
        }
    }

    fn answered(&mut self, figures: &mut Figures) -> anyhow::Result<()> {
        let now = Instant::now();
        let took = now.saturating_duration_since(self.asked_at);
        figures
            .request_us
            .push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        figures.body_bytes += self.reply.body_bytes;
        match std::mem::replace(&mut self.asked, Asked::Nothing) {
            Asked::Index => return self.reload(now),
            Asked::Playlist => {
                self.follow(figures)?;
            }
            Asked::Segment => {
                figures.segments += 1;
                self.compare(figures)?;
                figures.late += u64::from(took > self.target);
            }
            Asked::Init | Asked::Nothing => {}
        }
        match self.wanted.pop_front() {
            Some(name) if name.starts_with("init") => self.ask(now, Asked::Init, &name),
            Some(name) => self.ask(now, Asked::Segment, &name),
            None => Ok(()),
        }
    }

    /// Compares the playlist with the one before: which segments are new, and when to look again.
    fn follow(&mut self, figures: &mut Figures) -> anyhow::Result<()> {
        let text = core::str::from_utf8(&self.reply.body).context("a playlist is not text")?;
        let playlist = Playlist::parse(text)?;
        let end = playlist.first + playlist.segments.len() as u64;
        let begin = end
            .saturating_sub(BEGIN_BEFORE_END as u64)
            .max(playlist.first);
        let next = self.next.unwrap_or(begin);
        figures.missed += playlist.first.saturating_sub(next);
        if end < next {
            bail!("the playlist went back");
        }
        let new = playlist.segments.len().min(usize::try_from(end - next)?);
        let is_new = new > 0;
        self.target = playlist.target;
        self.next = Some(end);
        if is_new && self.init != playlist.init {
            self.wanted.push_back(playlist.init.clone());
            self.init = playlist.init;
        }
        self.wanted
            .extend(playlist.segments.into_iter().rev().take(new).rev());
        let pause = if is_new { self.target } else { self.target / 2 };
        self.reload_at = Some(self.playlist_at + pause);
        Ok(())
    }

    /// A segment is the same for all who fetch it.
    fn compare(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let came = self.reply.body_bytes;
        if came < SEGMENT_BYTES_MIN {
            bail!("a segment of {came} bytes is none");
        }
        let first = *figures.sizes.entry(self.name.clone()).or_insert(came);
        if first != came {
            bail!(
                "{} has {came} bytes, and had {first} for another viewer",
                self.name
            );
        }
        Ok(())
    }

    fn ask(&mut self, now: Instant, what: Asked, name: &str) -> anyhow::Result<()> {
        let Self {
            folder, headers, ..
        } = self;
        let request = format!("GET {folder}/{name} HTTP/1.1\r\n{headers}\r\n");
        // A request is small, and the one before is answered: the socket has room for it.
        self.stream
            .write_all(request.as_bytes())
            .context("a request could not be sent")?;
        (self.asked, self.asked_at) = (what, now);
        name.clone_into(&mut self.name);
        self.reply
            .begin(matches!(what, Asked::Index | Asked::Playlist));
        Ok(())
    }
}
