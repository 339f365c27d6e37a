//! What came of a drill.

use tidegate_units::Duration;

use super::watch::Watch;
use crate::order::OnAir;
use crate::program::Switched;

/// What viewers would have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was switched to.
    pub to: OnAir,
    /// There was a switch, nobody would have missed a picture, and nothing was wrong.
    pub passed: bool,
    /// From the last packet to the order.
    pub decided_after: Duration,
    /// How long the picture would have stood.
    pub gap: Duration,
    /// How much would have been seen twice.
    pub repeated: Duration,
    /// How much would never have been seen.
    pub skipped: Duration,
    /// How far behind its own play-out the other input would be.
    pub delay: Duration,
    /// The longest time between two packets of the output.
    pub silence: Duration,
    /// What was wrong.
    pub problems: Vec<String>,
    /// All this in a sentence.
    pub would: String,
}

impl Report {
    pub(super) fn new(
        to: OnAir,
        decided_after: Duration,
        switched: Option<Switched>,
        formats: Option<(String, String)>,
        watch: &Watch,
    ) -> Self {
        let mut problems = watch.problems();
        if let (Some(_), Some((before, behind))) = (switched, &formats) {
            problems.push(format!("the format changes from {before} to {behind}"));
        }
        let gap = switched.map_or(Duration::ZERO, |switched| switched.gap);
        if gap > watch.frame {
            problems.push(format!(
                "the picture would have stood for {} ms: more latency on the input on air, or key frames more often on the other, would cover that",
                gap.as_millis()
            ));
        }
        let would = match switched {
            None => {
                problems.insert(0, "there was no key frame to switch to".to_owned());
                "viewers would have lost the picture".to_owned()
            }
            Some(switched) => sentence(&switched, watch.frame, problems.len()),
        };
        let (repeated, skipped, delay) = switched.map_or_else(Default::default, |switched| {
            (switched.repeated, switched.skipped, switched.delay)
        });
        Self {
            to,
            passed: switched.is_some() && problems.is_empty(),
            decided_after,
            gap,
            repeated,
            skipped,
            delay,
            silence: watch.silence,
            problems,
            would,
        }
    }
}

fn sentence(switched: &Switched, frame: Duration, problems: usize) -> String {
    let mut parts = Vec::new();
    if switched.gap > frame {
        let gap = switched.gap.as_millis();
        parts.push(format!("the picture standing for {gap} ms"));
    }
    if switched.repeated > frame {
        parts.push(format!("{} ms twice", switched.repeated.as_millis()));
    }
    if switched.skipped > frame {
        let skipped = switched.skipped.as_millis();
        parts.push(format!("a jump over {skipped} ms"));
    }
    let seen = match parts.as_slice() {
        [] => "viewers would have seen one picture follow the other".to_owned(),
        parts => format!("viewers would have seen {}", parts.join(" and ")),
    };
    match problems {
        0 => seen,
        1 => format!("{seen}; one thing was wrong"),
        many => format!("{seen}; {many} things were wrong"),
    }
}
