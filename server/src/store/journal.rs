//! The event store: what happened, and who was turned away.

use rusqlite::{Connection, ToSql, params};

use super::{Store, StoreError};

/// Most events kept; the oldest go first.
pub const EVENTS_MAX: u64 = 100_000;
/// Most rejection records kept; the oldest go first.
pub const REJECTIONS_MAX: usize = 1_000;

/// One event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its number; later events have larger ones. 0 before it is stored.
    pub id: u64,
    /// Milliseconds since 1970.
    pub at_millis: u64,
    /// `source_connected`, `connection_rejected` …
    pub kind: String,
    /// What it is about: `source`, `output`, `listener`.
    pub subject_type: Option<String>,
    /// Its name.
    pub subject_name: Option<String>,
    /// The event's own fields as JSON.
    pub data: String,
}

/// One rejection record: the same caller turned away for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectionRow {
    /// Its number.
    pub id: u64,
    /// The latest time, milliseconds since 1970.
    pub at_millis: u64,
    /// All fields as JSON.
    pub data: String,
}

/// Which events to read.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Only later ones than this.
    pub after: Option<u64>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// Stores events and changed rejection records in one transaction, oldest dropped.
    /// Returns the events' numbers.
    ///
    /// # Errors
    /// The store's; then none is stored.
    pub async fn add_events(
        &self,
        events: Vec<EventRow>,
        rejections: Vec<RejectionRow>,
    ) -> Result<(), StoreError> {
        self.call(move |connection| write(connection, &events, &rejections))
            .await
    }

    /// Reads events: after a number the next ones in order, otherwise the newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn events(&self, query: EventQuery) -> Result<Vec<EventRow>, StoreError> {
        self.call(move |connection| read_events(connection, &query))
            .await
    }

    /// The highest event number ever given.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_event_id(&self) -> Result<u64, StoreError> {
        self.call(|connection| {
            let id: Option<u64> =
                connection.query_row("SELECT MAX(id) FROM events", [], |row| row.get(0))?;
            Ok(id.unwrap_or(0))
        })
        .await
    }

    /// All rejection records, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn rejections(&self) -> Result<Vec<RejectionRow>, StoreError> {
        self.call(|connection| {
            connection
                .prepare("SELECT id, at, data FROM rejections ORDER BY id")?
                .query_map([], |row| {
                    Ok(RejectionRow {
                        id: row.get(0)?,
                        at_millis: row.get(1)?,
                        data: row.get(2)?,
                    })
                })?
                .collect()
        })
        .await
    }
}

fn write(
    connection: &mut Connection,
    events: &[EventRow],
    rejections: &[RejectionRow],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for event in events {
        transaction
            .prepare_cached(
                "INSERT INTO events (id, at, kind, subject_type, subject_name, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                event.id,
                event.at_millis,
                event.kind,
                event.subject_type,
                event.subject_name,
                event.data
            ])?;
    }
    for rejection in rejections {
        transaction
            .prepare_cached(
                "INSERT INTO rejections (id, at, data) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET at = excluded.at, data = excluded.data",
            )?
            .execute(params![rejection.id, rejection.at_millis, rejection.data])?;
    }
    if let Some(last) = events.last() {
        transaction.execute(
            "DELETE FROM events WHERE id <= ?1",
            [last.id.saturating_sub(EVENTS_MAX)],
        )?;
    }
    if let Some(last) = rejections.iter().map(|rejection| rejection.id).max() {
        let oldest = last.saturating_sub(REJECTIONS_MAX as u64);
        transaction.execute("DELETE FROM rejections WHERE id <= ?1", [oldest])?;
    }
    transaction.commit()
}

fn read_events(connection: &Connection, query: &EventQuery) -> rusqlite::Result<Vec<EventRow>> {
    let order = if query.after.is_some() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT id, at, kind, subject_type, subject_name, data FROM events
         WHERE id > ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY id {order} LIMIT ?3"
    );
    let after = query.after.unwrap_or(0);
    let parameters: [&dyn ToSql; 3] = [&after, &query.kind, &query.limit];
    connection
        .prepare_cached(&sql)?
        .query_map(parameters, |row| {
            Ok(EventRow {
                id: row.get(0)?,
                at_millis: row.get(1)?,
                kind: row.get(2)?,
                subject_type: row.get(3)?,
                subject_name: row.get(4)?,
                data: row.get(5)?,
            })
        })?
        .collect()
}
