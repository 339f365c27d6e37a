//! The desired state's rows: objects, secrets, revisions, and small facts about the node.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};
use zeroize::Zeroizing;

use super::{Store, StoreError};
use crate::time::millis_since_epoch;

/// Revisions whose author and summary are kept.
pub(super) const REVISIONS_MAX: u64 = 10_000;

/// A listener, source or output as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    /// `listener`, `source` or `output`.
    pub what: String,
    /// Its name.
    pub name: String,
    /// The revision that last changed it.
    pub revision: u64,
    /// Its settings as JSON, secrets by name.
    pub config: String,
}

/// A secret as stored.
#[derive(Clone)]
pub struct SecretRow {
    /// Its name; one with a slash belongs to the object it is named after.
    pub name: String,
    /// `value`, `env` or `file`.
    pub origin: String,
    /// The value, the variable's name, or the path.
    pub value: Zeroizing<String>,
}

impl std::fmt::Debug for SecretRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretRow")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Who changed what, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionRow {
    /// Its number.
    pub revision: u64,
    /// Milliseconds since 1970.
    pub at_millis: u64,
    /// Who.
    pub actor: String,
    /// What, in words.
    pub summary: String,
}

/// Everything stored of the desired state.
#[derive(Debug, Default)]
pub struct StateRows {
    /// The newest revision; 0 before the first change.
    pub revision: u64,
    /// Objects in the operator's order.
    pub objects: Vec<ObjectRow>,
    /// All secrets.
    pub secrets: Vec<SecretRow>,
}

/// One change of the desired state, written as a whole or not at all.
#[derive(Debug, Default)]
pub struct Write {
    /// The revision it makes.
    pub revision: u64,
    /// Who.
    pub actor: String,
    /// What, in words.
    pub summary: String,
    /// Objects to insert or replace, each with its position.
    pub put: Vec<(ObjectRow, usize)>,
    /// Objects to delete: what, name.
    pub delete: Vec<(String, String)>,
    /// Secrets to insert or replace.
    pub put_secrets: Vec<SecretRow>,
    /// Secrets to delete.
    pub delete_secrets: Vec<String>,
    /// Facts to set.
    pub meta: Vec<(&'static str, String)>,
}

impl Store {
    /// Reads the desired state.
    ///
    /// # Errors
    /// The store's.
    pub async fn state(&self) -> Result<StateRows, StoreError> {
        self.call(read).await
    }

    /// Writes one change.
    ///
    /// # Errors
    /// The store's; then nothing of it is written.
    pub async fn write(&self, write: Write) -> Result<(), StoreError> {
        self.call(move |connection| apply(connection, &write)).await
    }

    /// A fact about the node.
    ///
    /// # Errors
    /// The store's.
    pub async fn meta(&self, key: &'static str) -> Result<Option<String>, StoreError> {
        self.call(move |connection| {
            connection
                .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                    row.get(0)
                })
                .optional()
        })
        .await
    }

    /// Sets a fact about the node.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_meta(&self, key: &'static str, value: String) -> Result<(), StoreError> {
        self.call(move |connection| set_meta(connection, key, &value))
            .await
    }

    /// The newest revisions, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn revisions(&self, limit: u32) -> Result<Vec<RevisionRow>, StoreError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT revision, at, actor, summary FROM revisions
                     ORDER BY revision DESC LIMIT ?1",
                )?
                .query_map([limit], |row| {
                    Ok(RevisionRow {
                        revision: row.get(0)?,
                        at_millis: row.get(1)?,
                        actor: row.get(2)?,
                        summary: row.get(3)?,
                    })
                })?
                .collect()
        })
        .await
    }
}

fn read(connection: &mut Connection) -> rusqlite::Result<StateRows> {
    let transaction = connection.transaction()?;
    let revision: Option<u64> =
        transaction.query_row("SELECT MAX(revision) FROM revisions", [], |row| row.get(0))?;
    let objects = transaction
        .prepare("SELECT what, name, revision, config FROM objects ORDER BY position, rowid")?
        .query_map([], |row| {
            Ok(ObjectRow {
                what: row.get(0)?,
                name: row.get(1)?,
                revision: row.get(2)?,
                config: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let secrets = transaction
        .prepare("SELECT name, origin, value FROM secrets")?
        .query_map([], |row| {
            let value: String = row.get(2)?;
            Ok(SecretRow {
                name: row.get(0)?,
                origin: row.get(1)?,
                value: Zeroizing::new(value),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(StateRows {
        revision: revision.unwrap_or(0),
        objects,
        secrets,
    })
}

fn apply(connection: &mut Connection, write: &Write) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute(
        "INSERT INTO revisions (revision, at, actor, summary) VALUES (?1, ?2, ?3, ?4)",
        params![
            write.revision,
            millis_since_epoch(SystemTime::now()),
            write.actor,
            write.summary
        ],
    )?;
    transaction.execute(
        "DELETE FROM revisions WHERE revision <= ?1",
        [write.revision.saturating_sub(REVISIONS_MAX)],
    )?;
    for (what, name) in &write.delete {
        transaction.execute(
            "DELETE FROM objects WHERE what = ?1 AND name = ?2",
            params![what, name],
        )?;
    }
    for (object, position) in &write.put {
        transaction
            .prepare_cached(
                "INSERT INTO objects (what, name, position, revision, config)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (what, name) DO UPDATE SET
                position = excluded.position, revision = excluded.revision,
                config = excluded.config",
            )?
            .execute(params![
                object.what,
                object.name,
                position,
                object.revision,
                object.config
            ])?;
    }
    for name in &write.delete_secrets {
        transaction.execute("DELETE FROM secrets WHERE name = ?1", [name])?;
    }
    for secret in &write.put_secrets {
        transaction.execute(
            "INSERT INTO secrets (name, origin, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET origin = excluded.origin, value = excluded.value",
            params![secret.name, secret.origin, secret.value.as_str()],
        )?;
    }
    for (key, value) in &write.meta {
        set_meta(&transaction, key, value)?;
    }
    transaction.commit()
}

fn set_meta(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [key, value],
    )?;
    Ok(())
}
