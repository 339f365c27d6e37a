//! What a switch is told.

mod schedule;
mod slate;

pub use schedule::Scheduled;
pub use slate::{FullSlate, SlateSettings, SlateSound};

use crate::limits;
use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::Path;
use tidegate_engine::{Settings, SettingsError, Span, Triggers, nearest};

/// How `take` names the slate; no input can be called so.
pub const SLATE: &str = "slate";

/// A program made out of other sources, one of which is on air; its timeline never breaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// The sources to choose from, the preferred one first.
    #[schemars(length(min = 1, max = limits::INPUTS))]
    pub inputs: Vec<String>,
    /// What viewers see while no input has media: a picture or a clip in the folder `media` of
    /// the data folder, or an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slate: Option<SlateSettings>,
    /// Whether it goes back to a preferred input by itself.
    #[serde(default, rename = "return", skip_serializing_if = "is_default")]
    pub return_mode: ReturnMode,
    /// How long the preferred input must have been without fault before it goes back to it.
    #[serde(default = "return_after", skip_serializing_if = "is_return_after")]
    pub return_after: Span,
    /// The least time between two switches that it makes by itself, except away from an input
    /// that delivers nothing.
    #[serde(default = "dwell", skip_serializing_if = "is_dwell")]
    pub dwell: Span,
    /// How long an input must have been without fault before it counts as ready.
    #[serde(default = "ready_after", skip_serializing_if = "is_ready_after")]
    pub ready_after: Span,
    /// How long everything is held back, beyond the latency that the inputs have themselves:
    /// for inputs without one (UDP, RTMP), so that a switch leaves no gap.
    #[serde(default = "no_time", skip_serializing_if = "is_no_time")]
    pub delay: Span,
    /// Whether inputs that carry the same packets complete each other packet by packet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub merge: Merge,
    /// What becomes of an input that has another codec or picture size than the one on air.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_mismatch: OnMismatch,
    /// What makes it leave an input: each `off`, its threshold, or an object.
    #[serde(default, skip_serializing_if = "is_default")]
    pub triggers: Triggers,
    /// What puts an input on air at a time set in advance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<Scheduled>,
}

/// Whether a switch goes back to a preferred input by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnMode {
    /// Only when somebody says so.
    #[default]
    Manual,
    /// After `return_after` without fault.
    Auto,
}

/// Whether inputs with the same packets complete each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Found out by itself.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// What becomes of an input in another format than the one on air.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMismatch {
    /// It may go on air; players see a change of format, announced as the standard says.
    #[default]
    Switch,
    /// It is not ready.
    Refuse,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const RETURN_AFTER: Span = Span::from_secs(30);
const DWELL: Span = Span::from_secs(5);
const READY_AFTER: Span = Span::from_secs(3);
const NO_TIME: Span = Span::from_secs(0);

const fn return_after() -> Span {
    RETURN_AFTER
}

fn is_return_after(span: &Span) -> bool {
    *span == RETURN_AFTER
}

const fn dwell() -> Span {
    DWELL
}

fn is_dwell(span: &Span) -> bool {
    *span == DWELL
}

const fn ready_after() -> Span {
    READY_AFTER
}

fn is_ready_after(span: &Span) -> bool {
    *span == READY_AFTER
}

const fn no_time() -> Span {
    NO_TIME
}

fn is_no_time(span: &Span) -> bool {
    *span == NO_TIME
}

impl SourceSettings {
    /// The number of the input with this name, in order of preference.
    pub(crate) fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|input| input == name)
    }

    fn check_inputs(&self) -> Result<(), SettingsError> {
        let count = self.inputs.len();
        if count == 0 {
            let error = SettingsError::new("inputs", "it has no inputs");
            return Err(error.advise("Name the sources to choose from, the preferred one first."));
        }
        if count > limits::INPUTS {
            let message = format!(
                "{count} inputs are more than the {} it holds",
                limits::INPUTS
            );
            return Err(SettingsError::new("inputs", message).advise("Leave some out."));
        }
        for (index, name) in self.inputs.iter().enumerate() {
            let at = |message: String| {
                SettingsError::new("inputs", message).at("inputs", &[&index.to_string()])
            };
            if name == SLATE {
                let error = at(format!("{SLATE:?} is how the slate is called"));
                return Err(error.advise("Give that source another name."));
            }
            if self.input(name) != Some(index) {
                let error = at(format!("{name:?} is named twice"));
                return Err(error.advise("Leave it where it is preferred more."));
            }
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), SettingsError> {
        let within = |field, span: Span, most: Duration| {
            if span.0 <= most {
                return Ok(());
            }
            let error = SettingsError::new(field, format!("{span} is too long"));
            Err(error.advise(format!("The most is {}.", Span(most))))
        };
        within("delay", self.delay, limits::DELAY_MAX)?;
        within("dwell", self.dwell, limits::TIME_MAX)?;
        within("ready_after", self.ready_after, limits::TIME_MAX)?;
        within("return_after", self.return_after, limits::TIME_MAX)
    }

    fn check_schedule(&self) -> Result<(), SettingsError> {
        let count = self.schedule.len();
        if count > limits::SCHEDULED {
            let message = format!("{count} entries are more than {}", limits::SCHEDULED);
            let error = SettingsError::new("schedule", message);
            return Err(error.advise("Leave out what is over."));
        }
        for (index, entry) in self.schedule.iter().enumerate() {
            let take = entry.take.as_str();
            let is_slate = take == SLATE && self.slate.is_some();
            if is_slate || self.input(take).is_some() {
                continue;
            }
            let message = format!("no input is named {take:?}");
            let error = SettingsError::new("schedule", message)
                .at("schedule", &[&index.to_string(), "take"]);
            let inputs = self.inputs.iter().map(String::as_str);
            return Err(match nearest(take, inputs) {
                Some(meant) => error.advise(format!("Did you mean {meant:?}?")),
                None => error.advise(format!("There are {}.", self.inputs.join(", "))),
            });
        }
        Ok(())
    }
}

impl Settings for SourceSettings {
    fn reads(&self) -> Vec<(Cow<'static, str>, &str)> {
        let place = |index| Cow::Owned(format!("inputs/{index}"));
        let inputs = self.inputs.iter().enumerate();
        inputs
            .map(|(index, name)| (place(index), name.as_str()))
            .collect()
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.check_inputs()?;
        self.check_times()?;
        if let Some(slate) = &self.slate {
            slate.check()?;
        }
        self.check_schedule()
    }

    fn look_at_files(&self, data_dir: &Path) -> Result<(), SettingsError> {
        self.slate
            .as_ref()
            .map_or(Ok(()), |slate| slate.look(data_dir))
    }
}

#[cfg(test)]
mod tests;
