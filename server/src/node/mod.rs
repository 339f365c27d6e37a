//! One running node: everything is started in order here, and stopped in the other.

mod admin;
mod bind;
mod restart;

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use tidegate_engine::{Engine, EngineConfig, Secret};
use tidegate_srt_io::{Shards, ShardsConfig};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::adapters::{self, Adapters};
use crate::alarms::{Alarms, SystemAlarm};
use crate::api::{self, App};
use crate::auth::Access;
use crate::bans::Bans;
use crate::config::Document;
use crate::events::{self, Journal};
use crate::http::{self, Connections, Protocol};
use crate::reconcile::Reconciler;
use crate::state::Control;
use crate::store::{Store, make_folder};
use crate::tls::Tls;
use bind::Bound;

/// Certificates made at the first start are kept here, in the data folder.
const TLS_FOLDER: &str = "tls";
/// Held while a node runs on the data folder.
const LOCK_FILE: &str = "tidegate.lock";
/// Raised while the configuration file cannot be read.
pub const CONFIG_FILE_ALARM: &str = "config_file";
/// How long tasks may take to end before they are left behind.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What a node is started with.
#[derive(Debug)]
pub struct Options {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// The data folder.
    pub data: PathBuf,
    /// Put the file in force, whatever the store says.
    pub apply: bool,
    /// The administrator's password, when it is given.
    pub admin_password: Option<Secret>,
    /// The bearer token for automation.
    pub api_token: Option<Secret>,
    /// The token that opens the statistics for other programs, and nothing else.
    pub stats_token: Option<Secret>,
    /// Media threads; one per core when absent.
    pub shards: Option<NonZeroUsize>,
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    app: Arc<App>,
    shards: Arc<Shards>,
    tasks: Vec<JoinHandle<()>>,
    journal: JoinHandle<()>,
    journal_stop: CancellationToken,
    /// The system gives it back when the process ends, however it ends.
    _lock: File,
}

impl Node {
    /// Starts a node; `say` prints what the operator must see on standard output.
    ///
    /// # Errors
    /// When the data folder, the configuration or the HTTP address cannot be used.
    pub async fn start(options: Options, say: fn(&str)) -> anyhow::Result<Self> {
        // One provider for all of TLS; a second call fails and changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // Locked before the store is opened: opening brings its schema up to date.
        make_folder(&options.data)?;
        let lock = lock(&options.data)?;
        let store = Store::open(&options.data)?;
        let shards = Shards::start(&ShardsConfig {
            threads: options.shards.map_or(0, NonZeroUsize::get),
            ..ShardsConfig::default()
        })
        .context("the media threads cannot be started")?;
        tracing::info!(shards = shards.count(), "the media threads run");
        let clock = shards.clock();
        let engine = Engine::start(EngineConfig {
            clock,
            data_dir: options.data.clone(),
        });
        let journal = Arc::new(Journal::open(store.clone()).await?);
        let journal_stop = CancellationToken::new();
        let alarms = Arc::new(Alarms::new(engine.events().clone()));
        let journal_task = events::spawn(
            journal.clone(),
            engine.events(),
            alarms.clone(),
            journal_stop.clone(),
        );

        let control = Arc::new(Control::load(store.clone(), engine.events().clone()).await?);
        let is_new = bring_in_file(&control, &options, &alarms).await?;
        let desired = control.current();
        let password_hash = admin::password_hash(&store, options.admin_password, say).await?;
        let tls = Arc::new(tls(&options.data, &desired.document, is_new, &alarms)?);
        let bound = bind::bind(desired.document.http.as_ref(), &alarms).await?;

        let shared = adapters::Shared {
            shards: shards.clone(),
        };
        let adapters = Arc::new(Adapters::new(&shared));
        let events = engine.events().clone();
        // Before the first listener is opened.
        let bans = Arc::new(Bans::load(store.clone(), adapters.clone(), events).await?);
        let reconciler = Reconciler::new(engine.clone(), adapters.clone(), &control);
        let app = Arc::new(App {
            access: Access::new(store.clone(), &password_hash, options.api_token.as_ref())
                .with_stats_token(options.stats_token.as_ref()),
            convergence: reconciler.convergence(),
            control,
            engine,
            adapters,
            shards: shards.clone(),
            bans,
            journal,
            store,
            alarms,
            connections: Connections::default(),
            file: options.file,
            started_at: SystemTime::now(),
            started: Instant::now(),
            state: watch::Sender::new("".into()),
            stop: CancellationToken::new(),
        });
        let stop = app.stop.clone();
        let mut tasks = vec![
            tokio::spawn(reconciler.run(stop.clone())),
            tokio::spawn(api::publish_state(app.clone())),
            tokio::spawn(app.bans.clone().watch(stop.clone())),
            tokio::spawn(tls.clone().watch(app.alarms.clone(), stop.clone())),
            tokio::spawn(restart::watch(
                app.control.clone(),
                app.alarms.clone(),
                desired.document.http.clone(),
                stop,
            )),
        ];
        tasks.extend(serve(&app, bound, &tls, say)?);
        Ok(Self {
            app,
            shards,
            tasks,
            journal: journal_task,
            journal_stop,
            _lock: lock,
        })
    }

