//! A listener: its routing table, its socket, and who may come in.

mod admission;
mod asking;
mod caller;
mod candidate;
mod conditions;
mod drops;
mod filter;
mod open;
mod own_port;
mod stay;
mod table;

pub(crate) use caller::Caller;
pub(crate) use candidate::{Candidate, Refusal};
pub(crate) use open::Opening;
pub(crate) use own_port::Alone;
pub(crate) use stay::Stay;
pub(crate) use table::{Claimed, Entry};

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tidegate_engine::{EventSink, Places, RunError, Turnstile};
use tidegate_srt::CipherMode;
use tidegate_srt_io::Shards;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::doorman::Webhook;
use crate::house::House;
use crate::lock::{Lock, Rule};
use crate::passphrases::Passphrases;
use crate::settings::ListenerSettings;
use open::Terms;
use table::Table;

/// How long a stream waits for the place of one that goes: two may have swapped theirs.
const RELEASE_WAIT: Duration = Duration::from_secs(2);

/// One listener by name. It exists as soon as anybody refers to it; callers reach it while its
/// port is open.
pub(crate) struct Listening {
    pub(crate) name: Arc<str>,
    shards: Arc<Shards>,
    /// Which stream ID belongs to whom; replaced as a whole, read without a lock.
    table: ArcSwap<Table>,
    /// Held while the table is replaced.
    changing: Mutex<()>,
    /// Told when somebody's claim ends.
    released: Notify,
    settings: ArcSwapOption<ListenerSettings>,
    events: ArcSwapOption<EventSink>,
    runtime: OnceLock<Handle>,
    pub(crate) house: Arc<House>,
    /// Who is on this listener.
    turnstile: Arc<Turnstile>,
    /// Whom to ask about callers, unless a stream has a webhook of its own.
    webhook: ArcSwapOption<Webhook>,
    /// The passphrases of streams that have none of their own.
    passphrases: ArcSwap<Passphrases>,
    /// Derivations every handshake with keys costs: the most passphrases that are valid for
    /// one caller, whatever the stream.
    tries: AtomicUsize,
    /// The one inquiry into a wrong passphrase that may be under way.
    inquiry: Arc<Semaphore>,
    pub(crate) opening: Opening,
    /// Of a port that serves one stream, whatever it is asked for.
    alone: Option<Alone>,
    /// Ports of its range that streams have.
    range: Mutex<Vec<Weak<Self>>>,
}

