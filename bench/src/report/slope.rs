//! Memory for one more connection: the slope between few and many.

use super::Figure;
use std::fmt;

/// What one more publisher or reader takes.
#[derive(Debug, PartialEq)]
pub(super) struct Slope {
    server: String,
    what: &'static str,
    kilobytes: f64,
}

impl fmt::Display for Slope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            what,
            kilobytes,
        } = self;
        write!(f, "| a {what} | {server} | {kilobytes:.0} KB |")
    }
}

/// The slopes of every server that was measured with few and with many.
pub(super) fn slopes(figures: &[Figure]) -> Vec<Slope> {
    let pairs = [
        ("publisher", "publishers-10", "publishers"),
        ("reader", "readers-10", "readers"),
    ];
    let find = |server: &str, scenario: &str| {
        let found = figures
            .iter()
            .find(|figure| figure.server == server && figure.scenario.name == scenario)?;
        let connections = found.scenario.publishers + found.scenario.readers;
        Some((
            connections as f64,
            found.cost.as_ref()?.resident_bytes as f64,
        ))
    };
    let mut slopes = Vec::new();
    for (what, few, many) in pairs {
        for figure in figures.iter().filter(|figure| figure.scenario.name == many) {
            let server = &figure.server;
            if let (Some(few), Some(many)) = (find(server, few), find(server, many)) {
                slopes.push(Slope {
                    server: server.clone(),
                    what,
                    kilobytes: (many.1 - few.1) / (many.0 - few.0) / 1000.0,
                });
            }
        }
    }
    slopes
}

#[cfg(test)]
mod tests {
    use super::super::figure::tests::figure;
    use super::*;
    use crate::scenario::ALL;

    #[test]
    fn the_slope_is_the_memory_between_few_and_many_for_each_of_them() {
        let index = |name| {
            ALL.iter()
                .position(|scenario| scenario.name == name)
                .unwrap()
        };
        let mut few = figure("a", index("readers-10"), Some(1.0));
        let mut many = figure("a", index("readers"), Some(1.0));
        few.cost.as_mut().unwrap().resident_bytes = 10_000_000;
        many.cost.as_mut().unwrap().resident_bytes = 14_500_000;
        let found = slopes(&[many.clone(), few]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "| a reader | a | 50 KB |");
        assert!(slopes(&[many]).is_empty());
    }
}
