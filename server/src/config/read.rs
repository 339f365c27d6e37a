//! Reading YAML and JSON into typed configuration, with the place of every error.

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Options};
use tidegate_engine::nearest;
use tidegate_engine::time::NO_TIME;

use super::locate::{Outline, place_of};
use super::problem::{ConfigErrors, ConfigProblem, Place, sentence};
use super::{Document, check};

/// Longest configuration text accepted.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Most values a text may contain, aliases expanded: an alias bomb ends here.
const NODES_MAX: usize = 50_000;
const DEPTH_MAX: usize = 32;
const ALIASES_MAX: usize = 1_000;

/// Strict booleans, no duplicate keys, and a budget for what aliases expand to.
pub(super) fn options() -> Options {
    let mut options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_nodes: NODES_MAX,
            max_events: 4 * NODES_MAX,
            max_depth: DEPTH_MAX,
            max_aliases: ALIASES_MAX,
            max_anchors: ALIASES_MAX,
        },
    };
    options.alias_limits.max_total_replayed_events = NODES_MAX;
    options
}

/// Reads a whole configuration and checks it as a whole.
///
/// # Errors
/// Everything found wrong, each with its line and column.
pub fn document(text: &str) -> Result<Document, ConfigErrors> {
    let document: Document = yaml(text)?;
    match check::whole(&document) {
        problems if problems.is_empty() => Ok(document),
        problems => Err(placed(text, problems)),
    }
}

/// Reads one typed value from YAML.
///
/// # Errors
/// What serde refused, with its place.
pub fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, ConfigErrors> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(ConfigProblem::new("The configuration is longer than 1 MiB.").into());
    }
    serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| from_yaml_error(&error).into())
}

/// Reads one typed value from JSON.
///
/// # Errors
/// What serde refused, with its place.
pub fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, ConfigErrors> {
    serde_json::from_slice(text).map_err(|error| from_json_error(&error).into())
}

/// Gives problems found by pointer the place that pointer has in `text`.
#[must_use]
pub fn placed(text: &str, mut problems: Vec<ConfigProblem>) -> ConfigErrors {
    let outline = Outline::read(text);
    for problem in &mut problems {
        if let (None, Some(pointer), Some(outline)) = (problem.place, &problem.pointer, &outline) {
            problem.place = outline.place(pointer);
        }
    }
    problems.sort_by_key(|problem| problem.place.map(|place| (place.line, place.column)));
    problems.truncate(super::problem::PROBLEMS_MAX);
    ConfigErrors {
        file: None,
        problems,
    }
}

fn from_yaml_error(error: &Error) -> ConfigProblem {
    let error = error.without_snippet();
    let mut problem = match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => unknown(field, expected),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => unknown_value(variant, expected),
        Error::SerdeMissingField { field, .. } => missing(field),
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        } => wrong_type(unexpected, expected),
        Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => ConfigProblem::new(format!(
            "This is {unexpected}, where {expected} is expected."
        )),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("This key");
            ConfigProblem::new(format!("\"{key}\" is given twice."))
                .advise("Remove one of the two.")
        }
        Error::Message { msg, .. } => other(msg),
        Error::InvalidScalar { ty, .. } => wrong_scalar(ty),
        other => ConfigProblem::new(sentence(&without_position(&other.to_string()))),
    };
    problem.place = error.location().and_then(place_of);
    problem
}

fn from_json_error(error: &serde_json::Error) -> ConfigProblem {
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    let names: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let mut problem = match (text.split(' ').next(), names.as_slice()) {
        (Some("unknown"), [field, valid @ ..]) if text.starts_with("unknown field") => {
            unknown(field, valid)
        }
        (Some("invalid"), _) if text.starts_with("invalid type: ") => {
            let text = text.trim_start_matches("invalid type: ");
            let (unexpected, expected) =
                text.rsplit_once(", expected ").unwrap_or((text, "another"));
            wrong_type(unexpected, expected)
        }
        (Some("unknown"), [variant, valid @ ..]) => unknown_value(variant, valid),
        (Some("missing"), [field]) => missing(field),
        (Some("duplicate"), [field]) => ConfigProblem::new(format!("\"{field}\" is given twice.")),
        _ if error.is_data() => other(text),
        _ => ConfigProblem::new(format!("This is not JSON: {text}.")),
    };
    if error.line() > 0 {
        problem.place = Some(Place {
            line: error.line() as u64,
            column: error.column() as u64,
        });
    }
    problem
}

fn other(message: &str) -> ConfigProblem {
    let problem = ConfigProblem::new(sentence(message));
    if message.contains(NO_TIME) {
        return problem.advise("Write it in UTC, like \"2026-11-22T20:00:00Z\".");
    }
    if message.contains("socket address") {
        return problem.advise("Write an address and a port, like \"0.0.0.0:9000\".");
    }
    problem
}

/// Says the type alone: the value may be a passphrase that lacks its quotes.
fn wrong_type(unexpected: &str, expected: &str) -> ConfigProblem {
    let kind = unexpected
        .split(['`', '"'])
        .next()
        .unwrap_or_default()
        .trim();
    let expected = match expected {
        // How it is called in the code is nothing to who writes it.
        name if name.starts_with("struct ") => "an object",
        other => other,
    };
    ConfigProblem::new(format!(
        "This is of type {kind}, where {expected} is expected."
    ))
}

/// Says what is expected alone, for the same reason.
fn wrong_scalar(expected: &str) -> ConfigProblem {
    let expected = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number, 0 or more",
        "bool" => "true or false",
        other => return ConfigProblem::new(format!("This is no valid {other}.")),
    };
    ConfigProblem::new(format!("This is not {expected}."))
}

fn unknown(field: &str, valid: &[&str]) -> ConfigProblem {
    let problem = ConfigProblem::new(format!("\"{field}\" is not a setting here."));
    let problem = problem.near(field, valid.iter().copied());
    match valid {
        [] => problem.advise("Nothing can be set here."),
        valid => problem.advise(format!("Settings here: {}.", valid.join(", "))),
    }
}

fn unknown_value(value: &str, valid: &[&str]) -> ConfigProblem {
    ConfigProblem::new(format!(
        "\"{value}\" is not one of the values this setting can have."
    ))
    .near(value, valid.iter().copied())
    .advise(format!("Values: {}.", valid.join(", ")))
}

fn missing(field: &str) -> ConfigProblem {
    ConfigProblem::new(format!("\"{field}\" is missing here."))
}

fn without_position(text: &str) -> String {
    text.split(" at line ").next().unwrap_or(text).to_owned()
}

/// The nearest of `valid`, worded for a problem about a reference.
pub(super) fn unknown_reference<'a>(
    what: &str,
    given: &str,
    valid: impl IntoIterator<Item = &'a str> + Clone,
) -> ConfigProblem {
    let mut problem = ConfigProblem::new(format!("There is no {what} named \"{given}\"."));
    problem.nearest = nearest(given, valid.clone()).map(str::to_owned);
    if problem.nearest.is_none() {
        let names: Vec<&str> = valid.into_iter().take(8).collect();
        problem.advice = Some(if names.is_empty() {
            format!("Add the {what} first; there is none yet.")
        } else {
            format!("Known: {}.", names.join(", "))
        });
    }
    problem
}
