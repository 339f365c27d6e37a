//! What to give to whoever sends or watches: the address with its secret, ready to paste.
//!
//! This is the one place where a secret is shown again. Every use is in the journal.

mod rtmp;
mod rtsp;
mod srt;

use std::net::SocketAddr;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use tidegate_engine::{EventKind, Subject};
use utoipa::ToSchema;

use super::address::{host_on, in_url, place, players_place};
use super::credential::Wanted;
use super::problem::Problem;
use super::{App, Shared};
use crate::adapters::{Item, OutputConfig, SourceConfig};
use crate::auth::Identity;
use crate::state::{Desired, not_found};
use rtmp::RtmpHandout;
use rtsp::RtspHandout;
use srt::SrtHandout;

/// How to reach a source or an output, for the tools people use: by its protocol.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Handout {
    Srt(Box<SrtHandout>),
    Rtmp(Box<RtmpHandout>),
    Rtsp(Box<RtspHandout>),
}

/// How to send to a source, with its secret. The journal keeps who asked.
#[utoipa::path(get, path = "/api/v1/handout/sources/{name}", tag = "source",
    params(("name" = String, Path, description = "Its name"), Wanted),
    responses((status = 200, body = Handout), (status = 401, body = Problem),
        (status = 404, description = "There is no such object, user or passphrase", body = Problem),
        (status = 409, description = "Nobody connects to it, or a user must be named",
            body = Problem)))]
pub(super) async fn source(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Handout>, Problem> {
    let Query(wanted) = wanted?;
    let desired = app.control.current();
    let source = find::<SourceConfig>(&desired, &name)?;
    let place = place(source, &app, &desired);
    let called = Called::at(place, source, &desired)?;
    let (handout, shows) = if source.kind() == "rtmp" {
        rtmp::handout(called, &wanted)?
    } else {
        of_srt(called, Direction::Send, wanted)?
    };
    audit(&app, &identity, Subject::source(&*name), shows);
    Ok(Json(handout))
}

/// How to watch an output, with its secret. The journal keeps who asked.
#[utoipa::path(get, path = "/api/v1/handout/outputs/{name}", tag = "output",
    params(("name" = String, Path, description = "Its name"), Wanted),
    responses((status = 200, body = Handout), (status = 401, body = Problem),
        (status = 404, description = "There is no such object, user or passphrase", body = Problem),
        (status = 409, description = "Nobody connects to it, or a user must be named",
            body = Problem)))]
pub(super) async fn output(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Handout>, Problem> {
    let Query(wanted) = wanted?;
    let desired = app.control.current();
    let output = find::<OutputConfig>(&desired, &name)?;
    let (handout, shows) = if output.kind() == "rtsp" {
        let place = players_place(output, &app, &desired);
        rtsp::handout(Called::at(place, output, &desired)?, &wanted)?
    } else {
        let place = place(output, &app, &desired);
        let called = Called::at(place, output, &desired)?;
        of_srt(called, Direction::Receive, wanted)?
    };
    audit(&app, &identity, Subject::output(&*name), shows);
    Ok(Json(handout))
}

/// What is handed out, and the place of the secret in it.
type Shown = (Handout, Option<String>);

#[derive(Clone, Copy)]
enum Direction {
    Send,
    Receive,
}

/// An object that is called, and where.
struct Called<'a, T> {
    item: &'a T,
    desired: &'a Desired,
    host: String,
    /// The host as URLs have it.
    url_host: String,
    port: u16,
}

impl<'a, T: Item> Called<'a, T> {
    fn at(place: Option<SocketAddr>, item: &'a T, desired: &'a Desired) -> Result<Self, Problem> {
        let place = place.ok_or_else(|| not_called(item))?;
        let host = host_on(place.ip(), desired);
        Ok(Self {
            item,
            desired,
            url_host: in_url(&host),
            host,
            port: place.port(),
        })
    }
}

fn not_called<T: Item>(item: &T) -> Problem {
    let Some((_, listener)) = item.listener() else {
        let message = format!(
            "Nobody connects to \"{}\": it is not on a listener.",
            item.name()
        );
        return Problem::new(StatusCode::CONFLICT, "no_listener", message)
            .advise("Tidegate calls or reads by itself there; nothing is to be pasted.");
    };
    let message = format!("The listener \"{listener}\" is not open.");
    let problem = Problem::new(StatusCode::CONFLICT, "not_bound", message);
    problem.advise("See its error, and change its bind address.")
}

fn of_srt<T: Item>(
    called: Called<'_, T>,
    direction: Direction,
    wanted: Wanted,
) -> Result<Shown, Problem> {
    let parts = srt::Parts::of(called, direction, wanted)?;
    let shows = parts.shows();
    Ok((Handout::Srt(Box::new(parts.handout(direction))), shows))
}

/// Where there is one secret for everybody, nobody's own can be asked for.
fn for_everybody(wanted: &Wanted, name: &str, what: &str) -> Result<(), Problem> {
    if wanted.user.is_none() && wanted.passphrase.is_none() {
        return Ok(());
    }
    let message = format!("\"{name}\" has {what} for everybody, and no users or passphrases.");
    let problem = Problem::new(StatusCode::NOT_FOUND, "unknown_user", message);
    Err(problem.advise("Ask without ?user= and ?passphrase=."))
}

fn find<'a, T: Item>(desired: &'a Desired, name: &str) -> Result<&'a T, Problem> {
    let found = desired.find::<T>(name);
    Ok(found.ok_or_else(|| not_found::<T>(desired, name))?)
}

pub(super) fn setting<T: Item>(item: &T, name: &str) -> Option<serde_json::Value> {
    let settings = serde_json::to_value(crate::state::shown(item)).ok()?;
    settings.get(item.kind())?.get(name).cloned()
}

/// One word for a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn audit(app: &App, identity: &Identity, subject: Subject, shows: Option<String>) {
    let by = identity.user.clone();
    let action = match shows {
        Some(place) => format!("saw its secret ({place})"),
        None => "saw its address; it has no secret".to_owned(),
    };
    app.engine
        .events()
        .emit(subject, EventKind::Audit { by, action });
}
