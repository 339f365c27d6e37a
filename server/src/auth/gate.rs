//! Decides for each request who sends it. What is not let in is kept out.

use std::time::Instant;

use axum::http::{HeaderMap, Method, header};
use tidegate_engine::Secret;

use super::{AttemptLimiter, BearerToken, Password, Sessions};
use crate::http::Peer;
use crate::store::{Store, StoreError};

/// The session cookie's name.
pub const SESSION_COOKIE: &str = "tidegate_session";
/// Sent with every write of a cookie session. Another site's page cannot send it.
pub const CSRF_HEADER: &str = "x-tidegate-csrf";
/// The one user there is.
const ADMIN: &str = "admin";

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `admin`, or `api-token`.
    pub user: String,
    /// By cookie, and without the CSRF header: may read only.
    pub may_write: bool,
}

/// Why a login failed.
#[derive(Debug)]
pub enum LoginError {
    /// Wrong user or password.
    Wrong,
    /// Too many wrong ones; try again after so many seconds.
    Wait(u64),
}

/// Everything that lets somebody in.
#[derive(Debug)]
pub struct Access {
    password: Password,
    bearer: Option<BearerToken>,
    stats: Option<BearerToken>,
    sessions: Sessions,
    limiter: AttemptLimiter,
}

impl Access {
    /// Access by `password_hash`, and by `bearer` where one is set.
    #[must_use]
    pub fn new(store: Store, password_hash: &str, bearer: Option<&Secret>) -> Self {
        Self {
            password: Password::new(password_hash),
            bearer: bearer.map(BearerToken::new),
            stats: None,
            sessions: Sessions::new(store),
            limiter: AttemptLimiter::default(),
        }
    }

    /// The same, with a token that opens the statistics for other programs, and nothing else.
    #[must_use]
    pub fn with_stats_token(mut self, token: Option<&Secret>) -> Self {
        self.stats = token.map(BearerToken::new);
        self
    }

    /// Whether `given` is the token for the statistics. None is, where none is set.
    #[must_use]
    pub fn opens_stats(&self, given: &str) -> bool {
        self.stats
            .as_ref()
            .is_some_and(|token| token.matches(given))
    }

    /// Who sends a request with these headers; `None` for a stranger.
    ///
    /// # Errors
    /// The store's.
    pub async fn identify(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Identity>, StoreError> {
        if let Some(given) = bearer_of(headers) {
            let known = self
                .bearer
                .as_ref()
                .is_some_and(|token| token.matches(given));
            let identity = || Identity {
                user: "api-token".into(),
                may_write: true,
            };
            return Ok(known.then(identity));
        }
        let Some(token) = cookie_of(headers) else {
            return Ok(None);
        };
        let may_write = method.is_safe() || headers.contains_key(CSRF_HEADER);
        let user = self.sessions.user(token).await?;
        Ok(user.map(|user| Identity { user, may_write }))
    }

    /// Begins a session; returns its cookie.
    ///
    /// # Errors
    /// When it is not begun.
    pub async fn login(
        &self,
        peer: Peer,
        user: &str,
        password: Secret,
    ) -> Result<String, LoginError> {
        let address = peer.address.ip();
        if let Some(wait) = self.limiter.wait(address, Instant::now()) {
            return Err(LoginError::Wait(wait.as_secs().max(1)));
        }
        // Counted before the slow check, so that a burst of guesses is counted whole.
        self.limiter.failed(address, Instant::now());
        // Checked for any user, so that the time taken does not tell which one exists.
        let matches = self.password.matches(password).await;
        if !matches || user != ADMIN {
            return Err(LoginError::Wrong);
        }
        self.limiter.forgive(address);
        let token = self.sessions.begin(ADMIN).await;
        Ok(cookie(
            &token,
            super::SESSION_LIFETIME.as_secs(),
            peer.secure,
        ))
    }

    /// Ends the session of a request; returns the cookie that removes its cookie.
    ///
    /// # Errors
    /// The store's.
    pub async fn logout(&self, peer: Peer, headers: &HeaderMap) -> Result<String, StoreError> {
        if let Some(token) = cookie_of(headers) {
            self.sessions.end(token).await?;
        }
        Ok(cookie("", 0, peer.secure))
    }
}

fn cookie(token: &str, max_age_seconds: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!(
        "{SESSION_COOKIE}={token}; Path=/; Max-Age={max_age_seconds}; HttpOnly; \
         SameSite=Strict{secure}"
    )
}

fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|v| v.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(SESSION_COOKIE)?.strip_prefix('='))
}
