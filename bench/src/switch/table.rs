//! The figures as a table.

use super::{Measured, Row};

pub(super) fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        "| what happens | switches | silence at the viewer, median (worst) | step between pictures (usual) | sound missing, worst | continuity errors | decoder's complaints | decided after, worst | repeated, worst |".to_owned(),
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    for Row { case, rounds } in rows {
        let mut silences: Vec<f64> = rounds.iter().map(|one| one.seen.silence_ms).collect();
        silences.sort_by(f64::total_cmp);
        let switches: Vec<String> = rounds.iter().map(|one| one.switches.to_string()).collect();
        let worst =
            |figure: &dyn Fn(&Measured) -> f64| rounds.iter().map(figure).fold(0.0, f64::max);
        let said = |name: &'static str| {
            let figure = move |one: &Measured| one.said[name].as_f64().unwrap_or(0.0);
            worst(&figure)
        };
        lines.push(format!(
            "| {case} | {} | {:.0} ms ({:.0}) | {:.0} ms ({:.0}) | {:.0} ms | {} | {} | {:.0} ms | {:.0} ms |",
            switches.join(", "),
            silences.get(silences.len() / 2).copied().unwrap_or(0.0),
            silences.last().copied().unwrap_or(0.0),
            worst(&|one| one.seen.picture_step_ms),
            worst(&|one| one.seen.picture_usual_ms),
            worst(&|one| one.seen.sound_gap_ms),
            worst(&|one| one.seen.continuity_errors as f64),
            worst(&|one| one.seen.complaints.len() as f64),
            said("decided_after_ms"),
            said("repeated_ms"),
        ));
    }
    lines.join("\n")
}
