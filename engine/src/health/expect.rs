use crate::setting::Rate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What should be in a feed; compared with what is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Codec, size and frame rate in any order, each optional: `h264 1920x1080 50`, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<String>,
    /// Codec, channels and sample rate in any order: `aac stereo 48k`, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// The usual bitrate: `8M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<Rate>,
}
