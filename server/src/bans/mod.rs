//! Addresses from which nobody may call, until a time or for good.
//!
//! ```text
//! API ─▶ store (first, so that a ban survives) ─▶ the list ─▶ every listener at once
//!                                                   ▲
//!                      once a second: what is over ─┘
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tidegate_engine::{EventKind, EventSink, Subject};
use tidegate_units::Network;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::adapters::Adapters;
use crate::store::{BanRow, Store, StoreError};
use crate::time::{millis_since_epoch, rfc3339_of_millis};

/// Most bans at a time.
pub const BANS_MAX: usize = 10_000;
/// How often it is looked at which are over.
const LOOK: Duration = Duration::from_secs(1);

/// One ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Its number.
    pub id: u64,
    /// Who is banned.
    pub network: Network,
    /// Why.
    pub reason: String,
    /// Who banned them.
    pub added_by: String,
    /// Since when, milliseconds since 1970.
    pub since_millis: u64,
    /// Until when; `None` is for good.
    pub until_millis: Option<u64>,
}

/// Why a ban was not made.
#[derive(Debug, thiserror::Error)]
pub enum BanError {
    /// There are too many.
    #[error("There are {BANS_MAX} bans already.")]
    Full,
    /// The store's report.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The bans in force.
#[derive(Debug)]
pub struct Bans {
    store: Store,
    adapters: Arc<Adapters>,
    events: EventSink,
    /// Held while the list is changed.
    changing: Mutex<()>,
    list: RwLock<BTreeMap<u64, Ban>>,
}

impl Bans {
    /// The stored bans, put in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn load(
        store: Store,
        adapters: Arc<Adapters>,
        events: EventSink,
    ) -> Result<Self, StoreError> {
        let rows = store.bans().await?;
        let bans = Self {
            store,
            adapters,
            events,
            changing: Mutex::new(()),
            list: RwLock::new(rows.into_iter().filter_map(read).collect()),
        };
        bans.expire(now_millis()).await?;
        bans.put_in_force().await;
        Ok(bans)
    }

    /// Every ban, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Ban> {
        self.read_list(|list| list.values().cloned().collect())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.read_list(BTreeMap::len)
    }

    /// Bans a network, in place of an earlier ban of it.
    ///
    /// # Errors
    /// When there are too many, or the store fails.
    pub async fn add(&self, ban: Ban) -> Result<Ban, BanError> {
        let _changing = self.changing.lock().await;
        let same = |known: &Ban| known.network == ban.network;
        let replaced = self.read_list(|list| list.values().find(|known| same(known)).cloned());
        if replaced.is_none() && self.count() >= BANS_MAX {
            return Err(BanError::Full);
        }
        let id = self.store.put_ban(row(&ban)).await?;
        let ban = Ban { id, ..ban };
        self.change_list(|list| {
            if let Some(replaced) = replaced {
                list.remove(&replaced.id);
            }
            list.insert(id, ban.clone());
        });
        self.put_in_force().await;
        let until = ban.until_millis.map_or("for good".to_owned(), |millis| {
            format!("until {}", rfc3339_of_millis(millis))
        });
        self.audit(
            &ban.added_by,
            format!("banned {} {until}: {}", ban.network, ban.reason),
        );
        Ok(ban)
    }

    /// Lifts a ban; false if there is none of that number.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove(&self, id: u64, by: &str) -> Result<bool, StoreError> {
        let _changing = self.changing.lock().await;
        let Some(ban) = self.read_list(|list| list.get(&id).cloned()) else {
            return Ok(false);
        };
        self.store.remove_bans(vec![id]).await?;
        self.change_list(|list| list.remove(&id));
        self.put_in_force().await;
        self.audit(by, format!("lifted the ban of {}", ban.network));
        Ok(true)
    }

    /// Ends bans when their time is over, until stopped.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let _changing = self.changing.lock().await;
            match self.expire(now_millis()).await {
                Ok(false) => {}
                Ok(true) => self.put_in_force().await,
                Err(error) => tracing::warn!("a ban that is over stands for now: {error}"),
            }
        }
    }

    /// Takes out what is over; whether that changed anything.
    async fn expire(&self, now_millis: u64) -> Result<bool, StoreError> {
        let is_over = |ban: &&Ban| ban.until_millis.is_some_and(|until| until <= now_millis);
        let over: Vec<Ban> =
            self.read_list(|list| list.values().filter(is_over).cloned().collect());
        if over.is_empty() {
            return Ok(false);
        }
        let ids: Vec<u64> = over.iter().map(|ban| ban.id).collect();
        self.store.remove_bans(ids).await?;
        self.change_list(|list| over.iter().for_each(|ban| drop(list.remove(&ban.id))));
        for ban in over {
            let message = format!("the ban of {} is over", ban.network);
            self.events
                .emit(Subject::system(), EventKind::Notice { message });
        }
        Ok(true)
    }

    async fn put_in_force(&self) {
        let networks = self.read_list(|list| list.values().map(|ban| ban.network).collect());
        self.adapters.set_bans(networks).await;
    }

    fn audit(&self, by: &str, action: String) {
        let by = by.to_owned();
        self.events
            .emit(Subject::system(), EventKind::Audit { by, action });
    }

    fn read_list<T>(&self, look: impl FnOnce(&BTreeMap<u64, Ban>) -> T) -> T {
        look(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_list<T>(&self, change: impl FnOnce(&mut BTreeMap<u64, Ban>) -> T) -> T {
        change(&mut self.list.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn now_millis() -> u64 {
    millis_since_epoch(SystemTime::now())
}

fn row(ban: &Ban) -> BanRow {
    BanRow {
        id: ban.id,
        network: ban.network.to_string(),
        reason: ban.reason.clone(),
        added_by: ban.added_by.clone(),
        since_millis: ban.since_millis,
        until_millis: ban.until_millis,
    }
}

/// What this program wrote it can read.
fn read(row: BanRow) -> Option<(u64, Ban)> {
    let ban = Ban {
        id: row.id,
        network: row.network.parse().ok()?,
        reason: row.reason,
        added_by: row.added_by,
        since_millis: row.since_millis,
        until_millis: row.until_millis,
    };
    Some((ban.id, ban))
}
