//! The schema, one step per version. A step that was released is never edited.

use rusqlite::Connection;

use super::StoreError;

const STEPS: &[&str] = &[
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

    CREATE TABLE revisions (
        revision INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        summary TEXT NOT NULL
    ) STRICT;

    CREATE TABLE objects (
        what TEXT NOT NULL,
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        config TEXT NOT NULL,
        PRIMARY KEY (what, name)
    ) STRICT;

    CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        origin TEXT NOT NULL,
        value TEXT NOT NULL
    ) STRICT;

    CREATE TABLE sessions (
        token_hash BLOB PRIMARY KEY,
        user TEXT NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        subject_type TEXT,
        subject_name TEXT,
        data TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_by_kind ON events (kind, id);

    CREATE TABLE rejections (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        data TEXT NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE bans (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        network TEXT NOT NULL UNIQUE,
        reason TEXT NOT NULL,
        added_by TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER
    ) STRICT;
",
];

/// Brings the database to the newest schema, each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > STEPS.len() {
        return Err(StoreError::TooNew {
            found,
            known: STEPS.len(),
        });
    }
    for (index, step) in STEPS.iter().enumerate().skip(found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", index + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
