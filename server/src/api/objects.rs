//! Sources, outputs and listeners: read, create, replace, delete.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::body::TextBody;
use super::problem::Problem;
use super::views::Viewed;
use crate::adapters::Item;
use crate::auth::Identity;
use crate::config::Name;
use crate::config::check::pointer_of;
use crate::state::{ChangeError, not_found};

/// Writes out one module of handlers; what they do is the same for all three.
macro_rules! objects {
    ($module:ident, $Config:ty, $View:ty, $what:literal, $all:literal, $one:literal) => {
        #[doc = concat!("Every ", $what, ".")]
        pub(super) mod $module {
            use axum::extract::{Path, State};
            use axum::http::HeaderMap;
            use axum::response::Response;
            use axum::{Extension, Json};
            use utoipa_axum::router::OpenApiRouter;
            use utoipa_axum::routes;

            use super::super::body::TextBody;
            use super::super::problem::Problem;
            use super::super::Shared;
            use crate::auth::Identity;

            type Config = $Config;
            type View = $View;

            pub(in super::super) fn routes() -> OpenApiRouter<Shared> {
                OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, put, delete))
            }

            #[doc = concat!("Every ", $what, " with its state, in the operator's order.")]
            #[utoipa::path(get, path = $all, tag = $what, operation_id = concat!("list_", $what),
                responses((status = 200, body = Vec<View>), (status = 401, body = Problem)))]
            pub(super) async fn list(State(app): State<Shared>) -> Json<Vec<View>> {
                super::list::<Config>(&app)
            }

            #[doc = concat!("Add a ", $what, ".")]
            #[utoipa::path(post, path = $all, tag = $what, operation_id = concat!("create_", $what),
                request_body = Config,
                responses((status = 201, body = View),
                    (status = 401, body = Problem),
                    (status = 409, description = "The name is taken", body = Problem),
                    (status = 422, description = "It is wrong", body = Problem)))]
            pub(super) async fn create(
                State(app): State<Shared>,
                Extension(identity): Extension<Identity>,
                body: TextBody,
            ) -> Result<Response, Problem> {
                super::create::<Config>(&app, &identity, &body).await
            }

            #[doc = concat!("One ", $what, " with its state.")]
            #[utoipa::path(get, path = $one, tag = $what, operation_id = concat!("get_", $what),
                params(("name" = String, Path, description = "Its name")),
                responses((status = 200, body = View),
                    (status = 401, body = Problem), (status = 404, body = Problem)))]
            pub(super) async fn get(
                State(app): State<Shared>,
                Path(name): Path<String>,
            ) -> Result<Response, Problem> {
                super::get::<Config>(&app, &name)
            }

            #[doc = concat!("Create or replace a ", $what, ": the same object as in the file.")]
            #[utoipa::path(put, path = $one, tag = $what, operation_id = concat!("put_", $what),
                params(("name" = String, Path, description = "Its name"),
                    ("If-Match" = Option<String>, Header,
                        description = "Only when it is at this revision")),
                request_body = Config,
                responses((status = 200, body = View), (status = 201, body = View),
                    (status = 401, body = Problem),
                    (status = 412, description = "It was changed meanwhile", body = Problem),
                    (status = 422, description = "It is wrong", body = Problem)))]
            pub(super) async fn put(
                State(app): State<Shared>,
                Extension(identity): Extension<Identity>,
                Path(name): Path<String>,
                headers: HeaderMap,
                body: TextBody,
            ) -> Result<Response, Problem> {
                super::put::<Config>(&app, &identity, &name, &headers, &body).await
            }

            #[doc = concat!("Delete a ", $what, ".")]
            #[utoipa::path(delete, path = $one, tag = $what,
                operation_id = concat!("delete_", $what),
                params(("name" = String, Path, description = "Its name"),
                    ("If-Match" = Option<String>, Header,
                        description = "Only when it is at this revision")),
                responses((status = 204, description = "Deleted"),
                    (status = 401, body = Problem), (status = 404, body = Problem),
                    (status = 409, description = "Others need it", body = Problem),
                    (status = 412, description = "It was changed meanwhile", body = Problem)))]
            pub(super) async fn delete(
                State(app): State<Shared>,
                Extension(identity): Extension<Identity>,
                Path(name): Path<String>,
                headers: HeaderMap,
            ) -> Result<Response, Problem> {
                super::delete::<Config>(&app, &identity, &name, &headers).await
            }
        }
    };
}

