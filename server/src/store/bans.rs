//! Bans: addresses nobody may call from, until a time or for good.

use rusqlite::params;

use super::{Store, StoreError};

/// One ban as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanRow {
    /// Its number.
    pub id: u64,
    /// An address or a network, as text.
    pub network: String,
    /// Why.
    pub reason: String,
    /// Who banned it.
    pub added_by: String,
    /// Since when, milliseconds since 1970.
    pub since_millis: u64,
    /// Until when; `None` is for good.
    pub until_millis: Option<u64>,
}

impl Store {
    /// Every ban, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn bans(&self) -> Result<Vec<BanRow>, StoreError> {
        self.call(|connection| {
            let mut statement = connection.prepare(
                "SELECT id, network, reason, added_by, since, until FROM bans ORDER BY id",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(BanRow {
                    id: row.get(0)?,
                    network: row.get(1)?,
                    reason: row.get(2)?,
                    added_by: row.get(3)?,
                    since_millis: row.get(4)?,
                    until_millis: row.get(5)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Stores a ban in place of any of the same network, and returns its number.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_ban(&self, ban: BanRow) -> Result<u64, StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM bans WHERE network = ?1", [&ban.network])?;
            transaction.execute(
                "INSERT INTO bans (network, reason, added_by, since, until)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    ban.network,
                    ban.reason,
                    ban.added_by,
                    ban.since_millis,
                    ban.until_millis
                ],
            )?;
            let id = transaction.last_insert_rowid();
            transaction.commit()?;
            Ok(id.unsigned_abs())
        })
        .await
    }

    /// Removes bans by their numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_bans(&self, ids: Vec<u64>) -> Result<(), StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            for id in ids {
                transaction.execute("DELETE FROM bans WHERE id = ?1", [id])?;
            }
            transaction.commit()
        })
        .await
    }
}
