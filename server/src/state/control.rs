//! Changing the desired state: one at a time, checked, stored, then announced.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tidegate_engine::{EventKind, EventSink, Subject, nearest};
use tokio::sync::{Mutex, watch};

use super::desired::{Desired, NODE_KEY, UnreadableObject};
use crate::adapters::Item;
use crate::config::{ConfigErrors, ConfigProblem, Document, read};
use crate::store::{Store, StoreError};

/// Why a change was not made; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The state it would make is wrong.
    #[error("{}", .0.first().map_or_else(String::new, ToString::to_string))]
    Invalid(Vec<ConfigProblem>),
    /// Created before.
    #[error("Another {what} is named \"{name}\" already.")]
    Exists {
        /// `listener`, `source` or `output`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Nothing has that name.
    #[error("There is no {what} named \"{name}\".")]
    NotFound {
        /// `listener`, `source` or `output`.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The one most like it.
        nearest: Option<String>,
    },
    /// Somebody changed it since it was read.
    #[error("It was changed meanwhile: this is about revision {expected}, it is at {actual}.")]
    Stale {
        /// The revision the change was made for.
        expected: u64,
        /// The revision it has.
        actual: u64,
    },
    /// Others need it.
    #[error("The {what} \"{name}\" is in use by {}.", .users.join(", "))]
    InUse {
        /// `listener` or `source`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who needs it.
        users: Vec<String>,
    },
    /// The store's report.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored cannot be read.
    #[error(transparent)]
    Unreadable(#[from] UnreadableObject),
}

/// A change that was made, or that changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The object did not exist before.
    pub created: bool,
    /// Its revision now.
    pub revision: u64,
}

/// How the configuration file differs from the state in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Drift {
    /// The file, when one was given.
    pub file: Option<String>,
    /// Whether it describes anything else than the state in force.
    pub differs: bool,
    /// What differs, in words.
    pub differences: Vec<String>,
    /// Why the file cannot be read.
    pub error: Option<String>,
}

/// The desired state, and the only way to change it.
#[derive(Debug)]
pub struct Control {
    store: Store,
    desired: watch::Sender<Arc<Desired>>,
    one_at_a_time: Mutex<()>,
    events: EventSink,
}

impl Control {
    /// Reads the state from the store.
    ///
    /// # Errors
    /// The store's, or an object only another version can read.
    pub async fn load(store: Store, events: EventSink) -> Result<Self, ChangeError> {
        let rows = store.state().await?;
        let node = store.meta(NODE_KEY).await?;
        let desired = Desired::from_rows(rows, node.as_deref())?;
        let desired = watch::Sender::new(Arc::new(desired));
        Ok(Self {
            store,
            desired,
            one_at_a_time: Mutex::new(()),
            events,
        })
    }

    /// The state in force.
    #[must_use]
    pub fn current(&self) -> Arc<Desired> {
        self.desired.borrow().clone()
    }

