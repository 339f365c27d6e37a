//! Commands to a switch: what is on air, and what may change it.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_engine::{EventKind, Subject, SwitchCommand, SwitchRefusal, nearest};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::body::TextBody;
use super::problem::Problem;
use super::schema::SwitchView;
use crate::adapters::{Item, SourceConfig};
use crate::auth::Identity;
use crate::state::{Desired, not_found};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(take))
        .routes(routes!(lock))
        .routes(routes!(unlock))
        .routes(routes!(hold))
        .routes(routes!(return_home))
        .routes(routes!(drill))
}

/// A body of a command, and what one looks like.
trait Order: DeserializeOwned + Default {
    const EXAMPLE: &'static str;
}

impl Order for Take {
    const EXAMPLE: &'static str = r#"{"input": "cam1-backup"}"#;
}

impl Order for Hold {
    const EXAMPLE: &'static str = r#"{"on": true}"#;
}

impl Order for Drill {
    const EXAMPLE: &'static str = r#"{"input": "cam1-backup"}"#;
}

/// What to put on air.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Take {
    /// An input, or `slate`; without it, the one in preview.
    input: Option<String>,
    /// Also if it is not ready.
    force: bool,
}

/// Whether the switch moves only when it is told to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Hold {
    /// `false` lets it move by itself again.
    on: bool,
}

impl Default for Hold {
    fn default() -> Self {
        Self { on: true }
    }
}

/// What to try.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Drill {
    /// The input to try; without it, the one that would take over. With `on_air` the one that is
    /// cut: refused when another is on air.
    input: Option<String>,
    /// Really cut what is on air for some seconds, instead of looking what would happen.
    on_air: bool,
    /// The switch's own name, to say that a drill on air is meant.
    confirm: Option<String>,
}

/// Put an input, or the slate, on air. It happens at its next key frame: until then `next` in the
/// answer names it, and `active` what is still on air.
#[utoipa::path(post, path = "/api/v1/sources/{name}/take", tag = "switch",
    operation_id = "switch_take",
    params(("name" = String, Path, description = "The switch")), request_body = Option<Take>,
    responses((status = 200, body = SwitchView), (status = 401, body = Problem),
        (status = 404, description = "No such switch or input", body = Problem),
        (status = 409, description = "It is locked, or the input is not ready", body = Problem)))]
pub(super) async fn take(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
    body: TextBody,
) -> Result<Json<Value>, Problem> {
    let Take { input, force } = given(&body)?;
    command(&app, &identity, &name, SwitchCommand::Take { input, force }).await
}

/// Lock it: neither a command nor the switch itself changes what is on air, unless that goes dark.
#[utoipa::path(post, path = "/api/v1/sources/{name}/lock", tag = "switch",
    operation_id = "switch_lock",
    params(("name" = String, Path, description = "The switch")),
    responses((status = 200, body = SwitchView), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn lock(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    command(&app, &identity, &name, SwitchCommand::Lock).await
}

/// Take the lock away.
#[utoipa::path(post, path = "/api/v1/sources/{name}/unlock", tag = "switch",
    operation_id = "switch_unlock",
    params(("name" = String, Path, description = "The switch")),
    responses((status = 200, body = SwitchView), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn unlock(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    command(&app, &identity, &name, SwitchCommand::Unlock).await
}

/// Hold it: it changes what is on air only when it is told to, or let go of that again.
#[utoipa::path(post, path = "/api/v1/sources/{name}/hold", tag = "switch",
    operation_id = "switch_hold",
    params(("name" = String, Path, description = "The switch")), request_body = Option<Hold>,
    responses((status = 200, body = SwitchView), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn hold(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
    body: TextBody,
) -> Result<Json<Value>, Problem> {
    let Hold { on } = given(&body)?;
    command(&app, &identity, &name, SwitchCommand::Hold(on)).await
}

/// Go back to the most preferred input that is ready. Takes a latch away, too.
#[utoipa::path(post, path = "/api/v1/sources/{name}/return", tag = "switch",
    operation_id = "switch_return",
    params(("name" = String, Path, description = "The switch")),
    responses((status = 200, body = SwitchView), (status = 401, body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "There is nothing better", body = Problem)))]
pub(super) async fn return_home(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    command(&app, &identity, &name, SwitchCommand::Return).await
}

/// Test the backup: what viewers would see, were the input on air gone this moment. With `on_air`
/// it is really cut for some seconds, which wants the switch's name as a confirmation.
#[utoipa::path(post, path = "/api/v1/sources/{name}/drill", tag = "switch",
    operation_id = "switch_drill",
    params(("name" = String, Path, description = "The switch")), request_body = Option<Drill>,
    responses((status = 200, body = SwitchView), (status = 401, body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "Not confirmed, or there is nothing to try", body = Problem)))]
