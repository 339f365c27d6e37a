//! One client's connection.
//!
//! ```text
//!            SETUP, for each medium          PLAY
//!   Idle ───────────────────────▶ Ready ───────────▶ Playing
//!    ▲  DESCRIBE: as often as it     │                  │
//!    │  likes                        │ TEARDOWN         │ TEARDOWN
//!    └───────────────────────────────┴──────────────────┘
//! ```
//!
//! A request for a path is answered only after whoever serves has said who may have what is
//! there. A log-in counts for its path until another one is asked for: nobody else can speak on
//! the connection. The session ends with the connection too, so that no medium is ever sent to an
//! address that nobody answers from.

use std::net::IpAddr;

use rtsp_types::Method;

use crate::answer::{Answer, is_number};
use crate::ask::{Access, Ask, Denied, RtpInfo, SetUp};
use crate::description::{CONTROL, Description, MEDIA_MAX};
use crate::digest::{Known, Nonces, Verdict};
use crate::inbox::{Broken, Inbound, Inbox};
use crate::request::Request;
use crate::transport::{Agreed, choose};

/// How long a session lives without a sign of the client.
pub const SESSION_TIMEOUT_SECONDS: u64 = 60;
/// Wrong passwords on one connection.
const WRONG_MAX: u32 = 3;
/// The longest path that is asked for.
const PATH_CHARS_MAX: usize = 256;
const METHODS: &str = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

#[derive(Debug)]
enum State {
    Idle,
    Ready(Session),
    Playing(Session),
}

#[derive(Clone, Debug)]
struct Session {
    id: String,
    path: String,
}

/// A request that waits for an answer of whoever serves.
#[derive(Debug)]
struct Waiting {
    request: Request,
    ask: Ask,
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Connection {
    inbox: Inbox,
    out: Vec<u8>,
    nonces: Nonces,
    peer: IpAddr,
    state: State,
    waiting: Option<Waiting>,
    /// The path that the client has shown it may have.
    proven: Option<String>,
    challenged: Option<String>,
    wrong: u32,
    is_over: bool,
    is_alive: bool,
}

impl Connection {
    /// A connection that has just been accepted from `peer`.
    #[must_use]
    pub fn new(peer: IpAddr, nonces: Nonces) -> Self {
        Self {
            inbox: Inbox::default(),
            out: Vec::new(),
            nonces,
            peer,
            state: State::Idle,
            waiting: None,
            proven: None,
            challenged: None,
            wrong: 0,
            is_over: false,
            is_alive: false,
        }
    }

    /// Takes bytes in; how many. The rest is to be offered again after [`Self::next_ask`].
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        self.inbox.take(bytes)
    }

    /// What must be answered before the connection goes on; `None` until more comes, or while
    /// an answer is due.
    ///
    /// # Errors
    /// When the connection cannot go on.
    pub fn next_ask(&mut self) -> Result<Option<Ask>, Broken> {
        while self.waiting.is_none() && !self.is_over {
            match self.inbox.next()? {
                None => break,
                Some(Inbound::Alive) => self.is_alive = true,
                Some(Inbound::Request(request)) => {
                    self.is_alive = true;
                    if let Some(ask) = self.handle(*request) {
                        return Ok(Some(ask));
                    }
                }
            }
        }
        Ok(None)
    }