    /// Stops taking requests, lets media end in order, and stores what is left to store.
    pub async fn stop(self) {
        self.app.stop.cancel();
        for task in self.tasks {
            ended("a task", task).await;
        }
        self.app.engine.shutdown().await;
        self.shards.stop().await;
        self.journal_stop.cancel();
        ended("the journal", self.journal).await;
        if let Err(error) = self.app.store.flush().await {
            tracing::error!("what was left to store is lost: {error}");
        }
    }
}

/// Two nodes on one folder would each believe in a state of their own.
fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join(LOCK_FILE);
    let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    file.try_lock().with_context(|| {
        format!(
            "another Tidegate is running on {}; stop it, or choose another --data",
            data.display()
        )
    })?;
    Ok(file)
}

async fn ended(what: &str, task: JoinHandle<()>) {
    if tokio::time::timeout(STOP_PATIENCE, task).await.is_err() {
        tracing::warn!("{what} did not end in time");
    }
}

/// At the first start, or when told to, the file becomes the state in force. Later it is only
/// compared: a file that is wrong then must not keep a station off the air. Returns whether
/// it was put in force.
async fn bring_in_file(
    control: &Control,
    options: &Options,
    alarms: &Alarms,
) -> anyhow::Result<bool> {
    let Some(file) = &options.file else {
        return Ok(false);
    };
    if options.apply || control.current().revision == 0 {
        control.apply_file(file, "file").await?;
        return Ok(true);
    }
    let drift = control.drift(file);
    if let Some(error) = drift.error {
        alarms.raise(SystemAlarm {
            code: CONFIG_FILE_ALARM,
            text: format!("The configuration file cannot be used: {error}"),
            advice: "The stored state is in force. Correct the file, then apply it.".into(),
        });
    } else if drift.differs {
        tracing::warn!(
            "the configuration file differs from the state in force ({}); `tidegate apply` or \
             `serve --apply` puts it in force, and removes what it does not name",
            drift.differences.join(", ")
        );
    }
    Ok(false)
}

/// Wrong files are an error to whoever just named them, and an alarm at a later start.
fn tls(data: &Path, document: &Document, is_new: bool, alarms: &Alarms) -> anyhow::Result<Tls> {
    let (folder, public_host) = (data.join(TLS_FOLDER), document.public_host.as_deref());
    match document.http.as_ref().and_then(|http| http.tls.clone()) {
        Some(files) if is_new => Tls::from_files(files).context("http.tls cannot be used"),
        Some(files) => Tls::from_files_or_self_signed(files, &folder, public_host, alarms),
        None => Tls::self_signed(&folder, public_host),
    }
}

/// Serves HTTP, and says where.
fn serve(
    app: &Arc<App>,
    bound: Bound,
    tls: &Arc<Tls>,
    say: fn(&str),
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let router = api::router(app.clone());
    let start = |listener, protocol| {
        let (router, tls, connections) = (router.clone(), tls.clone(), app.connections.clone());
        tokio::spawn(http::serve(
            listener,
            protocol,
            router,
            tls,
            connections,
            app.stop.clone(),
        ))
    };
    say(&format!(
        "http listening on http://{}",
        bound.http.local_addr()?
    ));
    let mut tasks = vec![start(bound.http, Protocol::Either)];
    if let Some(https) = bound.https {
        say(&format!(
            "https listening on https://{}",
            https.local_addr()?
        ));
        tasks.push(start(https, Protocol::Https));
    }
    Ok(tasks)
}