pub(super) async fn drill(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
    body: TextBody,
) -> Result<Json<Value>, Problem> {
    let Drill {
        input,
        on_air,
        confirm,
    } = given(&body)?;
    let confirmed = confirm.as_deref() == Some(name.as_str());
    let drill = SwitchCommand::Drill {
        input,
        on_air,
        confirmed,
    };
    command(&app, &identity, &name, drill).await
}

/// What the body says; nothing at all is what it means without one.
fn given<T: Order>(body: &TextBody) -> Result<T, Problem> {
    if body.is_empty() {
        return Ok(T::default());
    }
    body.value_like(T::EXAMPLE)
}

/// What may stand behind the name of a source in an address.
const BEHIND_A_SOURCE: [&str; 7] = [
    "take", "return", "hold", "lock", "unlock", "drill", "history",
];

/// What to do about an address that there is not: a command may be misspelt.
pub(super) fn nearest_address(path: &str) -> (Option<String>, String) {
    let mut parts = path.split('/').skip_while(|part| part.is_empty());
    let start = [parts.next(), parts.next(), parts.next()];
    let (name, word, end) = (parts.next(), parts.next(), parts.next());
    match (start, name, word, end) {
        ([Some("api"), Some("v1"), Some("sources")], Some(name), Some(word), None) => {
            let nearest = nearest(word, BEHIND_A_SOURCE);
            let nearest = nearest.map(|word| format!("/api/v1/sources/{name}/{word}"));
            let advice = match &nearest {
                Some(nearest) => format!("Did you mean {nearest}?"),
                None => format!("Behind a source there are {}.", BEHIND_A_SOURCE.join(", ")),
            };
            (nearest, advice)
        }
        _ => (None, "See /api/v1/openapi.json for what there is.".into()),
    }
}

async fn command(
    app: &Shared,
    identity: &Identity,
    name: &str,
    command: SwitchCommand,
) -> Result<Json<Value>, Problem> {
    let desired = app.control.current();
    let source = desired
        .find::<SourceConfig>(name)
        .ok_or_else(|| not_found::<SourceConfig>(&desired, name))?;
    if source.kind() != SWITCH {
        return Err(no_switch(&desired, name));
    }
    let switch = app.engine.switch(name).ok_or(SwitchRefusal::NotRunning)?;
    let (app, by, name) = (app.clone(), identity.user.clone(), name.to_owned());
    let action = words(&command);
    // What is done is written down, also when the one who asked does not wait for the answer.
    let done = tokio::spawn(async move {
        let status = switch.command(command, &by).await?;
        let audit = EventKind::Audit { by, action };
        app.engine.events().emit(Subject::source(&name), audit);
        Ok::<_, SwitchRefusal>(status)
    });
    let status = done.await.map_err(|_| SwitchRefusal::NotRunning)??;
    Ok(Json(status))
}

/// How the configuration calls it.
const SWITCH: &str = "switch";