objects!(
    sources,
    crate::adapters::SourceConfig,
    crate::api::SourceView,
    "source",
    "/api/v1/sources",
    "/api/v1/sources/{name}"
);
objects!(
    outputs,
    crate::adapters::OutputConfig,
    crate::api::OutputView,
    "output",
    "/api/v1/outputs",
    "/api/v1/outputs/{name}"
);
objects!(
    listeners,
    crate::adapters::ListenerConfig,
    crate::api::ListenerView,
    "listener",
    "/api/v1/listeners",
    "/api/v1/listeners/{name}"
);

fn list<T: Viewed>(app: &Shared) -> Json<Vec<T::View>> {
    let desired = app.control.current();
    Json(
        T::list(&desired.document)
            .iter()
            .map(|item| item.view(app, &desired))
            .collect(),
    )
}

fn get<T: Viewed>(app: &Shared, name: &str) -> Result<Response, Problem> {
    let desired = app.control.current();
    let item = desired
        .find::<T>(name)
        .ok_or_else(|| not_found::<T>(&desired, name))?;
    let mut response = Json(item.view(app, &desired)).into_response();
    set_etag(&mut response, desired.revision_of::<T>(name));
    Ok(response)
}

async fn create<T: Viewed>(
    app: &Shared,
    identity: &Identity,
    body: &TextBody,
) -> Result<Response, Problem> {
    let item: T = body.object(None)?;
    let name = item.name().clone();
    let created = app.control.create(item, &identity.user).await;
    created.map_err(|error| placed::<T>(app, body, &name, error))?;
    let mut response = get::<T>(app, &name)?;
    *response.status_mut() = StatusCode::CREATED;
    let location = format!("/api/v1/{}s/{name}", T::WHAT);
    // Names are letters, digits, dots and dashes, so this always is a header value.
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn put<T: Viewed>(
    app: &Shared,
    identity: &Identity,
    name: &str,
    headers: &HeaderMap,
    body: &TextBody,
) -> Result<Response, Problem> {
    let name = usable(name)?;
    let item: T = body.object(Some(&name))?;
    let expected = expected_revision(headers)?;
    let changed = app.control.put(item, expected, &identity.user).await;
    let changed = changed.map_err(|error| placed::<T>(app, body, &name, error))?;
    let mut response = get::<T>(app, &name)?;
    if changed.created {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

async fn delete<T: Item>(
    app: &Shared,
    identity: &Identity,
    name: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let expected = expected_revision(headers)?;
    app.control
        .delete::<T>(name, expected, &identity.user)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Problems of the whole state, with their place in the body that caused them.
fn placed<T: Item>(app: &Shared, body: &TextBody, name: &Name, error: ChangeError) -> Problem {
    let ChangeError::Invalid(problems) = error else {
        return error.into();
    };
    let document = &app.control.current().document;
    let at_end = || format!("/{}s/{}", T::WHAT, T::list(document).len());
    let prefix = pointer_of::<T>(document, name).unwrap_or_else(at_end);
    Problem::wrong(body.placed(problems, &prefix))
}

fn usable(name: &str) -> Result<Name, Problem> {
    Name::new(name).map_err(|error| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "name",
            format!("{error}."),
        )
        .advise("Choose another name.")
    })
}

/// The revision of `If-Match: "7"`; none without the header, or with `*`.
pub(super) fn expected_revision(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    text.trim_start_matches("W/")
        .trim_matches('"')
        .parse()
        .map(Some)
        .map_err(|_| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "if_match",
                "If-Match takes the revision from the ETag of an earlier answer.",
            )
            .advise("Send it like this: If-Match: \"7\".")
        })
}

fn set_etag(response: &mut Response, revision: u64) {
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, etag);
    }
}
