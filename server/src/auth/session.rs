//! Login sessions: an opaque random token in a cookie, its hash in the store.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::token::{hash, random_text};
use crate::store::{SessionRow, Store, StoreError};
use crate::time::millis_since_epoch;

/// How long a login lasts.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// Characters of a token: 200 bits.
const TOKEN_LENGTH: usize = 40;
/// How long the answer of the store is believed.
const REMEMBER: Duration = Duration::from_secs(10);
/// Most answers remembered.
const REMEMBERED_MAX: usize = 1_000;

/// Sessions in the store, with a short memory so that HLS does not ask it for each segment.
#[derive(Debug)]
pub struct Sessions {
    store: Store,
    recent: Mutex<HashMap<Vec<u8>, (Instant, String)>>,
}

impl Sessions {
    /// Sessions kept in `store`.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            recent: Mutex::default(),
        }
    }

    /// Begins one for `user`; returns its token.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(&self, user: &str) -> Result<String, StoreError> {
        let token = random_text(TOKEN_LENGTH);
        let expires = SystemTime::now() + SESSION_LIFETIME;
        let session = SessionRow {
            token_hash: hash(&token),
            user: user.to_owned(),
            expires_millis: millis_since_epoch(expires),
        };
        self.store.add_session(session).await?;
        Ok(token)
    }

    /// Whose session `token` is.
    ///
    /// # Errors
    /// The store's.
    pub async fn user(&self, token: &str) -> Result<Option<String>, StoreError> {
        if token.len() != TOKEN_LENGTH {
            return Ok(None);
        }
        let token_hash = hash(token);
        if let Some(user) = self.remembered(&token_hash) {
            return Ok(Some(user));
        }
        let Some(session) = self.store.session(token_hash.clone()).await? else {
            return Ok(None);
        };
        self.remember(token_hash, &session.user);
        Ok(Some(session.user))
    }

    /// Ends the session of `token`.
    ///
    /// # Errors
    /// The store's.
    pub async fn end(&self, token: &str) -> Result<(), StoreError> {
        let token_hash = hash(token);
        self.recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&token_hash);
        self.store.remove_session(token_hash).await
    }

    fn remembered(&self, token_hash: &[u8]) -> Option<String> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, user) = recent.get(token_hash)?;
        (at.elapsed() < REMEMBER).then(|| user.clone())
    }

    fn remember(&self, token_hash: Vec<u8>, user: &str) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= REMEMBERED_MAX {
            recent.clear();
        }
        recent.insert(token_hash, (Instant::now(), user.to_owned()));
    }
}
