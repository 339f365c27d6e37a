//! What is wrong with a configuration, where, and what to write instead.

use std::fmt;

use serde::Serialize;
use tidegate_engine::nearest;

/// Most problems reported at once; the rest would only hide the first.
pub const PROBLEMS_MAX: usize = 20;

/// A place in a file: both numbers start at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
}

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigProblem {
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The nearest name that would have been valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// JSON pointer to the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Where in the text.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl ConfigProblem {
    /// A problem without a known place.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            advice: None,
            nearest: None,
            pointer: None,
            place: None,
        }
    }

    /// The same problem, at the value `pointer` names.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// The same problem, with what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The same problem, with the name among `valid` that is most like `given`.
    #[must_use]
    pub fn near<'a>(mut self, given: &str, valid: impl IntoIterator<Item = &'a str>) -> Self {
        self.nearest = nearest(given, valid).map(str::to_owned);
        self
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(nearest) = &self.nearest {
            write!(f, " Did you mean \"{nearest}\"?")?;
        }
        if let Some(advice) = &self.advice {
            write!(f, " {advice}")?;
        }
        Ok(())
    }
}

/// Everything wrong with one configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// Name of the file, when it came from one.
    pub file: Option<String>,
    /// The problems, in the order of the text where that is known.
    pub problems: Vec<ConfigProblem>,
}

impl ConfigErrors {
    /// The first problem: the one to show where only one fits.
    #[must_use]
    pub fn first(&self) -> &ConfigProblem {
        &self.problems[0]
    }

    /// The same errors, said of `file`.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }
}

impl From<ConfigProblem> for ConfigErrors {
    fn from(problem: ConfigProblem) -> Self {
        Self {
            file: None,
            problems: vec![problem],
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if let Some(file) = &self.file {
                write!(f, "{file}:")?;
            }
            if let Some(Place { line, column }) = problem.place {
                write!(f, "{line}:{column}:")?;
            }
            if self.file.is_some() || problem.place.is_some() {
                f.write_str(" ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// A message with a capital and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return "This cannot be read.".into();
    };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with('?') {
        sentence.push('.');
    }
    sentence
}
