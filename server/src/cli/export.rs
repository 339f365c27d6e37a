use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::client::Client;
use super::{ServerArgs, say, say_wrong};
use crate::api;
use crate::state::Control;
use crate::store::{FILE_NAME, Store};

/// Prints what is in force: from a running server, or from a data folder.
pub(super) fn run(server: &ServerArgs, data: Option<&Path>) -> anyhow::Result<ExitCode> {
    if let Some(data) = data {
        say(from_store(data)?.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let answer = Client::new(server)?.get("/api/v1/config?format=yaml")?;
    if answer.is_success() {
        say(answer.text().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let detail = answer.json()["detail"]
        .as_str()
        .unwrap_or("it gave no reason")
        .to_owned();
    say_wrong(&format!("the server answered {}: {detail}", answer.status));
    Ok(ExitCode::FAILURE)
}

fn from_store(data: &Path) -> anyhow::Result<String> {
    if !data.join(FILE_NAME).is_file() {
        bail!("there is no store in {}", data.display());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let store = Store::open(data)?;
        let control = Control::load(store, tidegate_engine::EventSink::new()).await?;
        api::document_yaml(&control.current()).context("the configuration cannot be written")
    })
}
