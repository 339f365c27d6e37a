//! Login sessions: an opaque random token in a cookie, its hash in the store.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    remembered: Mutex<HashMap<Vec<u8>, Remembered>>,
}

#[derive(Debug)]
struct Remembered {
    until: Instant,
    user: String,
}

impl Sessions {
    /// Sessions kept in `store`.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            remembered: Mutex::default(),
        }
    }

    /// Begins one for `user`; returns its token. A full disk must not keep the operator out:
    /// a session that cannot be stored lasts as long as this program.
    pub async fn begin(&self, user: &str) -> String {
        let token = random_text(TOKEN_LENGTH);
        let expires = SystemTime::now() + SESSION_LIFETIME;
        let session = SessionRow {
            token_hash: hash(&token),
            user: user.to_owned(),
            expires_millis: millis_since_epoch(expires),
        };
        if let Err(error) = self.store.add_session(session).await {
            tracing::warn!("this login ends when Tidegate does: {error}");
            self.remember(hash(&token), user, SESSION_LIFETIME);
        }
        token
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
        if let Some(user) = self.recall(&token_hash) {
            return Ok(Some(user));
        }
        let Some(session) = self.store.session(token_hash.clone()).await? else {
            return Ok(None);
        };
        self.remember(token_hash, &session.user, REMEMBER);
        Ok(Some(session.user))
    }

    /// Ends the session of `token`.
    ///
    /// # Errors
    /// The store's.
    pub async fn end(&self, token: &str) -> Result<(), StoreError> {
        let token_hash = hash(token);
        self.memory().remove(&token_hash);
        self.store.remove_session(token_hash).await
    }

    fn recall(&self, token_hash: &[u8]) -> Option<String> {
        let memory = self.memory();
        let known = memory.get(token_hash)?;
        (Instant::now() < known.until).then(|| known.user.clone())
    }

    fn remember(&self, token_hash: Vec<u8>, user: &str, lasting: Duration) {
        let (now, user) = (Instant::now(), user.to_owned());
        let mut memory = self.memory();
        if memory.len() >= REMEMBERED_MAX {
            memory.retain(|_, known| known.until > now);
        }
        if memory.len() < REMEMBERED_MAX {
            let until = now + lasting;
            memory.insert(token_hash, Remembered { until, user });
        }
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Remembered>> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_disk_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store
            .call(|connection| connection.pragma_update(None, "query_only", true))
            .await
            .unwrap();
        let sessions = Sessions::new(store);
        let token = sessions.begin("admin").await;
        let user = sessions.user(&token).await.unwrap();
        assert_eq!(user.as_deref(), Some("admin"));
        // Logging out cannot be stored either, and is done all the same.
        let _ = sessions.end(&token).await;
        assert_eq!(sessions.user(&token).await.unwrap(), None);
    }
}
