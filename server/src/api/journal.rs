//! What happened: events, rejections, and a source's last ten minutes.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use tidegate_engine::HistoryPoint;
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::problem::Problem;
use super::schema::{EventView, HistoryPointView};
use crate::adapters::SourceConfig;
use crate::events::{Recorded, RejectionRecord};
use crate::state::not_found;
use crate::store::EventQuery;

/// Events returned when the request does not say how many.
const LIMIT_DEFAULT: u32 = 100;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Events {
    /// Only events with larger numbers, the oldest first. Without it the newest come first.
    after: Option<u64>,
    /// At most so many; 1000 is the most.
    limit: Option<u32>,
    /// Only this kind, such as `connection_rejected`.
    kind: Option<String>,
}

/// What happened.
#[utoipa::path(get, path = "/api/v1/events", tag = "journal", params(Events),
    responses((status = 200, body = Vec<EventView>), (status = 401, body = Problem)))]
pub(super) async fn events(
    State(app): State<Shared>,
    query: Result<Query<Events>, QueryRejection>,
) -> Result<Json<Vec<Recorded>>, Problem> {
    let Query(query) = query?;
    let Events { after, limit, kind } = query;
    let query = EventQuery {
        after,
        kind,
        limit: limit.unwrap_or(LIMIT_DEFAULT),
    };
    Ok(Json(app.journal.events(query).await?))
}

/// Who was turned away, why and how often; the latest first.
#[utoipa::path(get, path = "/api/v1/rejections", tag = "journal",
    responses((status = 200, body = Vec<RejectionRecord>), (status = 401, body = Problem)))]
pub(super) async fn rejections(State(app): State<Shared>) -> Json<Vec<RejectionRecord>> {
    Json(app.journal.rejections())
}

/// A source's last ten minutes, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// Time between two points.
    interval_ms: u64,
    /// The points.
    #[schema(value_type = Vec<HistoryPointView>)]
    points: Vec<HistoryPoint>,
}

/// A source's last ten minutes.
#[utoipa::path(get, path = "/api/v1/sources/{name}/history", tag = "source",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = History), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn history(
    State(app): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<History>, Problem> {
    let desired = app.control.current();
    if desired.find::<SourceConfig>(&name).is_none() {
        return Err(not_found::<SourceConfig>(&desired, &name).into());
    }
    let interval = tidegate_engine::limits::HISTORY_INTERVAL.as_millis();
    let interval_ms = u64::try_from(interval).unwrap_or(u64::MAX);
    let points = app.engine.source_history(&name).unwrap_or_default();
    Ok(Json(History {
        interval_ms,
        points,
    }))
}
