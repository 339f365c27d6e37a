//! In front of every route: who is it, and may he.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::problem::Problem;
use super::stats;
use crate::config::problem::sentence;

/// Paths below these belong to the program; everything else is the dashboard's, which holds
/// no secret and has to load before anybody can log in.
const CLOSED: [&str; 9] = [
    "api", "hls", "metrics", "whep", "whip", "play", "debug", "stat", "stats",
];

/// Whether a stranger may send this.
fn is_open(method: &Method, path: &str) -> bool {
    match (method, path) {
        (_, "/healthz" | "/readyz") => true,
        (&Method::POST, "/api/v1/session") => true,
        (&Method::GET | &Method::HEAD, path) => {
            let first = path.split('/').nth(1).unwrap_or_default();
            !CLOSED.contains(&first)
        }
        _ => false,
    }
}

/// Lets a request through to its handler, with who sent it, or turns it away.
pub(super) async fn gate(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Encoded slashes, dots and letters would let one path look like another.
    if is_ambiguous(path) {
        return Problem::no_such_page().into_response();
    }
    let open = is_open(request.method(), path);
    if open {
        return next.run(request).await;
    }
    let uri = request.uri();
    if stats::is_stats(request.method(), uri.path()) && stats::opens(&app.access, uri.query()) {
        return next.run(request).await;
    }
    let identity = match app
        .access
        .identify(request.method(), request.headers())
        .await
    {
        Ok(identity) => identity,
        Err(error) => return Problem::from(error).into_response(),
    };
    let Some(identity) = identity else {
        return Problem::unauthorized().into_response();
    };
    if !identity.may_write {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "csrf",
            "This write lacks the header that only the dashboard itself can send.",
        )
        .advise("Send \"X-Tidegate-Csrf: 1\" with every write of a cookie session.")
        .into_response();
    }
    request.extensions_mut().insert(identity);
    next.run(request).await
}

/// Whether decoding `path` could make another one of it.
fn is_ambiguous(path: &str) -> bool {
    path.contains("//") || path.contains('\\') || path.split('/').any(|s| matches!(s, "." | ".."))
}

/// Headers that keep browsers from doing what a page did not mean.
pub(super) async fn headers(uri: Uri, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if uri.path().starts_with("/api/") {
        response = as_problem(response).await;
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if uri.path().starts_with("/api/") && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Scripts and connections of this origin alone; hls.js feeds the player from `blob:` and
/// works in a worker made from one. uPlot and Svelte set styles on elements.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; \
    media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A known path, but not this way.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::method_not_allowed()
}

/// What is refused before a handler sees it (a name that is not UTF-8, say) is answered in plain
/// text; here it gets the form that every error of the API has.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !is_plain {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), PLAIN_BYTES_MAX).await;
    let text = text.unwrap_or_default();
    let detail = match std::str::from_utf8(&text).unwrap_or_default().trim() {
        "" => "This request cannot be answered.".to_owned(),
        text => sentence(text),
    };
    Problem::new(status, "request", detail)
        .advise("See /api/v1/openapi.json for what this address takes.")
        .into_response()
}

/// Longest plain text that is said again.
const PLAIN_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_get_the_dashboard_and_the_login_and_nothing_else() {
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/assets/index.js"),
            (Method::GET, "/sources/cam1"),
            (Method::GET, "/healthz"),
            (Method::POST, "/api/v1/session"),
        ] {
            assert!(is_open(&method, path), "{method} {path}");
        }
        for (method, path) in [
            (Method::GET, "/api"),
            (Method::GET, "/api/v1/session"),
            (Method::GET, "/api/v2/anything"),
            (Method::GET, "/hls/viewers/index.m3u8"),
            (Method::GET, "/metrics"),
            (Method::GET, "/stats"),
            (Method::GET, "/stat"),
            (Method::POST, "/"),
            (Method::DELETE, "/api/v1/session"),
        ] {
            assert!(!is_open(&method, path), "{method} {path}");
        }
    }

    #[test]
    fn paths_that_could_mean_another_are_refused() {
        for path in ["//api/v1/sources", "/x/../api", "/x\\y", "/./api"] {
            assert!(is_ambiguous(path), "{path}");
        }
        assert!(!is_ambiguous("/hls/a.b/seg-1.ts"));
    }
}
