//! Every scenario against every server, taking turns.

use crate::floor::{self, Setup};
use crate::measure::observe;
use crate::report::{self, Figure};
use crate::scenario::{ALL, Scenario};
use crate::servers::Contestant;
use crate::{attack, ciphers, growth, hls, pacing, recovery, rtmp, switch};
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone)]
pub(crate) struct Options {
    /// The Tidegate to measure.
    #[arg(long, default_value_os_t = crate::servers::built_tidegate())]
    pub(crate) tidegate: PathBuf,
    /// How long each measurement lasts.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// How often each measurement is repeated; the median is printed.
    #[arg(long, default_value_t = 3)]
    pub(crate) repeat: usize,
    /// Only these scenarios; an unknown name lists them.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these servers.
    #[arg(long, value_delimiter = ',')]
    servers: Vec<String>,
    /// Measure every floor there is, not only those that may be the lowest.
    #[arg(long)]
    every_floor: bool,
    /// How long each cell of the recovery table is measured; there are 36.
    #[arg(long, default_value_t = 60)]
    recovery_seconds: u64,
    /// Where the figures go as JSON. When everything is measured, `growth.json`, `hls.json`,
    /// `rtmp.json`, `pacing.json` and `switch.json` lie beside it.
    #[arg(long)]
    json: Option<PathBuf>,
}

impl Options {
    /// There must be something to measure.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if !self.tidegate.is_file() {
            bail!(
                "{} is missing: `make build` makes it",
                self.tidegate.display()
            );
        }
        Ok(())
    }

    fn scenarios(&self) -> anyhow::Result<Vec<Scenario>> {
        let names: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        if let Some(unknown) = self
            .only
            .iter()
            .find(|name| !names.contains(&name.as_str()))
        {
            bail!(
                "no scenario is called {unknown}; there are: {}",
                names.join(", ")
            );
        }
        Ok(chosen(&ALL, &self.only, |scenario| scenario.name))
    }

    fn contestants(&self) -> anyhow::Result<Vec<Contestant>> {
        let all = Contestant::all(&self.tidegate)?;
        let mut names: Vec<String> = all.iter().map(Contestant::name).collect();
        names.push(floor::NAME.to_owned());
        if let Some(unknown) = self.servers.iter().find(|name| !names.contains(name)) {
            bail!(
                "no server here is called {unknown}; there are: {}",
                names.join(", ")
            );
        }
        Ok(chosen(&all, &self.servers, Contestant::name))
    }

    /// The floors of a scenario: measured once each, since they hardly vary.
    fn floors(&self, scenario: &Scenario, round: usize) -> Vec<Contestant> {
        let is_chosen = self.servers.is_empty() || self.servers.iter().any(|n| n == floor::NAME);
        if !is_chosen || round > 1 {
            return Vec::new();
        }
        let setups = Setup::of(scenario, self.every_floor).into_iter();
        setups.map(Contestant::Floor).collect()
    }
}

/// Those with these names; all where none is named.
fn chosen<T: Clone, N>(all: &[T], names: &[String], name: impl Fn(&T) -> N) -> Vec<T>
where
    String: PartialEq<N>,
{
    let is_chosen = |one: &&T| names.is_empty() || names.iter().any(|wanted| *wanted == name(one));
    all.iter().filter(is_chosen).cloned().collect()
}

/// Measures and prints; what is only a part of it when scenarios are named.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.check()?;
    let scenarios = options.scenarios()?;
    let contestants = options.contestants()?;
    let mut figures = Vec::new();
    for scenario in &scenarios {
        for round in 1..=options.repeat {
            let floors = options.floors(scenario, round);
            for contestant in contestants.iter().chain(&floors) {
                let (title, name, of) = (scenario.title, contestant.name(), options.repeat);
                eprint_progress(&format!("{title}: {name} ({round} of {of})"));
                let figure = measure(contestant, scenario, options.seconds);
                figures.push(match contestant.floor() {
                    Some(setup) => figure.of_floor(setup),
                    None => figure,
                });
            }
        }
    }
    let mut figures = report::medians(&figures);
    report::show_lowest_floors(&mut figures);
    report::print(&figures);
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    if options.only.is_empty() && options.servers.is_empty() {
        attack::run(options)?;
        ciphers::run(&ciphers::Options::usual())?;
        recovery::run(&recovery::Options::everything(options.recovery_seconds))?;
        let beside = |name| Some(options.json.as_ref()?.with_file_name(name));
        let tidegate = &options.tidegate;
        growth::run(&growth::Options::usual(tidegate, beside("growth.json")))?;
        hls::run(&hls::Options::usual(tidegate, beside("hls.json")))?;
        rtmp::run(&rtmp::Options::usual(tidegate, beside("rtmp.json")))?;
        pacing::run(&pacing::Options::usual(tidegate, beside("pacing.json")))?;
        switch::run(&switch::Options::usual(tidegate, beside("switch.json")))?;
    }
    Ok(())
}

/// What a relay hop adds in delay: the scenarios of one publisher and one reader.
pub(crate) fn hop(options: &Options) -> anyhow::Result<()> {
    let only = vec!["relay".to_owned(), "relay-low-delay".to_owned()];
    run(&Options {
        only,
        ..options.clone()
    })
}

/// One measurement. A server that fails has no figure, and the others go on.
fn measure(contestant: &Contestant, scenario: &Scenario, seconds: u64) -> Figure {
    let name = contestant.name();
    let measured = contestant.start(scenario).and_then(|started| {
        Ok(match started {
            Ok(server) => {
                let observed = observe(&*server, scenario, seconds, || Ok(()))?;
                Figure::of(&name, scenario, observed)
            }
            Err(why) => Figure::none(&name, scenario, why),
        })
    });
    measured.unwrap_or_else(|error| Figure::none(&name, scenario, format!("{error:#}")))
}

#[expect(
    clippy::print_stderr,
    reason = "progress of a program that runs for minutes"
)]
pub(crate) fn eprint_progress(text: &str) {
    eprintln!("measuring {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_named_is_everything_and_names_choose() {
        let names = |chosen: Vec<Scenario>| chosen.iter().map(|one| one.name).collect::<Vec<_>>();
        let all = chosen(&ALL, &[], |scenario| scenario.name);
        assert_eq!(all.len(), ALL.len());
        let wanted = ["readers".to_owned()];
        assert_eq!(
            names(chosen(&ALL, &wanted, |scenario| scenario.name)),
            ["readers"]
        );
    }
}
