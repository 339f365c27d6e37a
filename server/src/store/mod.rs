//! The embedded store: desired state, secrets, sessions and events in one SQLite file.
//!
//! One thread owns the database; everybody else sends it closures. A change is on the disk
//! (WAL, `synchronous = FULL`) before the call that made it returns, so `kill -9` loses
//! nothing that was acknowledged.

mod bans;
mod desired;
mod journal;
mod schema;
mod sessions;

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

pub use bans::BanRow;
pub use desired::{ObjectRow, RevisionRow, SecretRow, StateRows, Write};
pub use journal::{EVENTS_MAX, EventQuery, EventRow, REJECTIONS_MAX, RejectionRow};
pub use sessions::{SESSIONS_MAX, SessionRow};

/// Most calls waiting for the store's thread; beyond it callers wait.
pub const QUEUE_MAX: usize = 256;
/// The database's file name in the data folder.
pub const FILE_NAME: &str = "tidegate.db";

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own report.
    #[error("the store failed: {0}. Check the disk that holds the data folder")]
    Sqlite(rusqlite::Error),
    /// The data folder cannot be used.
    #[error("the data folder {0} cannot be used: {1}")]
    Folder(String, std::io::Error),
    /// A newer Tidegate wrote the database.
    #[error(
        "the store was written by a newer Tidegate (schema {found}, this one knows {known}). \
         Run that version, or restore an older copy of the data folder"
    )]
    TooNew {
        /// Schema version of the file.
        found: usize,
        /// Newest schema version this program knows.
        known: usize,
    },
    /// Its thread has ended.
    #[error("the store is closed")]
    Closed,
}

/// The message holds the report already: as the cause too, it would be printed twice.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle on the store; clones share the one thread.
#[derive(Clone, Debug)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
}

impl Store {
    /// Opens or creates the store in `folder`, bringing its schema up to date.
    ///
    /// # Errors
    /// When the folder or file cannot be used, or a newer program wrote it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let at_folder = |error| StoreError::Folder(folder.display().to_string(), error);
        make_folder(folder)?;
        let mut connection = Connection::open(folder.join(FILE_NAME))?;
        make_private(&folder.join(FILE_NAME)).map_err(at_folder)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&mut connection)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE_MAX);
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut connection);
                }
            })
            .map_err(at_folder)?;
        Ok(Self { jobs })
    }

    /// Runs `work` on the store's thread.
    ///
    /// # Errors
    /// SQLite's, or [`StoreError::Closed`].
    pub async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The caller may have gone; the work is done all the same.
            let _ = reply.send(work(connection));
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        Ok(answer.await.map_err(|_| StoreError::Closed)??)
    }

    /// Waits until everything sent so far is done.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.call(|_| Ok(())).await
    }

    /// Calls that wait for the store's thread.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }
}

/// Makes the data folder, unless it is there.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(folder)
        .map_err(|error| StoreError::Folder(folder.display().to_string(), error))
}

fn make_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
}

#[cfg(test)]
mod tests;
