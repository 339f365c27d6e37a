//! The HTTP API, and what is served beside it.

// The macros that describe handlers repeat the names of their argument types.
#![allow(
    clippy::result_large_err,
    reason = "a problem is made at most once per request"
)]
#![allow(unused_qualifications, reason = "utoipa writes them so")]

mod address;
mod bans;
mod body;
mod credential;
mod dashboard;
mod gate;
mod handout;
mod journal;
mod media;
mod objects;
mod openapi;
mod platforms;
pub mod problem;
mod schema;
mod session;
mod stats;
mod stream;
mod switch;
mod system;
mod views;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::middleware;
use tidegate_engine::Engine;
use tidegate_srt_io::Shards;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::adapters::Adapters;
use crate::alarms::Alarms;
use crate::auth::Access;
use crate::bans::Bans;
use crate::events::Journal;
use crate::http::Connections;
use crate::reconcile::Convergence;
use crate::state::Control;
use crate::store::Store;

pub use openapi::document as openapi_document;
pub use stream::publish_state;
pub use system::document_yaml;
pub use views::{ListenerView, OutputView, SourceView, StateMessage, state as current_state};

/// Largest request body.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Everything a request may need.
#[derive(Debug)]
pub struct App {
    /// The desired state.
    pub control: Arc<Control>,
    /// The engine, to ask; only the reconciler changes it.
    pub engine: Engine,
    /// The adapters.
    pub adapters: Arc<Adapters>,
    /// The media threads, for their figures.
    pub shards: Arc<Shards>,
    /// How far the engine is what it should be.
    pub convergence: Arc<Convergence>,
    /// The event store.
    pub journal: Arc<Journal>,
    /// The store, for its figures.
    pub store: Store,
    /// Who may do what.
    pub access: Access,
    /// Who may not call.
    pub bans: Arc<Bans>,
    /// Alarms about the program as a whole.
    pub alarms: Arc<Alarms>,
    /// HTTP connections.
    pub connections: Connections,
    /// The configuration file, when one was given.
    pub file: Option<PathBuf>,
    /// When the program started, in civil time.
    pub started_at: SystemTime,
    /// The same, on a clock that does not step.
    pub started: Instant,
    /// The latest state as JSON, made once a second for every client of the stream.
    pub state: watch::Sender<Arc<str>>,
    /// Cancelled when the program ends; streams end then.
    pub stop: CancellationToken,
}

/// What handlers take as their state.
pub type Shared = Arc<App>;

/// Routes open to strangers, and the OpenAPI part of them.
fn open() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(system::healthz))
        .routes(routes!(system::readyz))
        .routes(routes!(session::login))
}

/// Everything else: whoever is not known is turned away before a handler runs.
fn closed() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(session::current, session::logout))
        .merge(objects::sources::routes())
        .merge(objects::outputs::routes())
        .merge(objects::listeners::routes())
        .merge(switch::routes())
        .routes(routes!(stats::sls))
        .routes(routes!(stats::nginx))
        .routes(routes!(bans::list, bans::create))
        .routes(routes!(bans::delete))
        .routes(routes!(platforms::list))
        .routes(routes!(journal::history))
        .routes(routes!(journal::events))
        .routes(routes!(journal::rejections))
        .routes(routes!(stream::stream))
        .routes(routes!(handout::source))
        .routes(routes!(handout::output))
        .routes(routes!(system::system))
        .routes(routes!(system::revisions))
        .routes(routes!(system::config, system::apply_config))
        .routes(routes!(openapi::openapi))
        .routes(routes!(system::metrics))
        .routes(routes!(media::hls))
}

/// The routes and their OpenAPI description. The session routes share a path and differ in
/// who may use them, so the gate looks at the method there.
fn parts() -> (Router<Shared>, OpenApi) {
    openapi::base()
        .merge(open())
        .merge(closed())
        .split_for_parts()
}

/// The whole of HTTP.
pub fn router(app: Shared) -> Router {
    let (router, _) = parts();
    let gate = middleware::from_fn_with_state(app.clone(), gate::gate);
    router
        .fallback(dashboard::page)
        .method_not_allowed_fallback(gate::method_not_allowed)
        .layer(gate)
        .layer(middleware::from_fn(gate::headers))
        .with_state(app)
}
