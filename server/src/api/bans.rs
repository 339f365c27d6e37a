//! Bans: who may not call, and until when.

use std::time::SystemTime;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tidegate_engine::{Cidr, Span};
use utoipa::ToSchema;

use super::Shared;
use super::body::TextBody;
use super::problem::Problem;
use crate::auth::Identity;
use crate::bans::{Ban, BanError};
use crate::time::{LAST_MILLIS, millis_since_epoch, rfc3339_of_millis};

/// Most characters of a reason.
const REASON_CHARS_MAX: usize = 200;

/// What to ban.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBan {
    /// An address or a network: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`.
    #[schema(value_type = String, example = "192.0.2.7")]
    address: Cidr,
    /// Why, for whoever reads the list later.
    #[serde(default)]
    reason: String,
    /// For how long, such as `1h` or `7d`; without it and `until`, for good.
    #[schema(value_type = Option<String>, example = "1h")]
    duration: Option<Span>,
    /// Until when, as RFC 3339.
    until: Option<String>,
}

/// A ban.
#[derive(Serialize, ToSchema)]
pub(super) struct BanView {
    /// Its number.
    id: u64,
    /// Who is banned.
    address: String,
    /// Why.
    reason: String,
    /// Who banned them.
    by: String,
    /// Since when.
    since: String,
    /// Until when; absent is for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl From<Ban> for BanView {
    fn from(ban: Ban) -> Self {
        Self {
            id: ban.id,
            address: ban.network.to_string(),
            reason: ban.reason,
            by: ban.added_by,
            since: rfc3339_of_millis(ban.since_millis),
            until: ban.until_millis.map(rfc3339_of_millis),
        }
    }
}

/// Who may not call, the oldest ban first.
#[utoipa::path(get, path = "/api/v1/bans", tag = "ban", operation_id = "list_bans",
    responses((status = 200, body = Vec<BanView>), (status = 401, body = Problem)))]
pub(super) async fn list(State(app): State<Shared>) -> Json<Vec<BanView>> {
    Json(app.bans.list().into_iter().map(BanView::from).collect())
}

/// Ban an address or a network on every listener: whoever is connected from there is sent
/// away, and later calls hear nothing. A ban of the same network is replaced.
#[utoipa::path(post, path = "/api/v1/bans", tag = "ban", operation_id = "create_ban",
    request_body = NewBan,
    responses((status = 201, body = BanView), (status = 401, body = Problem),
        (status = 409, description = "There are too many", body = Problem),
        (status = 422, description = "It is wrong", body = Problem)))]
pub(super) async fn create(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    body: TextBody,
) -> Result<Response, Problem> {
    let wanted: NewBan = body.value()?;
    let ban = wanted.into_ban(&identity.user)?;
    let made = app.bans.add(ban).await?;
    Ok((StatusCode::CREATED, Json(BanView::from(made))).into_response())
}

/// Lift a ban.
#[utoipa::path(delete, path = "/api/v1/bans/{id}", tag = "ban", operation_id = "delete_ban",
    params(("id" = u64, Path, description = "Its number")),
    responses((status = 204, description = "Lifted"), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn delete(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let lifted = match id.parse() {
        Ok(id) => app.bans.remove(id, &identity.user).await?,
        Err(_) => false,
    };
    if lifted {
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail = format!("There is no ban with the number {id}.");
    Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
        .advise("GET /api/v1/bans lists them; one whose time is over is gone."))
}

impl NewBan {
    fn into_ban(self, by: &str) -> Result<Ban, Problem> {
        if self.address.0.prefix_bits() == 0 {
            return Err(
                wrong("/address", "That bans everybody.").advise("Remove the listener instead.")
            );
        }
        if self.reason.chars().count() > REASON_CHARS_MAX {
            let detail = format!("The reason is longer than {REASON_CHARS_MAX} characters.");
            return Err(wrong("/reason", &detail));
        }
        let now = SystemTime::now();
        let until_millis = self.end_millis(now)?;
        let line = |c: char| if c.is_control() { ' ' } else { c };
        Ok(Ban {
            id: 0,
            network: self.address.0,
            reason: self.reason.chars().map(line).collect(),
            added_by: by.to_owned(),
            since_millis: millis_since_epoch(now),
            until_millis,
        })
    }

    /// When it ends, in milliseconds since 1970; `None` is never.
    fn end_millis(&self, now: SystemTime) -> Result<Option<u64>, Problem> {
        let (field, end) = match (&self.until, self.duration) {
            (Some(_), Some(_)) => {
                return Err(wrong("/until", "Both a duration and an end are given.")
                    .advise("Leave one of them out."));
            }
            (None, None) => return Ok(None),
            (None, Some(duration)) => ("/duration", now.checked_add(duration.0)),
            (Some(until), None) => {
                let end = humantime::parse_rfc3339_weak(until).map_err(|_| {
                    wrong("/until", "The end is not a time as in RFC 3339.")
                        .advise("Write it like 2030-01-31T18:00:00Z.")
                })?;
                ("/until", Some(end))
            }
        };
        if end.is_some_and(|end| end <= now) {
            return Err(wrong(field, "The ban would be over already."));
        }
        match end.map(millis_since_epoch) {
            Some(end @ ..=LAST_MILLIS) => Ok(Some(end)),
            _ => Err(wrong(field, "The ban would end after the year 9999.")
                .advise("Leave it out: without an end it is for good.")),
        }
    }
}

fn wrong(pointer: &str, detail: &str) -> Problem {
    Problem {
        pointer: Some(pointer.to_owned()),
        ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }
}

impl From<BanError> for Problem {
    fn from(error: BanError) -> Self {
        match error {
            BanError::Full => Self::new(StatusCode::CONFLICT, "full", error.to_string())
                .advise("Lift some, or ban whole networks."),
            BanError::Store(error) => error.into(),
        }
    }
}
