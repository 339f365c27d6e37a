//! What each server costs in each scenario: one group of bars for each.

use super::WIDTH;
use super::svg::{Anchor, Drawing, Font, GRID};

const LEFT: f64 = 260.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 78.0;
const ROW: f64 = 22.0;
const BAR: f64 = 15.0;
/// A group's heading, and the space behind the group.
const HEADING: f64 = 24.0;
const GAP: f64 = 16.0;

/// A scenario and its servers.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<Bar>,
}

pub(crate) struct Bar {
    pub(crate) server: String,
    pub(crate) value: f64,
    pub(crate) colour: &'static str,
}

/// Draws groups one below the other, each to its own scale.
pub(crate) fn draw(title: &str, note: &str, groups: &[Group]) -> String {
    let rows: usize = groups.iter().map(|group| group.bars.len()).sum();
    let height = TOP + groups.len() as f64 * (HEADING + GAP) + rows as f64 * ROW;
    let mut drawing = Drawing::new(WIDTH, height);
    drawing.text(20.0, 32.0, Anchor::Start, Font::TITLE, title);
    drawing.text(20.0, 54.0, Anchor::Start, Font::NOTE, note);
    let mut y = TOP;
    for group in groups {
        y = draw_group(&mut drawing, group, y);
    }
    drawing.finish()
}

fn draw_group(drawing: &mut Drawing, group: &Group, top: f64) -> f64 {
    drawing.text(20.0, top + 14.0, Anchor::Start, Font::HEADING, &group.name);
    let longest = group.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let mut y = top + HEADING;
    let end = y + group.bars.len() as f64 * ROW;
    drawing.line((LEFT, y - 2.0), (LEFT, end - 2.0), GRID);
    for bar in &group.bars {
        let width = bar.value / longest.max(f64::MIN_POSITIVE) * (WIDTH - LEFT - RIGHT);
        let base = y + BAR - 3.0;
        drawing.text(LEFT - 8.0, base, Anchor::End, Font::LABEL, &bar.server);
        drawing.bar((LEFT, y), width.max(1.0), BAR, bar.colour);
        let value = format!("{:.2}", bar.value);
        let beside = LEFT + width + 6.0;
        drawing.text(beside, base, Anchor::Start, Font::LABEL, &value);
        y += ROW;
    }
    end + GAP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_server_of_a_scenario_has_the_longest_bar_and_every_value_is_written() {
        let bar = |server: &str, value| Bar {
            server: server.to_owned(),
            value,
            colour: "#000000",
        };
        let group = Group {
            name: "1 → 100".to_owned(),
            bars: vec![bar("tidegate", 0.25), bar("other", 0.5)],
        };
        let file = draw("title", "note", &[group]);
        let widths: Vec<f64> = file
            .lines()
            .filter(|line| line.contains("rx="))
            .map(|line| line.split("width=\"").nth(1).unwrap())
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(widths, [235.0, 470.0]);
        for text in [
            "title",
            "note",
            "1 → 100",
            "tidegate",
            "0.25",
            "other",
            "0.50",
        ] {
            assert!(file.contains(&format!(">{text}</text>")), "{text}");
        }
    }
}
