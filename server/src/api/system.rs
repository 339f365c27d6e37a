//! The node itself: health, version, the whole configuration, metrics.

use std::path::Path;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::address::host;
use super::body::TextBody;
use super::problem::Problem;
use super::views::{ListenerView, Viewed};
use crate::adapters::Item;
use crate::auth::Identity;
use crate::config::Document;
use crate::metrics;
use crate::node::CONFIG_FILE_ALARM;
use crate::state::{ChangeError, Desired, Drift, shown};
use crate::time::{rfc3339, rfc3339_of_millis};

/// Revisions the API returns.
const REVISIONS: u32 = 100;

/// Alive: the program answers.
#[utoipa::path(get, path = "/healthz", tag = "system", security(()),
    responses((status = 200, description = "Alive", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready: the stored state has been gone through once, and the store answers.
#[utoipa::path(get, path = "/readyz", tag = "system", security(()),
    responses((status = 200, description = "Ready", body = String),
        (status = 503, description = "Not yet", body = String)))]
pub(super) async fn readyz(State(app): State<Shared>) -> Response {
    let starting = app.convergence.passes() == 0;
    if starting {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response();
    }
    match app.store.meta("ready").await {
        Ok(_) => "ready\n".into_response(),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store does not answer\n",
        )
            .into_response(),
    }
}

/// The node.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct System {
    /// The program's version.
    version: &'static str,
    /// How the world reaches this node, as configured.
    public_host: Option<String>,
    /// The host that hand-outs use: `public_host`, or this machine's own address.
    host: String,
    /// When the program started.
    started_at: String,
    /// For how long it has been running.
    uptime_s: u64,
    /// Media threads, which share every SRT port.
    shards: usize,
    /// The desired state's revision.
    revision: u64,
    /// The revision the engine was last brought to.
    applied_revision: u64,
    /// Objects that are not what they should be.
    errors: usize,
    /// The listeners.
    listeners: Vec<ListenerView>,
    /// How the configuration file differs from the state in force.
    drift: Drift,
}

/// The node: version, revision, listeners, and whether the file differs.
#[utoipa::path(get, path = "/api/v1/system", tag = "system",
    responses((status = 200, body = System), (status = 401, body = Problem)))]
pub(super) async fn system(State(app): State<Shared>) -> Json<System> {
    let desired = app.control.current();
    let drift = drift(&app).await;
    Json(System {
        version: env!("CARGO_PKG_VERSION"),
        public_host: desired.document.public_host.clone(),
        host: host(&desired),
        started_at: rfc3339(app.started_at),
        uptime_s: app.started.elapsed().as_secs(),
        shards: app.shards.count(),
        revision: desired.revision,
        applied_revision: app.convergence.revision(),
        errors: app.convergence.error_count(),
        listeners: desired
            .document
            .listeners
            .iter()
            .map(|l| l.view(&app, &desired))
            .collect(),
        drift,
    })
}

async fn drift(app: &Shared) -> Drift {
    let Some(file) = app.file.clone() else {
        return Drift::default();
    };
    let control = app.control.clone();
    let compare = tokio::task::spawn_blocking(move || control.drift(Path::new(&file)));
    let drift = compare.await.unwrap_or_default();
    if drift.error.is_none() {
        app.alarms.clear(CONFIG_FILE_ALARM);
    }
    drift
}

/// Who changed what.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Revision {
    /// Its number.
    revision: u64,
    /// When.
    at: String,
    /// Who.
    by: String,
    /// What, in words.
    summary: String,
}

/// The latest changes of the desired state, newest first.
#[utoipa::path(get, path = "/api/v1/revisions", tag = "system",
    responses((status = 200, body = Vec<Revision>), (status = 401, body = Problem)))]
pub(super) async fn revisions(State(app): State<Shared>) -> Result<Json<Vec<Revision>>, Problem> {
    let rows = app.store.revisions(REVISIONS).await?;
    let view = |row: crate::store::RevisionRow| Revision {
        revision: row.revision,
        at: rfc3339_of_millis(row.at_millis),
        by: row.actor,
        summary: row.summary,
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}

/// How to write the configuration.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Format {
    /// `json` (as without it) or `yaml`.
    format: Option<String>,
}

/// The whole desired state, as in the file. Secrets are references or `"•••"`; applied
/// again, those mean "unchanged".
#[utoipa::path(get, path = "/api/v1/config", tag = "system", params(Format),
    responses((status = 200, body = Document), (status = 401, body = Problem)))]
pub(super) async fn config(
    State(app): State<Shared>,
    format: Result<Query<Format>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(format) = format?;
    let desired = app.control.current();
    let etag = [(header::ETAG, format!("\"{}\"", desired.revision))];
    match format.format.as_deref() {
        None | Some("json") => Ok((etag, Json(document_shown(&desired))).into_response()),
        Some("yaml") => {
            let kind = [(header::CONTENT_TYPE, "application/yaml")];
            let text = document_yaml(&desired).map_err(|error| {
                let detail = format!("The configuration cannot be written as YAML: {error}.");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "yaml", detail)
                    .advise("Ask for it as JSON.")
            })?;
            Ok((etag, kind, text).into_response())
        }
        Some(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "format",
            "The format is neither \"json\" nor \"yaml\".",
        )
        .advise("Write ?format=json or ?format=yaml.")),
    }
}

/// The desired state as it may be shown.
fn document_shown(desired: &Desired) -> Document {
    fn all<T: Item>(document: &Document) -> Vec<T> {
        T::list(document).iter().map(shown).collect()
    }
    let document = &desired.document;
    Document {
        listeners: all(document),
        sources: all(document),
        outputs: all(document),
        ..document.clone()
    }
}

/// The desired state as a file, as it may be shown.
///
/// # Errors
/// What the YAML writer refuses.
pub fn document_yaml(desired: &Desired) -> anyhow::Result<String> {
    Ok(serde_saphyr::to_string(&document_shown(desired))?)
}

/// What applying a configuration made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Applied {
    /// The desired state's revision now.
    revision: u64,
}

/// Put a whole configuration in force: everything in it, nothing else. It is checked as a
/// whole first; when anything is wrong nothing is changed.
#[utoipa::path(post, path = "/api/v1/config", tag = "system", request_body = Document,
    params(("If-Match" = Option<String>, Header, description = "Only at this revision")),
    responses((status = 200, body = Applied), (status = 401, body = Problem),
        (status = 412, description = "It was changed meanwhile", body = Problem),
        (status = 422, description = "It is wrong", body = Problem)))]
pub(super) async fn apply_config(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    headers: HeaderMap,
    body: TextBody,
) -> Result<Json<Applied>, Problem> {
    let document = body.document()?;
    let expected = super::objects::expected_revision(&headers)?;
    let replaced = app
        .control
        .replace(document, expected, &identity.user)
        .await;
    let revision = replaced.map_err(|error| match error {
        ChangeError::Invalid(problems) => Problem::wrong(body.placed(problems, "")),
        other => other.into(),
    })?;
    // What was applied may be the file that could not be read at the start.
    drift(&app).await;
    Ok(Json(Applied { revision }))
}

/// Every figure, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "system",
    responses((status = 200, body = String), (status = 401, body = Problem)))]
pub(super) async fn metrics(State(app): State<Shared>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics::text(&app)).into_response()
}
