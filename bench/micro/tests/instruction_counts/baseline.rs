use core::fmt;

/// So much more fails, so much less is said.
const TOLERANCE: f64 = 0.05;
const MADE_WITH: &str = "# Made with ";
const HEAD: &str =
    "# Instructions of every hot path, per unit of its work. More than 5 % more fail `make test`.
# Take over new ones: UPDATE_COUNTS=1 cargo test -p tidegate-microbench";

/// What `counts.txt` holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Counts {
    /// Compiler and libraries they belong to.
    pub(crate) toolchain: String,
    pub(crate) counts: Vec<Count>,
}

/// One hot path's line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Count {
    pub(crate) name: String,
    /// Instructions per unit.
    pub(crate) instructions: f64,
    pub(crate) unit: String,
}

impl Counts {
    /// Reads the file; `None` if it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let toolchain = text.lines().find_map(|line| line.strip_prefix(MADE_WITH))?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let counts = lines.map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let (instructions, unit) = rest.trim_start().split_once(" per ")?;
            Some(Count {
                name: name.to_owned(),
                instructions: instructions.parse().ok()?,
                unit: unit.to_owned(),
            })
        });
        Some(Self {
            toolchain: toolchain.to_owned(),
            counts: counts.collect::<Option<_>>()?,
        })
    }

    pub(crate) fn compared_with(&self, known: &Self) -> Comparison {
        let find = |counts: &[Count], name: &str| {
            let found = counts.iter().find(|count| count.name == name);
            found.map(|count| count.instructions)
        };
        let mut lines: Vec<Line> = (self.counts.iter())
            .map(|count| Line {
                name: count.name.clone(),
                before: find(&known.counts, &count.name),
                now: Some(count.instructions),
            })
            .collect();
        lines.extend(known.counts.iter().map(|count| Line {
            name: count.name.clone(),
            before: Some(count.instructions),
            now: None,
        }));
        let mut seen = std::collections::BTreeSet::new();
        lines.retain(|line| seen.insert(line.name.clone()));
        Comparison(lines)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n{MADE_WITH}{}", self.toolchain)?;
        for Count {
            name,
            instructions,
            unit,
        } in &self.counts
        {
            writeln!(f, "{name:<24}{instructions:>10.1} per {unit}")?;
        }
        Ok(())
    }
}

/// Two sets of counts side by side.
#[derive(Debug)]
pub(crate) struct Comparison(Vec<Line>);

#[derive(Debug)]
struct Line {
    name: String,
    before: Option<f64>,
    now: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    Better,
    Worse,
    /// Only one of the two has it.
    Unmatched,
}

impl Comparison {
    pub(crate) fn is_failure(&self) -> bool {
        let fails = |line: &Line| matches!(line.verdict(), Verdict::Worse | Verdict::Unmatched);
        self.0.iter().any(fails)
    }

    /// One line, and one for each path that became cheaper.
    pub(crate) fn summary(&self) -> String {
        let count = |verdict| {
            (self.0.iter())
                .filter(|line| line.verdict() == verdict)
                .count()
        };
        let better = self
            .0
            .iter()
            .filter(|line| line.verdict() == Verdict::Better);
        let better: String = better.map(|line| format!("\n{line}")).collect();
        format!(
            "instructions of {} hot paths counted: {} within 5 %, {} more, {} less{better}",
            self.0.len(),
            count(Verdict::Same),
            count(Verdict::Worse),
            count(Verdict::Better),
        )
    }
}

impl Line {
    fn verdict(&self) -> Verdict {
        match (self.before, self.now) {
            (Some(before), Some(now)) if now > before * (1.0 + TOLERANCE) => Verdict::Worse,
            (Some(before), Some(now)) if now < before * (1.0 - TOLERANCE) => Verdict::Better,
            (Some(_), Some(_)) => Verdict::Same,
            _ => Verdict::Unmatched,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |count: Option<f64>| count.map_or("–".into(), |count| format!("{count:.1}"));
        let (before, now) = (figure(self.before), figure(self.now));
        write!(f, "{:<24}{before:>10} → {now:>10}", self.name)?;
        if let (Some(before), Some(now)) = (self.before, self.now) {
            write!(f, " {:+6.1} %", (now / before - 1.0) * 100.0)?;
        }
        f.write_str(match self.verdict() {
            Verdict::Same => "",
            Verdict::Worse => "  MORE THAN 5 % MORE",
            Verdict::Better => "  better: take it over",
            Verdict::Unmatched => "  IN ONE OF BOTH ONLY",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[(&str, f64)]) -> Counts {
        let count = |(name, instructions): &(&str, f64)| Count {
            name: (*name).to_owned(),
            instructions: *instructions,
            unit: "packet".to_owned(),
        };
        Counts {
            toolchain: "a compiler".to_owned(),
            counts: list.iter().map(count).collect(),
        }
    }

    #[test]
    fn six_percent_more_fail_and_four_do_not() {
        let known = counts(&[("receive", 1000.0), ("send", 500.0)]);
        let now = counts(&[("receive", 1040.0), ("send", 520.0)]);
        assert!(!now.compared_with(&known).is_failure());
        let now = counts(&[("receive", 1000.0), ("send", 530.0)]);
        let comparison = now.compared_with(&known);
        assert!(comparison.is_failure());
        let told = comparison.to_string();
        assert!(
            told.contains("send") && told.contains("+6.0 %  MORE"),
            "{told}"
        );
    }

    #[test]
    fn six_percent_less_do_not_fail_but_are_said() {
        let known = counts(&[("receive", 1000.0)]);
        let comparison = counts(&[("receive", 940.0)]).compared_with(&known);
        assert!(!comparison.is_failure());
        assert!(comparison.summary().contains("better: take it over"));
    }

    #[test]
    fn a_path_without_a_count_and_a_count_without_a_path_fail() {
        let (one, two) = (
            counts(&[("receive", 1000.0)]),
            counts(&[("receive", 1000.0), ("send", 1.0)]),
        );
        assert!(one.compared_with(&two).is_failure());
        assert!(two.compared_with(&one).is_failure());
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        let written = counts(&[("receive", 1000.5), ("feed_100_readers", 48_856.0)]);
        assert_eq!(Counts::parse(&written.to_string()), Some(written));
        assert_eq!(Counts::parse("nonsense"), None);
    }
}
