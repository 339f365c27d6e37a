//! Curves over a number of connections, both axes logarithmic: what grows with the number
//! rises by a decade per decade, and what is flat is level.

use super::scale::{Scale, short};
use super::svg::{Anchor, Drawing, Font, GRID};
use super::{COLOURS, WIDTH};

const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 70.0;
const LEGEND_ROW: f64 = 22.0;
const HEADING: f64 = 34.0;
const PLOT: f64 = 220.0;
/// Below a panel: the axis's numbers and name.
const AXIS: f64 = 52.0;
const DASHES: [&str; 4] = ["", "7 4", "2 4", "9 3 2 3"];

/// One set of axes; its series are those of the legend, in that order.
pub(crate) struct Panel {
    /// What is shown, with its unit.
    pub(crate) title: String,
    /// Points of each series: number of connections, and value.
    pub(crate) series: Vec<Vec<(f64, f64)>>,
}

/// The looks of one series.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Which colour and which dashes.
    pub(crate) colour: usize,
    pub(crate) dashes: usize,
}

/// Draws panels one below the other with one legend above.
pub(crate) fn draw(title: &str, note: &str, legend: &[Entry], panels: &[Panel]) -> String {
    let legend_height = legend.len().div_ceil(2) as f64 * LEGEND_ROW;
    let panel_height = HEADING + PLOT + AXIS;
    let height = TOP + legend_height + panels.len() as f64 * panel_height;
    let mut drawing = Drawing::new(WIDTH, height);
    drawing.text(20.0, 32.0, Anchor::Start, Font::TITLE, title);
    drawing.text(20.0, 54.0, Anchor::Start, Font::NOTE, note);
    draw_legend(&mut drawing, legend);
    let mut top = TOP + legend_height;
    for panel in panels {
        draw_panel(&mut drawing, panel, legend, top);
        top += panel_height;
    }
    drawing.finish()
}

fn draw_legend(drawing: &mut Drawing, legend: &[Entry]) {
    for (place, entry) in legend.iter().enumerate() {
        let x = 20.0 + (place % 2) as f64 * (WIDTH - 40.0) / 2.0;
        let y = TOP + 8.0 + (place / 2) as f64 * LEGEND_ROW;
        drawing.curve(&[(x, y), (x + 34.0, y)], colour(entry), dashes(entry));
        drawing.dot((x + 17.0, y), colour(entry));
        drawing.text(x + 42.0, y + 4.5, Anchor::Start, Font::LABEL, &entry.name);
    }
}

fn draw_panel(drawing: &mut Drawing, panel: &Panel, legend: &[Entry], top: f64) {
    let (upper, lower) = (top + HEADING, top + HEADING + PLOT);
    drawing.text(
        20.0,
        upper - 12.0,
        Anchor::Start,
        Font::HEADING,
        &panel.title,
    );
    let points = || panel.series.iter().flatten();
    let across = Scale::of(points().map(|(x, _)| *x), LEFT, WIDTH - RIGHT);
    let up = Scale::of(points().map(|(_, y)| *y), lower, upper);
    for tick in up.ticks() {
        let y = up.pixel(tick);
        drawing.line((LEFT, y), (WIDTH - RIGHT, y), GRID);
        drawing.text(LEFT - 8.0, y + 4.0, Anchor::End, Font::NOTE, &short(tick));
    }
    for tick in across.ticks() {
        let x = across.pixel(tick);
        drawing.line((x, upper), (x, lower), GRID);
        drawing.text(x, lower + 18.0, Anchor::Middle, Font::NOTE, &short(tick));
    }
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    drawing.text(
        middle,
        lower + 38.0,
        Anchor::Middle,
        Font::NOTE,
        "connections",
    );
    for (entry, series) in legend.iter().zip(&panel.series) {
        let place = |(x, y): &(f64, f64)| (across.pixel(*x), up.pixel(*y));
        let pixels: Vec<(f64, f64)> = series.iter().map(place).collect();
        drawing.curve(&pixels, colour(entry), dashes(entry));
        for pixel in pixels {
            drawing.dot(pixel, colour(entry));
        }
    }
}

fn colour(entry: &Entry) -> &'static str {
    COLOURS[entry.colour % COLOURS.len()]
}

fn dashes(entry: &Entry) -> &'static str {
    DASHES[entry.dashes % DASHES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_with_the_connections_rises_and_what_is_flat_is_level() {
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            colour: 0,
            dashes: 0,
        };
        let panel = Panel {
            title: "CPU".to_owned(),
            series: vec![
                vec![(1.0, 1.0), (1000.0, 1000.0)],
                vec![(1.0, 10.0), (1000.0, 10.0)],
            ],
        };
        let file = draw("title", "note", &[entry("in"), entry("out")], &[panel]);
        let curves: Vec<&str> = file
            .lines()
            .filter_map(|line| line.strip_prefix("<polyline points=\""))
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        // Two of the legend, two of the panel.
        assert_eq!(curves[2], "70.0,346.0 770.0,126.0");
        assert_eq!(curves[3], "70.0,272.7 770.0,272.7");
    }
}
