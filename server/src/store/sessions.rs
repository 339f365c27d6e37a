//! Login sessions. Only a hash of the token is stored: a copy of the file opens nothing.

use std::time::SystemTime;

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};
use crate::time::millis_since_epoch;

/// Most sessions at a time; the one that expires first gives way.
pub const SESSIONS_MAX: u32 = 1_000;

/// One login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    /// Who logged in.
    pub user: String,
    /// When it ends, milliseconds since 1970.
    pub expires_millis: u64,
}

impl Store {
    /// Stores a session, dropping what has expired.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_session(&self, session: SessionRow) -> Result<(), StoreError> {
        let now = millis_since_epoch(SystemTime::now());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM sessions WHERE expires <= ?1", [now])?;
            transaction.execute(
                "INSERT OR REPLACE INTO sessions (token_hash, user, expires) VALUES (?1, ?2, ?3)",
                params![session.token_hash, session.user, session.expires_millis],
            )?;
            transaction.execute(
                "DELETE FROM sessions WHERE token_hash NOT IN
                    (SELECT token_hash FROM sessions ORDER BY expires DESC LIMIT ?1)",
                [SESSIONS_MAX],
            )?;
            transaction.commit()
        })
        .await
    }

    /// The live session with that token hash.
    ///
    /// # Errors
    /// The store's.
    pub async fn session(&self, token_hash: Vec<u8>) -> Result<Option<SessionRow>, StoreError> {
        let now = millis_since_epoch(SystemTime::now());
        self.call(move |connection| {
            connection
                .query_row(
                    "SELECT token_hash, user, expires FROM sessions
                     WHERE token_hash = ?1 AND expires > ?2",
                    params![token_hash, now],
                    |row| {
                        Ok(SessionRow {
                            token_hash: row.get(0)?,
                            user: row.get(1)?,
                            expires_millis: row.get(2)?,
                        })
                    },
                )
                .optional()
        })
        .await
    }

    /// Ends one session.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_session(&self, token_hash: Vec<u8>) -> Result<(), StoreError> {
        self.call(move |connection| {
            connection.execute("DELETE FROM sessions WHERE token_hash = ?1", [token_hash])?;
            Ok(())
        })
        .await
    }

    /// Ends all sessions: after the password changed.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_all_sessions(&self) -> Result<(), StoreError> {
        self.call(|connection| connection.execute("DELETE FROM sessions", []).map(drop))
            .await
    }
}
