//! The dashboard, built into the binary. Paths of its own pages get its one page.

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::problem::Problem;

const INDEX: &str = "index.html";
/// Files below this have the hash of their content in their name.
const HASHED: &str = "assets/";

/// The dashboard as built by `web/`, or a page that says how to build it.
#[derive(RustEmbed)]
#[folder = "$TIDEGATE_DASHBOARD"]
struct Dashboard;

/// A file of the dashboard, or its page.
pub(super) async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if first == "api" {
        return Problem::no_such_address(uri.path()).into_response();
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        return Problem::method_not_allowed().into_response();
    }
    if first == "hls" {
        return Problem::no_such_page().into_response();
    }
    if let Some(file) = Dashboard::get(path) {
        return answer(path, file, &headers);
    }
    // A missing file is missing; a page's address has no extension.
    if path.starts_with(HASHED) || path.rsplit('/').next().is_some_and(is_file) {
        return Problem::no_such_page().into_response();
    }
    match Dashboard::get(INDEX) {
        Some(file) => answer(INDEX, file, &headers),
        None => Problem::no_such_page().into_response(),
    }
}

/// Source names may contain dots, so only what browsers ask for counts as a file.
fn is_file(last: &str) -> bool {
    const EXTENSIONS: [&str; 9] = [
        "js", "css", "map", "ico", "png", "svg", "json", "txt", "php",
    ];
    last.rsplit_once('.')
        .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

fn answer(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = etag(&file);
    let cache = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known == etag.as_str());
    let common = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, cache.to_owned()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.metadata.mimetype().to_owned())];
    (common, kind, Body::from(file.data)).into_response()
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hex}\"")
}