    /// Every state from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Desired>> {
        self.desired.subscribe()
    }

    /// Adds an object.
    ///
    /// # Errors
    /// When the name is taken, or the object is wrong.
    pub async fn create<T: Item>(&self, item: T, by: &str) -> Result<Changed, ChangeError> {
        let _turn = self.one_at_a_time.lock().await;
        let current = self.current();
        let name = item.name().to_string();
        if current.find::<T>(&name).is_some() {
            return Err(ChangeError::Exists {
                what: T::WHAT,
                name,
            });
        }
        let next = current.with(item).map_err(ChangeError::Invalid)?;
        self.commit(&current, next, by).await?;
        Ok(Changed {
            created: true,
            revision: self.current().revision_of::<T>(&name),
        })
    }

    /// Adds an object or replaces the one of its name.
    ///
    /// # Errors
    /// When it is wrong, or not at the expected revision.
    pub async fn put<T: Item>(
        &self,
        item: T,
        expected: Option<u64>,
        by: &str,
    ) -> Result<Changed, ChangeError> {
        let _turn = self.one_at_a_time.lock().await;
        let current = self.current();
        let name = item.name().to_string();
        let created = current.find::<T>(&name).is_none();
        check_revision::<T>(&current, &name, expected)?;
        let next = current.with(item).map_err(ChangeError::Invalid)?;
        self.commit(&current, next, by).await?;
        Ok(Changed {
            created,
            revision: self.current().revision_of::<T>(&name),
        })
    }

    /// Removes an object.
    ///
    /// # Errors
    /// When it is not there, others need it, or it is not at the expected revision.
    pub async fn delete<T: Item>(
        &self,
        name: &str,
        expected: Option<u64>,
        by: &str,
    ) -> Result<(), ChangeError> {
        let _turn = self.one_at_a_time.lock().await;
        let current = self.current();
        if current.find::<T>(name).is_none() {
            return Err(not_found::<T>(&current, name));
        }
        check_revision::<T>(&current, name, expected)?;
        let users = users_of(&current.document, T::WHAT, name);
        if !users.is_empty() {
            return Err(ChangeError::InUse {
                what: T::WHAT,
                name: name.to_owned(),
                users,
            });
        }
        let next = current.without::<T>(name).map_err(ChangeError::Invalid)?;
        self.commit(&current, next, by).await
    }

    /// Puts a whole configuration in force. Returns the revision then.
    ///
    /// # Errors
    /// When it is wrong, or not for the expected revision.
    pub async fn replace(
        &self,
        document: Document,
        expected: Option<u64>,
        by: &str,
    ) -> Result<u64, ChangeError> {
        let _turn = self.one_at_a_time.lock().await;
        let current = self.current();
        if let Some(expected) = expected.filter(|expected| *expected != current.revision) {
            return Err(ChangeError::Stale {
                expected,
                actual: current.revision,
            });
        }
        let next = current
            .replaced_by(document)
            .map_err(ChangeError::Invalid)?;
        self.commit(&current, next, by).await?;
        Ok(self.current().revision)
    }

    /// Reads `file` and puts it in force.
    ///
    /// # Errors
    /// As [`Self::replace`]; what is wrong with the file has its line and column.
    pub async fn apply_file(&self, file: &Path, by: &str) -> Result<u64, ApplyError> {
        let named = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| ApplyError::Unreadable(named.clone(), error))?;
        let document = read::document(&text).map_err(|errors| errors.in_file(&named))?;
        self.replace(document, None, by)
            .await
            .map_err(|error| match error {
                ChangeError::Invalid(problems) => {
                    read::placed(&text, problems).in_file(named).into()
                }
                other => ApplyError::Change(other),
            })
    }

    /// Compares `file` with the state in force.
    #[must_use]
    pub fn drift(&self, file: &Path) -> Drift {
        let named = file.display().to_string();
        let mut drift = Drift {
            file: Some(named),
            ..Drift::default()
        };
        let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
        let current = self.current();
        let described = read.and_then(|text| {
            let document = read::document(&text).map_err(|errors| errors.to_string())?;
            current
                .replaced_by(document)
                .map_err(|problems| read::placed(&text, problems).to_string())
        });
        match described {
            Ok(described) => {
                drift.differs = !described.same_as(&current);
                drift.differences = described.differences(&current);
            }
            Err(error) => {
                drift.differs = true;
                drift.error = Some(error);
            }
        }
        drift
    }

    async fn commit(&self, current: &Desired, next: Desired, by: &str) -> Result<(), ChangeError> {
        if next.same_as(current) {
            return Ok(());
        }
        let write = next.write(current, by);
        let (revision, summary) = (write.revision, write.summary.clone());
        self.store.write(write).await?;
        self.desired.send_replace(Arc::new(next));
        let changed = EventKind::ConfigChanged {
            revision,
            by: by.to_owned(),
            summary,
        };
        self.events.emit(Subject::system(), changed);
        Ok(())
    }
}

/// Why a file was not put in force.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    /// It is wrong.
    #[error(transparent)]
    Wrong(#[from] ConfigErrors),
    /// The change was refused.
    #[error("{0}")]
    Change(ChangeError),
}

fn check_revision<T: Item>(
    current: &Desired,
    name: &str,
    expected: Option<u64>,
) -> Result<(), ChangeError> {
    let actual = current.revision_of::<T>(name);
    match expected {
        Some(expected) if expected != actual => Err(ChangeError::Stale { expected, actual }),
        _ => Ok(()),
    }
}

/// [`ChangeError::NotFound`] with the nearest name.
pub(crate) fn not_found<T: Item>(current: &Desired, name: &str) -> ChangeError {
    let known = T::list(&current.document)
        .iter()
        .map(|item| item.name().as_str());
    ChangeError::NotFound {
        what: T::WHAT,
        name: name.chars().take(crate::config::NAME_BYTES_MAX).collect(),
        nearest: nearest(name, known).map(str::to_owned),
    }
}

fn users_of(document: &Document, what: &str, name: &str) -> Vec<String> {
    let on_listener = |listener: Option<(&str, &str)>| {
        what == "listener" && listener.is_some_and(|(_, listener)| listener == name)
    };
    let reads = |read: Vec<(String, &str)>| {
        what == "source" && read.iter().any(|(_, source)| *source == name)
    };
    let sources = document
        .sources
        .iter()
        .filter(|source| on_listener(source.listener()) || reads(source.reads()));
    let outputs = document.outputs.iter().filter(|output| {
        on_listener(output.listener()) || (what == "source" && output.source.as_str() == name)
    });
    let sources = sources.map(|source| format!("source {}", source.name()));
    let outputs = outputs.map(|output| format!("output {}", output.name()));
    sources.chain(outputs).collect()
}
