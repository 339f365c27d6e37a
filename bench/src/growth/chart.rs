//! The chart of CPU time and memory over the number of connections.

use super::point::{Kind, Point};
use crate::plot::lines::{self, Entry, Panel};

/// Draws what counts; each kind has a colour, each server its dashes.
pub(crate) fn draw(points: &[Point]) -> String {
    let counting: Vec<&Point> = points.iter().filter(|point| point.counts()).collect();
    let mut servers: Vec<&str> = Vec::new();
    for point in &counting {
        if !servers.contains(&point.server.as_str()) {
            servers.push(&point.server);
        }
    }
    let mut legend = Vec::new();
    let mut series: Vec<Vec<&Point>> = Vec::new();
    for (dashes, server) in servers.iter().enumerate() {
        for (colour, kind) in Kind::ALL.into_iter().enumerate() {
            let is_of = |point: &&&Point| point.kind == kind && point.server == *server;
            let of: Vec<&Point> = counting.iter().filter(is_of).copied().collect();
            if of.is_empty() {
                continue;
            }
            let name = if servers.len() == 1 {
                kind.name().to_owned()
            } else {
                format!("{server}: {}", kind.name())
            };
            legend.push(Entry {
                name,
                colour,
                dashes,
            });
            series.push(of);
        }
    }
    let panel = |title: &str, value: &dyn Fn(&Point) -> f64| Panel {
        title: title.to_owned(),
        series: series
            .iter()
            .map(|of| {
                of.iter()
                    .map(|p| (p.connections as f64, value(p)))
                    .collect()
            })
            .collect(),
    };
    let panels = [
        panel("CPU time of the server, % of one core", &|p| p.cpu_percent),
        panel(
            "CPU time per connection, µs each second",
            &Point::cpu_micros_per_connection,
        ),
        panel("Memory of the server, MB", &|p| {
            p.resident_bytes as f64 / 1e6
        }),
    ];
    lines::draw(
        "From one connection to a thousand",
        "Both axes are logarithmic: a cost per connection that does not grow is a level line in the middle chart",
        &legend,
        &panels,
    )
}
