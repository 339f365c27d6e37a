//! Which floors are measured beside the servers, and how one is started.

use super::Kind;
use crate::scenario::Scenario;
use crate::servers::Running;
use anyhow::{Context as _, bail};
use serde::Serialize;
use std::process::Command;
use std::time::{Duration, Instant};
use tidegate_testkit::Process;

/// What a floor is called first of all; what it is made of follows.
pub(crate) const NAME: &str = "udp floor";
/// What a server may gather for between its turns: where packets are passed on at once, where
/// they are only taken in, and where they go out together a little ahead of the time they are
/// due.
const LOW_DELAY_GATHER_US: u64 = 500;
const TAKING_IN_GATHER_US: u64 = 2000;
const DUE_GATHER_US: u64 = 10_000;
const KINDS: [Kind; 3] = [Kind::Single, Kind::Batch, Kind::Offload];
const GATHERS_US: [u64; 5] = [0, 500, 2000, 5000, 10_000];
const START_LIMIT: Duration = Duration::from_secs(10);

/// One way to relay plain UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Setup {
    pub(crate) kind: Kind,
    pub(crate) gather_us: u64,
    /// The relay acknowledges every 10 ms, and so do its readers.
    pub(crate) answers: bool,
}

impl Setup {
    const fn answering(kind: Kind, gather_us: u64) -> Self {
        Self {
            kind,
            gather_us,
            answers: true,
        }
    }

    /// The floors that may turn out to be the lowest in this scenario, or every floor there
    /// is. None where packets are encrypted: that is work plain UDP does not have.
    pub(crate) fn of(scenario: &Scenario, every: bool) -> Vec<Self> {
        if scenario.is_encrypted {
            return Vec::new();
        }
        if every {
            return Self::every();
        }
        let limit_us = gather_limit_us(scenario);
        let shorter_us = if limit_us == DUE_GATHER_US { 5000 } else { 0 };
        vec![
            Self::answering(Kind::Single, 0),
            Self::answering(Kind::Offload, shorter_us),
            Self::answering(Kind::Offload, limit_us),
        ]
    }

    fn every() -> Vec<Self> {
        let kinds = KINDS.into_iter();
        kinds
            .flat_map(|kind| GATHERS_US.map(|gather_us| Self::answering(kind, gather_us)))
            .flat_map(|setup| [true, false].map(|answers| Self { answers, ..setup }))
            .collect()
    }

    /// Whether a server that has as little to do would do it like this: answering, and not
    /// gathering for longer than the scenario lets it.
    pub(crate) fn is_fair_in(&self, scenario: &Scenario) -> bool {
        self.answers && self.gather_us <= gather_limit_us(scenario)
    }

    pub(crate) fn name(&self) -> String {
        let gather_ms = self.gather_us as f64 / 1000.0;
        let answers = if self.answers { "" } else { ", no answers" };
        format!("{NAME}, {}, {gather_ms} ms{answers}", self.kind)
    }

    pub(crate) fn start(&self) -> anyhow::Result<Running> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("floor").args(["--kind", self.kind.argument()]);
        command.args(["--gather-us", &self.gather_us.to_string()]);
        if self.answers {
            command.arg("--answers");
        }
        let mut process = Process::start("floor", &mut command, folder.path());
        let limit = Instant::now() + START_LIMIT;
        let at = loop {
            if let Some(line) = process.output().strip_suffix('\n') {
                let address = line.strip_prefix("listening ");
                break address.context("the floor did not start")?.parse()?;
            }
            if process.ended().is_some() || Instant::now() > limit {
                bail!("the floor did not start: {}", process.output());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let answers = self.answers.then_some("--answers");
        let arguments = ["--plain"].into_iter().chain(answers);
        let arguments = arguments.map(str::to_owned).collect();
        Ok(Running::one(process, at, arguments, folder))
    }
}

const fn gather_limit_us(scenario: &Scenario) -> u64 {
    if scenario.low_delay {
        LOW_DELAY_GATHER_US
    } else if scenario.readers == 0 {
        TAKING_IN_GATHER_US
    } else {
        DUE_GATHER_US
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::ALL;
    use std::collections::BTreeSet;

    #[test]
    fn every_scenario_without_encryption_has_a_fair_floor() {
        for scenario in &ALL {
            let setups = Setup::of(scenario, false);
            assert_eq!(setups.is_empty(), scenario.is_encrypted);
            assert!(setups.iter().all(|setup| setup.is_fair_in(scenario)));
        }
    }

    #[test]
    fn every_floor_has_a_name_of_its_own_and_the_usual_ones_are_among_them() {
        let every = Setup::of(&ALL[0], true);
        let names: BTreeSet<String> = every.iter().map(Setup::name).collect();
        assert_eq!(names.len(), 30);
        let usual = ALL.iter().flat_map(|scenario| Setup::of(scenario, false));
        assert!(usual.into_iter().all(|setup| every.contains(&setup)));
    }

    #[test]
    fn what_gathers_for_long_is_no_floor_of_low_delay() {
        let low_delay = ALL.iter().find(|scenario| scenario.low_delay).unwrap();
        let setup = Setup::answering(Kind::Offload, 5000);
        assert!(!setup.is_fair_in(low_delay));
        assert_eq!(setup.name(), "udp floor, GRO/GSO, 5 ms");
    }
}
