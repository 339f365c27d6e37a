use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::Value;

use super::client::{Answer, Client};
use super::{ServerArgs, read_file, say, say_wrong};
use crate::config::read;

/// Sends a file to a running server, which checks it against what is in force there.
pub(super) fn run(file: &Path, server: &ServerArgs) -> anyhow::Result<ExitCode> {
    let name = file.display().to_string();
    let text = read_file(file).with_context(|| format!("{name} cannot be read"))?;
    if let Err(errors) = read::document(&text) {
        say_wrong(&format!("nothing was applied\n{}", errors.in_file(name)));
        return Ok(ExitCode::FAILURE);
    }
    let client = Client::new(server)?;
    let before = client.get("/api/v1/system")?.json()["revision"].take();
    let answer = client.post_yaml("/api/v1/config", text)?;
    if answer.is_success() {
        let revision = &answer.json()["revision"];
        let changes = match *revision == before {
            true => "nothing changed".to_owned(),
            false => changes_of(&client, revision)?,
        };
        say(&format!(
            "{name} is in force (revision {revision}): {changes}"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    say_wrong(&format!("nothing was applied\n{}", problem(&name, &answer)));
    Ok(ExitCode::FAILURE)
}

/// What a revision changed: what the file did not name is gone, and that is to be seen.
fn changes_of(client: &Client, revision: &Value) -> anyhow::Result<String> {
    let revisions = client.get("/api/v1/revisions")?.json();
    let found = revisions
        .as_array()
        .and_then(|all| all.iter().find(|row| row["revision"] == *revision))
        .and_then(|row| row["summary"].as_str());
    Ok(found.unwrap_or("changed again since").to_owned())
}

fn problem(name: &str, answer: &Answer) -> String {
    let problem = answer.json();
    let all = problem["problems"].as_array();
    let one = |problem: &Value, message: &str| {
        let text = |field: &str| problem[field].as_str().map(str::to_owned);
        let mut line = name.to_owned();
        if let (Some(at), Some(column)) = (problem["line"].as_u64(), problem["column"].as_u64()) {
            line += &format!(":{at}:{column}");
        }
        line += &format!(
            ": {}",
            text(message).unwrap_or_else(|| answer.status.to_string())
        );
        if let Some(nearest) = text("nearest") {
            line += &format!(" Did you mean \"{nearest}\"?");
        }
        if let Some(advice) = text("advice") {
            line += &format!(" {advice}");
        }
        line
    };
    match all {
        Some(all) => all
            .iter()
            .map(|p| one(p, "message"))
            .collect::<Vec<_>>()
            .join("\n"),
        None => one(&problem, "detail"),
    }
}
