//! Media over HTTP: what outputs serve, without knowing what it is.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tidegate_engine::{CacheFor, Content};

use super::Shared;
use super::problem::Problem;
use crate::adapters::OutputConfig;
use crate::http::Peer;
use crate::state::not_found;

/// Playlists and segments of an HLS output. The playlist is `index.m3u8`.
#[utoipa::path(get, path = "/hls/{output}/{*path}", tag = "media",
    params(("output" = String, Path, description = "The output's name"),
        ("path" = String, Path, description = "`index.m3u8`, or what it names")),
    responses((status = 200, description = "The playlist or segment"),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn hls(
    State(app): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path((output, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(content) = app.engine.http_content(&output) else {
        let desired = app.control.current();
        return Err(match desired.find::<OutputConfig>(&output) {
            Some(_) => Problem::no_such_page(),
            None => not_found::<OutputConfig>(&desired, &output).into(),
        });
    };
    let client = viewer(peer, &headers);
    content
        .get(&path, &client)
        .map(answer)
        .ok_or_else(Problem::no_such_page)
}

/// A stable name for one viewer: the address, and what tells viewers behind it apart.
fn viewer(peer: Peer, headers: &HeaderMap) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for name in [header::COOKIE, header::USER_AGENT] {
        headers
            .get(name)
            .map(HeaderValue::as_bytes)
            .hash(&mut hasher);
    }
    format!("{} {:016x}", peer.address.ip(), hasher.finish())
}

fn answer(content: Content) -> Response {
    let cache = match content.cache {
        CacheFor::Never => "no-cache".to_owned(),
        CacheFor::Seconds(seconds) => format!("private, max-age={seconds}"),
        CacheFor::Immutable => "private, max-age=86400, immutable".to_owned(),
    };
    let headers = [
        (header::CONTENT_TYPE, content.content_type.to_owned()),
        (header::CACHE_CONTROL, cache),
    ];
    (headers, Body::from(content.bytes)).into_response()
}
