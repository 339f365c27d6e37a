use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// An input that goes on air at a time set in advance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// When, as RFC 3339: `2026-11-22T20:00:00Z`. What is over for more than a minute is not made
    /// up for.
    #[serde(with = "tidegate_engine::time::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: SystemTime,
    /// The input, or `slate`.
    pub take: String,
}
