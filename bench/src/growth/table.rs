//! The table on standard output.

use super::point::Point;

pub(super) fn print(points: &[Point]) {
    println!(
        "\n| connections | | CPU, % of a core | each, µs per second | CPU-s per Gbit | memory | threads | generator late, p50 / p99 |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for point in points {
        println!("{}", row(point));
    }
}

fn row(point: &Point) -> String {
    let (name, connections) = (point.kind.name(), point.connections);
    if let Some(why) = &point.refused {
        return format!("| {name} | {connections} | no figure: {why} | | | | | |");
    }
    let per_gbit = point
        .cpu_seconds_per_gbit()
        .map_or(String::new(), |cost| format!("{cost:.2}"));
    let late = match point.kind.rate_bps() {
        0 => String::new(),
        _ => format!(
            "{:.1} / {:.1} ms",
            point.lateness_ms.p50, point.lateness_ms.p99
        ),
    };
    format!(
        "| {name} | {connections} | {:.2} | {:.0} | {per_gbit} | {:.1} MB | {} | {late} |",
        point.cpu_percent,
        point.cpu_micros_per_connection(),
        point.resident_bytes as f64 / 1e6,
        point.threads,
    )
}