    /// What is to be sent to the client.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.out)
    }

    /// Whether the client has shown that it lives since this was asked last.
    pub const fn take_alive(&mut self) -> bool {
        core::mem::replace(&mut self.is_alive, false)
    }

    /// Whether to hang up once everything is sent.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The path that a password was asked for and never given, if that is so.
    #[must_use]
    pub fn unanswered_challenge(&self) -> Option<&str> {
        self.challenged.as_deref()
    }

    /// Says who may have what was asked for.
    pub fn access(&mut self, access: Access<'_>, now_seconds: u64) -> Option<Ask> {
        let Waiting { request, ask } = self.waiting.take()?;
        let path = ask.path()?.to_owned();
        let known = match access {
            Access::Open => return self.admit(request, ask),
            Access::Unknown => {
                self.refuse(&request, 404);
                let why = Denied::UnknownPath;
                return Some(Ask::Denied { path, why });
            }
            Access::NotFromThere => {
                self.refuse(&request, 403);
                let why = Denied::NotFromThere;
                return Some(Ask::Denied { path, why });
            }
            Access::Password { username, password } => Known { username, password },
        };
        let verdict = self.nonces.judge(
            request.authorization.as_deref(),
            &request.method_name,
            &path,
            &known,
            now_seconds,
            self.peer,
        );
        if verdict == Verdict::Right {
            self.challenged = None;
            return self.admit(request, ask);
        }
        let is_stale = verdict == Verdict::Stale;
        let mut answer = Answer::new(&request, 401);
        for challenge in self.nonces.challenges(now_seconds, self.peer, is_stale) {
            answer = answer.header("WWW-Authenticate", challenge);
        }
        answer.write(&mut self.out);
        if verdict != Verdict::Wrong {
            self.challenged = Some(path);
            return None;
        }
        self.challenged = None;
        self.wrong += 1;
        self.is_over |= self.wrong >= WRONG_MAX;
        let why = Denied::WrongPassword;
        Some(Ask::Denied { path, why })
    }

    fn admit(&mut self, request: Request, ask: Ask) -> Option<Ask> {
        self.proven = ask.path().map(str::to_owned);
        let told = ask.clone();
        self.waiting = Some(Waiting { request, ask });
        Some(told)
    }

    /// Says what there is, or that there is nothing now.
    pub fn described(&mut self, description: Option<&Description>) {
        let Some(Waiting { request, ask }) = self.waiting.take() else {
            return;
        };
        let Some(description) = description else {
            let answer = Answer::new(&request, 503).header("Retry-After", 2);
            return answer.write(&mut self.out);
        };
        let base = format!("{}/{}/", request.origin, ask.path().unwrap_or_default());
        Answer::new(&request, 200)
            .header("Content-Base", base)
            .body("application/sdp", &description.text)
            .write(&mut self.out);
    }

    /// Says how a medium will come.
    pub fn set_up(&mut self, set_up: SetUp) {
        let Some(Waiting { request, ask }) = self.waiting.take() else {
            return;
        };
        let Ask::SetUp { path, offer, .. } = ask else {
            return;
        };
        let (server_ports, ssrc, id) = match set_up {
            SetUp::Agreed {
                server_ports,
                ssrc,
                session,
            } => (server_ports, ssrc, session),
            SetUp::NoSuchMedium => return self.refuse(&request, 404),
            SetUp::NotThatWay => return self.refuse(&request, 461),
            SetUp::TooMany => return self.refuse(&request, 453),
        };
        if matches!(self.state, State::Idle) {
            let id = format!("{id:016X}");
            self.state = State::Ready(Session { id, path });
        }
        let lower = offer.lower;
        let agreed = Agreed {
            lower,
            server_ports,
            ssrc,
        };
        self.ok(&request)
            .header("Transport", agreed)
            .write(&mut self.out);
    }

    /// Says where the packets of each medium begin, and that they come; or that there is no
    /// room any more.
    pub fn played(&mut self, begin: Option<&[RtpInfo]>) {
        let Some(Waiting { request, .. }) = self.waiting.take() else {
            return;
        };
        let State::Ready(session) = &self.state else {
            return;
        };
        let Some(begin) = begin else {
            return self.refuse(&request, 453);
        };
        let session = session.clone();
        let origin = &request.origin;
        let path = &session.path;
        let info: Vec<String> = begin
            .iter()
            .map(
                |RtpInfo {
                     medium,
                     sequence,
                     timestamp,
                 }| {
                    format!(
                        "url={origin}/{path}/{CONTROL}{medium};seq={sequence};rtptime={timestamp}"
                    )
                },
            )
            .collect();
        self.state = State::Playing(session);
        self.ok(&request)
            .header("Range", "npt=0.000-")
            .header("RTP-Info", info.join(","))
            .write(&mut self.out);
    }

    fn handle(&mut self, request: Request) -> Option<Ask> {
        if !request.is_version_1 {
            self.refuse(&request, 505);
            return None;
        }
        if !is_number(&request.cseq) || request.path.len() > PATH_CHARS_MAX {
            self.refuse(&request, 400);
            return None;
        }
        if request.require.is_some() {
            self.refuse(&request, 551);
            return None;
        }
        match request.method {
            Method::Options => {
                self.ok(&request)
                    .header("Public", METHODS)
                    .write(&mut self.out);
                None
            }
            Method::Describe => {
                let path = request.path.clone();
                self.stage(request, Ask::Describe { path })
            }
            Method::Setup => self.handle_set_up(request),
            Method::Play => self.handle_play(request),
            Method::Teardown => self.handle_tear_down(&request),
            Method::GetParameter | Method::SetParameter => {
                let is_ours = request.session.is_none() || self.has_session(&request);
                let answer = if is_ours {
                    self.ok(&request)
                } else {
                    Answer::new(&request, 454)
                };
                answer.write(&mut self.out);
                None
            }
            // Live media cannot wait, and nothing is published here.
            Method::Pause | Method::Announce | Method::Record => {
                Answer::new(&request, 405)
                    .header("Allow", METHODS)
                    .write(&mut self.out);
                None
            }
            _ => {
                self.refuse(&request, 501);
                None
            }
        }
    }

    fn handle_set_up(&mut self, request: Request) -> Option<Ask> {
        let (path, medium) = split_medium(&request.path);
        let (path, medium) = (path.to_owned(), medium);
        let fits = match &self.state {
            State::Idle => Ok(()),
            State::Ready(session) if session.path == path && self.has_session(&request) => Ok(()),
            State::Ready(_) => Err(454),
            State::Playing(_) => Err(455),
        };
        if let Err(status) = fits {
            self.refuse(&request, status);
            return None;
        }
        let next_channel = medium.unwrap_or(0).min(MEDIA_MAX) as u8 * 2;
        let header = request.transport.as_deref().unwrap_or_default();
        let Some(offer) = choose(header, next_channel) else {
            self.refuse(&request, 461);
            return None;
        };
        self.stage(
            request,
            Ask::SetUp {
                path,
                medium,
                offer,
            },
        )
    }

    fn handle_play(&mut self, request: Request) -> Option<Ask> {
        match &self.state {
            State::Ready(_) if self.has_session(&request) => {
                self.waiting = Some(Waiting {
                    request,
                    ask: Ask::Play,
                });
                Some(Ask::Play)
            }
            // Some clients keep their session alive so.
            State::Playing(_) if self.has_session(&request) => {
                self.ok(&request).write(&mut self.out);
                None
            }
            State::Idle => {
                self.refuse(&request, 455);
                None
            }
            _ => {
                self.refuse(&request, 454);
                None
            }
        }
    }

    fn handle_tear_down(&mut self, request: &Request) -> Option<Ask> {
        if !self.has_session(request) {
            self.refuse(request, 454);
            return None;
        }
        self.state = State::Idle;
        self.ok(request).write(&mut self.out);
        Some(Ask::TearDown)
    }

    /// Lets a request wait, for who may ask it first.
    fn stage(&mut self, request: Request, ask: Ask) -> Option<Ask> {
        let path = ask.path()?.to_owned();
        let is_proven = self.proven.as_ref() == Some(&path);
        let told = if is_proven {
            ask.clone()
        } else {
            self.proven = None;
            Ask::Access { path }
        };
        self.waiting = Some(Waiting { request, ask });
        Some(told)
    }

    fn has_session(&self, request: &Request) -> bool {
        match &self.state {
            State::Idle => false,
            State::Ready(session) | State::Playing(session) => {
                request.session.as_ref() == Some(&session.id)
            }
        }
    }

    fn ok(&self, request: &Request) -> Answer {
        let answer = Answer::new(request, 200);
        match &self.state {
            State::Idle => answer,
            State::Ready(session) | State::Playing(session) => {
                let id = &session.id;
                answer.header("Session", format!("{id};timeout={SESSION_TIMEOUT_SECONDS}"))
            }
        }
    }

    fn refuse(&mut self, request: &Request, status: u16) {
        Answer::new(request, status).write(&mut self.out);
    }
}

/// The path of all media, and which of them is meant.
fn split_medium(path: &str) -> (&str, Option<usize>) {
    let (front, last) = path.rsplit_once('/').unwrap_or(("", path));
    let number = last
        .strip_prefix(CONTROL)
        .and_then(|number| number.parse().ok());
    match number {
        Some(number) => (front.trim_end_matches('/'), Some(number)),
        None => (path, None),
    }
}