impl Listening {
    pub(crate) fn new(name: &str, shards: Arc<Shards>, house: Arc<House>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            shards,
            table: ArcSwap::default(),
            changing: Mutex::new(()),
            released: Notify::new(),
            settings: ArcSwapOption::empty(),
            events: ArcSwapOption::empty(),
            runtime: OnceLock::new(),
            house,
            turnstile: Arc::default(),
            webhook: ArcSwapOption::empty(),
            passphrases: ArcSwap::default(),
            tries: AtomicUsize::new(1),
            inquiry: Arc::new(Semaphore::new(1)),
            opening: Opening::default(),
            alone: None,
            range: Mutex::default(),
        })
    }

    /// A port for one stream alone.
    pub(crate) fn for_one(alone: Alone, shards: Arc<Shards>, house: Arc<House>) -> Arc<Self> {
        let mut listening = Self::new(&alone.name(), shards, house);
        if let Some(fresh) = Arc::get_mut(&mut listening) {
            if let Alone::Of(listener, _) = &alone {
                fresh.turnstile = Arc::clone(&listener.turnstile);
            }
            fresh.alone = Some(alone);
            fresh.table = ArcSwap::from_pointee(Table::for_one());
        }
        if let Some(Alone::Of(listener, _)) = &listening.alone {
            listener.add_to_range(&listening);
        }
        listening
    }

    /// Gives `stream_id` to a source or an output until the claim is dropped. Whose it was in
    /// the configuration before may still be going.
    pub(crate) async fn claim(
        self: &Arc<Self>,
        stream_id: &str,
        entry: Entry,
    ) -> Result<Claimed, RunError> {
        let deadline = Instant::now() + RELEASE_WAIT;
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            // From here on no release is missed.
            released.as_mut().enable();
            let taken = match self.claim_now(stream_id, entry.clone()) {
                Ok(claimed) => return Ok(claimed),
                Err(taken) => taken,
            };
            if timeout_at(deadline, released).await.is_err() {
                return Err(taken);
            }
        }
    }

    fn claim_now(self: &Arc<Self>, stream_id: &str, entry: Entry) -> Result<Claimed, RunError> {
        self.note_runtime();
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.table.load().with(stream_id, entry).map_err(|owner| {
            let listener = &self.name;
            let taken = if self.alone.is_some() {
                RunError::configuration(
                    format!("the {listener} belongs to {owner}"),
                    "Give every source and output a port of its own, or put them on a listener, \
                     with a stream ID each",
                )
            } else {
                let what = format!("the stream ID {stream_id:?} on listener {listener}");
                RunError::configuration(
                    format!("{what} belongs to {owner}"),
                    "Give every source and output on a listener a stream ID of its own",
                )
            };
            // The owner may be about to move.
            RunError {
                retry: true,
                ..taken
            }
        })?;
        self.table.store(Arc::new(table));
        self.count_tries();
        Ok(Claimed::new(Arc::clone(self), stream_id))
    }

    fn release(&self, stream_id: &str) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.table.load().without(stream_id);
        self.table.store(Arc::new(table));
        self.count_tries();
        self.released.notify_waiters();
    }

    /// Has a running stream ask of its callers what `newer` does, if it can.
    pub(crate) fn change(&self, lock: &Lock, newer: &Lock) -> bool {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = lock.take_over(newer);
        self.count_tries();
        changed
    }

    /// From now on these terms hold.
    fn adopt(&self, terms: Terms) {
        self.webhook.store(terms.webhook);
        self.settings.store(Some(Arc::new(terms.settings)));
        self.set_passphrases(terms.passphrases);
    }

    /// The terms of a listener that is no more hold for nobody, nor for the ports of its range.
    fn forget_terms(&self) {
        self.webhook.store(None);
        self.settings.store(None);
        self.set_passphrases(Passphrases::default());
    }

    fn set_passphrases(&self, passphrases: Passphrases) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.passphrases.store(Arc::new(passphrases));
        self.count_tries();
    }

    /// Only while `changing` is held.
    fn count_tries(&self) {
        let of_streams = self.table.load().most_passphrases();
        let most = of_streams.max(self.passphrases.load().most());
        self.tries.store(most.max(1), Ordering::Release);
    }

    /// Who comes in through this lock here.
    pub(crate) fn rule(&self, lock: &Lock) -> Rule {
        lock.rule(&self.passphrases.load_full())
    }

    /// The cipher mode that callers must have who come in through this lock.
    fn cipher(&self, lock: &Lock) -> Option<CipherMode> {
        let settings = self.settings.load();
        let of_listener = || {
            settings
                .as_ref()
                .and_then(|settings| settings.cipher.mode())
        };
        lock.cipher().or_else(of_listener)
    }

    /// Remembers the runtime that admission's waiting happens on.
    pub(crate) fn note_runtime(&self) {
        if let Ok(handle) = Handle::try_current() {
            // The first one stays: a process has one.
            let _ = self.runtime.set(handle);
        }
    }

    /// How many connections the listener takes.
    fn limits(&self) -> Places {
        self.settings
            .load()
            .as_ref()
            .map_or_else(ListenerSettings::default_limits, |settings| {
                settings.limits()
            })
    }

    /// Receive latency of streams without one of their own.
    pub(crate) fn latency(&self) -> Option<Duration> {
        self.settings
            .load()
            .as_ref()
            .map(|settings| settings.latency.0)
    }
}