fn words(command: &SwitchCommand) -> String {
    match command {
        SwitchCommand::Take { input, force } => {
            let input = input.as_deref().unwrap_or("the one in preview");
            let forced = if *force { ", ready or not" } else { "" };
            format!("took {input}{forced}")
        }
        SwitchCommand::Lock => "locked it".into(),
        SwitchCommand::Unlock => "unlocked it".into(),
        SwitchCommand::Hold(true) => "held it".into(),
        SwitchCommand::Hold(false) => "let it go on by itself".into(),
        SwitchCommand::Return => "returned it to the preferred input".into(),
        SwitchCommand::Drill { on_air: false, .. } => "tested the backup".into(),
        SwitchCommand::Drill { on_air: true, .. } => "tested the backup on air".into(),
    }
}

fn no_switch(desired: &Desired, name: &str) -> Problem {
    let problem = Problem::new(
        StatusCode::NOT_FOUND,
        "no_switch",
        format!("The source \"{name}\" is no switch."),
    );
    let sources = desired.document.sources.iter();
    let switches: Vec<&str> = sources
        .filter(|source| source.kind() == SWITCH)
        .map(|source| source.name().as_str())
        .collect();
    if switches.is_empty() {
        return problem.advise("Create one: a source with \"switch\" and its inputs.");
    }
    problem.advise(format!("There are {}.", switches.join(", ")))
}

impl From<SwitchRefusal> for Problem {
    fn from(refusal: SwitchRefusal) -> Self {
        let (detail, code) = (refusal.to_string(), refusal.code().as_str());
        match refusal {
            SwitchRefusal::NotRunning => Self::new(StatusCode::CONFLICT, code, detail)
                .advise("It is being started; the source's status says why it takes longer."),
            SwitchRefusal::UnknownInput {
                nearest, inputs, ..
            } => {
                let advice = match &nearest {
                    Some(nearest) => format!("Did you mean \"{nearest}\"?"),
                    None => format!("There are {}.", inputs.join(", ")),
                };
                let problem = Self::new(StatusCode::NOT_FOUND, code, detail);
                Self {
                    nearest,
                    pointer: Some("/input".into()),
                    ..problem.advise(advice)
                }
            }
            SwitchRefusal::NotNow { advice, .. } => {
                Self::new(StatusCode::CONFLICT, code, detail).advise(advice)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::openapi;
    use std::collections::BTreeSet;
    use tidegate_engine::RefusalCode;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/switch.md");

    /// What docs/switch.md says below a heading.
    fn section(heading: &str) -> String {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap();
        let (section, _) = rest.split_once("\n## ").unwrap_or((rest, ""));
        section.to_owned()
    }

    #[test]
    fn every_way_to_refuse_a_command_stands_in_the_documentation() {
        let commands = section("Commands");
        let (_, table) = commands.split_once("| `type` | | |\n").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let rows = table.lines().filter_map(|row| row.strip_prefix("| `"));
        let documented: BTreeSet<&str> = rows.map(|row| row.split_once('`').unwrap().0).collect();
        let of_switches = RefusalCode::ALL.iter().map(|code| code.as_str());
        let of_the_api = ["not_found", "no_switch", "invalid"];
        let known: BTreeSet<&str> = of_switches.chain(of_the_api).collect();
        assert_eq!(documented, known);
    }

    #[test]
    fn every_field_of_the_status_stands_in_the_documentation() {
        let status = section("Status");
        let document = openapi::document();
        let schemas = &document["components"]["schemas"];
        let (mut seen, mut next) = (BTreeSet::new(), vec!["SwitchView".to_owned()]);
        while let Some(name) = next.pop() {
            let fields = schemas[&name]["properties"].as_object().unwrap();
            for (field, value) in fields {
                let is_named = [format!("`{field}`"), format!("`{field}[]`")];
                let is_named = is_named.iter().any(|named| status.contains(named));
                assert!(is_named, "{field} of {name} is not in docs/switch.md");
                let text = value.to_string();
                let inner = text.split("#/components/schemas/").skip(1);
                let inner = inner.filter_map(|rest| rest.split('"').next());
                next.extend(
                    inner
                        .filter(|name| !seen.contains(*name))
                        .map(str::to_owned),
                );
            }
            seen.insert(name);
        }
        assert!(seen.len() > 6, "{seen:?}");
    }
}
