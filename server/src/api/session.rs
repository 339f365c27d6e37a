//! Logging in and out.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tidegate_engine::{EventKind, Secret, Subject};
use utoipa::ToSchema;

use super::Shared;
use super::body::TextBody;
use super::problem::Problem;
use crate::auth::{Identity, LoginError};
use crate::http::Peer;

/// What a login takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// `admin`.
    #[serde(default = "admin")]
    user: String,
    /// The password printed at the first start, or set by TIDEGATE_ADMIN_PASSWORD.
    password: String,
}

fn admin() -> String {
    "admin".into()
}

/// Who is logged in.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    /// `admin`, or `api-token`.
    user: String,
}

/// Log in: begins a session and sets its cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = Login,
    security(()),
    responses((status = 204, description = "Logged in; the cookie is set"),
        (status = 401, description = "Wrong user or password", body = Problem),
        (status = 429, description = "Too many attempts", body = Problem)))]
pub(super) async fn login(
    State(app): State<Shared>,
    Extension(peer): Extension<Peer>,
    body: TextBody,
) -> Result<Response, Problem> {
    let login: Login = body.value()?;
    match app
        .access
        .login(peer, &login.user, Secret::new(login.password))
        .await
    {
        Ok(cookie) => {
            audit(&app, &format!("logged in from {}", peer.address.ip()));
            Ok(with_cookie(&cookie))
        }
        Err(LoginError::Wrong) => {
            audit(&app, &format!("a login from {} failed", peer.address.ip()));
            Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "login",
                "User or password is wrong.",
            ))
        }
        Err(LoginError::Wait(seconds)) => {
            let detail = format!("Too many failed logins. Try again in {seconds} s.");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "login", detail);
            let mut response = problem.into_response();
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
            Ok(response)
        }
    }
}

/// Who is logged in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, body = Session), (status = 401, body = Problem)))]
pub(super) async fn current(Extension(identity): Extension<Identity>) -> Json<Session> {
    Json(Session {
        user: identity.user,
    })
}

/// Log out: ends the session.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session",
    responses((status = 204, description = "Logged out"), (status = 401, body = Problem)))]
pub(super) async fn logout(
    State(app): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(with_cookie(&app.access.logout(peer, &headers).await?))
}

fn with_cookie(cookie: &str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    // Tokens are letters and digits, so the cookie always is a header value.
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn audit(app: &Shared, action: &str) {
    let event = EventKind::Audit {
        by: "admin".into(),
        action: action.to_owned(),
    };
    app.engine.events().emit(Subject::system(), event);
}
