//! Errors as `application/problem+json` (RFC 9457) that say what to do.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{ConfigErrors, ConfigProblem};
use crate::state::ChangeError;
use crate::store::StoreError;

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The nearest name that would have been valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// JSON pointer to the value at fault in the request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Line of the request's body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column of the request's body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Everything found wrong, when there is more than the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub problems: Vec<ConfigProblem>,
}

impl Problem {
    /// A problem of `kind`, a short name in snake case.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:tidegate:problem:{kind}"),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            ..Self::default()
        }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Nothing is at that address.
    #[must_use]
    pub fn no_such_page() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this address.",
        )
        .advise("Check it; /api/v1/openapi.json says what there is.")
    }

    /// Nothing is at that address of the API.
    #[must_use]
    pub fn no_such_address(path: &str) -> Self {
        let (nearest, advice) = super::switch::nearest_address(path);
        Self {
            nearest,
            ..Self::no_such_page().advise(advice)
        }
    }

    /// A known address, but not this way.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This address does not take that method.",
        )
        .advise("See /api/v1/openapi.json for what there is.")
    }

    /// The request comes from a stranger.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "You are not logged in.",
        )
        .advise("Log in, or send the API token as \"Authorization: Bearer …\".")
    }

    /// A configuration that is wrong.
    #[must_use]
    pub fn wrong(errors: ConfigErrors) -> Self {
        let first = errors.first().clone();
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", first.message);
        problem.advice = first.advice;
        problem.nearest = first.nearest;
        problem.pointer = first.pointer;
        problem.line = first.place.map(|place| place.line);
        problem.column = first.place.map(|place| place.column);
        if errors.problems.len() > 1 {
            problem.problems = errors.problems;
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query", rejection.body_text())
            .advise("See /api/v1/openapi.json for what this address takes.")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!("a request failed: {error}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "store",
            "The store failed, so nothing was changed.",
        )
        .advise("Check the disk that holds the data folder; the log says more.")
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let detail = error.to_string();
        match error {
            ChangeError::Invalid(problems) => Self::wrong(ConfigErrors {
                file: None,
                problems,
            }),
            ChangeError::Exists { .. } => Self::new(StatusCode::CONFLICT, "exists", detail)
                .advise("Choose another name, or replace it with PUT."),
            ChangeError::NotFound { what, nearest, .. } => {
                let advice = match &nearest {
                    Some(nearest) => format!("Did you mean \"{nearest}\"?"),
                    None => format!("GET /api/v1/{what}s lists what there is."),
                };
                Self {
                    nearest,
                    ..Self::new(StatusCode::NOT_FOUND, "not_found", detail).advise(advice)
                }
            }
            ChangeError::Stale { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "stale", detail)
                    .advise("Read it again, then repeat the change.")
            }
            ChangeError::InUse { .. } => Self::new(StatusCode::CONFLICT, "in_use", detail)
                .advise("Delete or re-point those first."),
            ChangeError::Store(error) => error.into(),
            ChangeError::Unreadable(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store", detail)
                    .advise("The log says more; nothing was changed.")
            }
        }
    }
}
