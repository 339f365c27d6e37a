//! The table on standard output.

use super::point::Point;

pub(super) fn print(points: &[Point]) {
    println!(
        "\n| connections | | CPU, % of a core | each, µs per second | CPU-s per Gbit | memory | threads |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for point in points {
        println!("{}", row(point));
    }
}

fn row(point: &Point) -> String {
    let (name, connections) = (point.kind.name(), point.connections);
    if let Some(why) = &point.refused {
        return format!("| {name} | {connections} | no figure: {why} | | | | |");
    }
    let per_gbit = point
        .cpu_seconds_per_gbit()
        .map_or(String::new(), |cost| format!("{cost:.2}"));
    format!(
        "| {name} | {connections} | {:.2} | {:.0} | {per_gbit} | {:.1} MB | {} |",
        point.cpu_percent,
        point.cpu_micros_per_connection(),
        point.resident_bytes as f64 / 1e6,
        point.threads,
    )
}
