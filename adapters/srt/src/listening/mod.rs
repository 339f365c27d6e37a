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
mod table;

pub(crate) use caller::Caller;
pub(crate) use candidate::{Candidate, Refusal};
pub(crate) use open::Opening;
pub(crate) use table::{Claimed, Entry, Rules};

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use tidegate_engine::{EventSink, RunError};
use tidegate_srt::CipherMode;
use tidegate_srt_io::Shards;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::doorman::Webhook;
use crate::house::House;
use crate::lock::{Lock, Rule};
use crate::passphrases::Passphrases;
use crate::settings::ListenerSettings;
use crate::turnstile::{Limits, Turnstile};
use table::Table;

/// One listener by name. It exists as soon as anybody refers to it; callers reach it while its
/// port is open.
pub(crate) struct Listening {
    pub(crate) name: Arc<str>,
    shards: Arc<Shards>,
    /// Which stream ID belongs to whom; replaced as a whole, read without a lock.
    table: ArcSwap<Table>,
    /// Held while the table is replaced.
    changing: Mutex<()>,
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
    /// The address of a port that serves one stream, whatever it is asked for.
    own_port: Option<SocketAddr>,
}

impl Listening {
    pub(crate) fn new(name: &str, shards: Arc<Shards>, house: Arc<House>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            shards,
            table: ArcSwap::default(),
            changing: Mutex::new(()),
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
            own_port: None,
        })
    }

    /// A port for one stream alone.
    pub(crate) fn for_one(bind: SocketAddr, shards: Arc<Shards>, house: Arc<House>) -> Arc<Self> {
        let mut listening = Self::new(&own_port::name_of(bind), shards, house);
        if let Some(fresh) = Arc::get_mut(&mut listening) {
            fresh.own_port = Some(bind);
            fresh.table = ArcSwap::from_pointee(Table::for_one());
        }
        listening
    }

    /// Gives `stream_id` to a source or an output until the claim is dropped.
    pub(crate) fn claim(
        self: &Arc<Self>,
        stream_id: &str,
        entry: Entry,
    ) -> Result<Claimed, RunError> {
        self.note_runtime();
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.table.load().with(stream_id, entry).map_err(|owner| {
            let listener = &self.name;
            if self.own_port.is_some() {
                return RunError::configuration(
                    format!("the {listener} belongs to {owner}"),
                    "Give every source and output a port of its own, or put them on a listener, \
                     with a stream ID each",
                );
            }
            RunError::configuration(
                format!("the stream ID {stream_id:?} on listener {listener} belongs to {owner}"),
                "Give every source and output on a listener a stream ID of its own",
            )
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
    }

    /// Gives a running stream the passphrases of `newer`, if nothing else differs.
    pub(crate) fn change(&self, lock: &Lock, newer: &Lock) -> bool {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = lock.take_over(newer);
        self.count_tries();
        changed
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
    fn limits(&self) -> Limits {
        self.settings
            .load()
            .as_ref()
            .map_or_else(ListenerSettings::default_limits, |settings| {
                settings.limits()
            })
    }

    /// Receive latency of streams without one of their own.
    pub(crate) fn latency(&self) -> Option<std::time::Duration> {
        self.settings
            .load()
            .as_ref()
            .map(|settings| settings.latency.0)
    }
}
