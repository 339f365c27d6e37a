//! Charts of what `run` and `growth` have written as JSON, as SVG files.

pub(crate) mod bars;
pub(crate) mod lines;
mod scale;
mod svg;

use crate::{floor, growth};
use anyhow::Context as _;
use bars::{Bar, Group};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::path::PathBuf;

/// Readable where documentation shows it.
pub(crate) const WIDTH: f64 = 800.0;

/// Colours that differ for those who do not see all of them, too.
pub(crate) const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#8c564b",
];
const FLOOR_COLOUR: &str = "#8c959f";
const OURS: &str = "tidegate";

#[derive(Clone, Copy, ValueEnum)]
enum Chart {
    /// CPU time of each server in each scenario, from `run`.
    Cost,
    /// CPU time and memory over the number of connections, from `growth`.
    Growth,
}

#[derive(Args)]
pub(crate) struct Options {
    #[arg(value_enum)]
    chart: Chart,
    /// The figures.
    from: PathBuf,
    /// Where the chart goes.
    to: PathBuf,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let from = &options.from;
    let text = std::fs::read_to_string(from).with_context(|| format!("no {}", from.display()))?;
    let file = match options.chart {
        Chart::Cost => cost(&serde_json::from_str::<Vec<Figure>>(&text)?),
        Chart::Growth => growth::draw(&serde_json::from_str::<Vec<growth::Point>>(&text)?),
    };
    std::fs::write(&options.to, file)?;
    Ok(())
}

/// What this chart needs to know of a figure.
#[derive(Deserialize)]
struct Figure {
    server: String,
    scenario: Scenario,
    is_shown: bool,
    cost: Option<Cost>,
}

#[derive(Deserialize)]
struct Scenario {
    title: String,
}

#[derive(Deserialize)]
struct Cost {
    cpu_seconds_per_gbit: f64,
}

fn cost(figures: &[Figure]) -> String {
    let mut groups: Vec<Group> = Vec::new();
    let mut palette = Palette::default();
    for figure in figures.iter().filter(|figure| figure.is_shown) {
        let Some(cost) = &figure.cost else {
            continue;
        };
        let bar = Bar {
            server: figure.server.clone(),
            value: cost.cpu_seconds_per_gbit,
            colour: palette.colour_of(&figure.server),
        };
        let title = &figure.scenario.title;
        match groups.iter_mut().find(|group| group.name == *title) {
            Some(group) => group.bars.push(bar),
            None => groups.push(Group {
                name: title.clone(),
                bars: vec![bar],
            }),
        }
    }
    bars::draw(
        "What a gigabit costs",
        "CPU seconds of the server per gigabit carried; each scenario to its own scale; less is better",
        &groups,
    )
}

/// Ours is always of one colour, the floor is grey, every other server has its own.
#[derive(Default)]
struct Palette {
    others: Vec<String>,
}

impl Palette {
    fn colour_of(&mut self, server: &str) -> &'static str {
        if server.starts_with(OURS) {
            return COLOURS[0];
        }
        if server.starts_with(floor::NAME) {
            return FLOOR_COLOUR;
        }
        let known = self.others.iter().position(|other| other == server);
        let place = known.unwrap_or_else(|| {
            self.others.push(server.to_owned());
            self.others.len() - 1
        });
        COLOURS[1 + place % (COLOURS.len() - 1)]
    }
}
