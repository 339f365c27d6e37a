//! Any other server, by the environment: `TIDEGATE_BENCH_SERVER_NAME=command line`.

use super::{Running, Started, local};
use crate::scenario::{LATENCY_MS, READ_PASSPHRASE, Scenario};
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;
use tidegate_testkit::{Process, free_udp_port};

const PREFIX: &str = "TIDEGATE_BENCH_SERVER_";
const PUBLISH_ID: &str = "TIDEGATE_BENCH_PUBLISH_ID_";
const READ_ID: &str = "TIDEGATE_BENCH_READ_ID_";
/// What is common: the publisher's number, and the stream of the first one.
const USUAL_PUBLISH_ID: &str = "publish:live/{}";
const USUAL_READ_ID: &str = "read:live/0";
/// A server that cannot be asked whether it is ready gets so long.
const START: Duration = Duration::from_secs(2);

/// How a server is started, and by which stream IDs it is used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipe {
    name: String,
    command: String,
    publish_id: String,
    read_id: String,
}

/// Every server that the environment names.
pub(super) fn all(
    variables: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<Vec<Recipe>> {
    let variables: BTreeMap<String, String> = variables.into_iter().collect();
    let named = variables
        .iter()
        .filter_map(|(name, command)| Some((name.strip_prefix(PREFIX)?, command)));
    named
        .map(|(name, command)| {
            if !command.contains("{port}") {
                bail!("{PREFIX}{name} has no {{port}}: the server would listen where nobody calls");
            }
            let id = |prefix: &str, usual: &str| {
                let id = variables.get(&format!("{prefix}{name}"));
                id.map_or(usual, String::as_str).to_owned()
            };
            Ok(Recipe {
                name: name.to_lowercase().replace('_', "-"),
                command: command.clone(),
                publish_id: id(PUBLISH_ID, USUAL_PUBLISH_ID),
                read_id: id(READ_ID, USUAL_READ_ID),
            })
        })
        .collect()
}

impl Recipe {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn start(&self, scenario: &Scenario) -> anyhow::Result<Started> {
        if scenario.is_encrypted && !self.command.contains("{passphrase}") {
            let why = "its command line has no {passphrase}";
            return Ok(Err(why.to_owned()));
        }
        let folder = tempfile::tempdir()?;
        let port = free_udp_port();
        let line = self.line(port, scenario);
        let mut command = Command::new("sh");
        command.args(["-c", &line]);
        let mut process = Process::start("named", &mut command, folder.path());
        std::thread::sleep(START);
        if let Some(status) = process.ended() {
            let output = process.output();
            let last = output.lines().last().context("and said nothing");
            return Ok(Err(format!(
                "it ended ({status}): {}",
                last.unwrap_or("nothing said")
            )));
        }
        let ids = ["--publish-id", &self.publish_id, "--read-id", &self.read_id];
        let ids = ids.map(str::to_owned).to_vec();
        let running = Running::one(process, local(port), ids, folder);
        Ok(Ok(Box::new(running)))
    }

    fn line(&self, port: u16, scenario: &Scenario) -> String {
        let passphrase = if scenario.is_encrypted {
            READ_PASSPHRASE
        } else {
            ""
        };
        self.command
            .replace("{port}", &port.to_string())
            .replace("{latency_ms}", &LATENCY_MS.to_string())
            .replace("{passphrase}", passphrase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    fn recipes(variables: &[(&str, &str)]) -> anyhow::Result<Vec<Recipe>> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        all(variables.iter().map(owned))
    }

    #[test]
    fn a_server_is_named_by_its_variable_and_told_its_port() {
        let found = recipes(&[
            ("HOME", "/root"),
            (
                "TIDEGATE_BENCH_SERVER_OTHER_ONE",
                "other -p {port} -l {latency_ms}",
            ),
            ("TIDEGATE_BENCH_READ_ID_OTHER_ONE", "play/0"),
        ]);
        let found = found.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name(), "other-one");
        assert_eq!(found[0].publish_id, "publish:live/{}");
        assert_eq!(found[0].read_id, "play/0");
        assert_eq!(
            found[0].line(7001, &scenario::ALL[0]),
            "other -p 7001 -l 120"
        );
    }

    #[test]
    fn one_without_a_port_is_an_error() {
        let error = recipes(&[("TIDEGATE_BENCH_SERVER_X", "x")]).unwrap_err();
        assert!(error.to_string().contains("{port}"), "{error}");
    }
}
