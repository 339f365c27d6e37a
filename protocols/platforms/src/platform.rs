use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const FACTS: &str = include_str!("../platforms.json");

/// One platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Its name in settings.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// How long a stream key is good for.
    pub key: KeyKind,
    /// Where it takes streams, where that is the same for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it takes the same stream a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_url: Option<String>,
    /// Where it takes streams in each part of the world.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
    /// The platform shows each user a URL of their own, which must be given.
    #[serde(default)]
    pub paste_url: bool,
    /// Where it takes HLS; `{key}` stands for the stream key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hls_url: Option<String>,
    /// The same a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hls_backup_url: Option<String>,
    /// What it takes by HLS, where that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hls_limits: Option<HlsLimits>,
    /// What it takes.
    pub limits: Limits,
    /// Its page about streaming, or where it shows the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Fields that are recalled, and that no source confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recalled: Vec<String>,
    /// Where the facts are from.
    pub source: String,
    /// The day on which they were last compared with their source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
    /// How much they can be relied on.
    pub confidence: Confidence,
}

/// How long a stream key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Until it is changed.
    Persistent,
    /// For one event.
    Event,
    /// For one session; fetch it just before.
    Session,
}

/// How much an entry can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The platform or a program that is kept up to date says so, except for what is listed as
    /// recalled.
    Documented,
    /// Third parties say so.
    Reported,
    /// Nobody was found who says so.
    Recalled,
}

/// A part of the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its name in settings.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where streams go there.
    pub url: String,
    /// Where the same stream goes a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_url: Option<String>,
}

/// What a platform takes. What is not there is not limited, or nobody knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The highest bitrate of the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_kbps: Option<u32>,
    /// The highest bitrate of the sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_kbps: Option<u32>,
    /// The longest time between key frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyframe_seconds: Option<f64>,
    /// The time between key frames that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_keyframe_seconds: Option<f64>,
    /// Codecs of the picture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub video_codecs: Vec<String>,
    /// Codecs of the sound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio_codecs: Vec<String>,
    /// Most pictures per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fps: Option<f64>,
    /// Most lines of the picture: of its shorter side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u32>,
    /// Whether pictures may be reordered (B-frames).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_frames: Option<bool>,
    /// Whether the picture should be upright.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portrait: Option<bool>,
    /// Sample rates of the sound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sample_rates_hz: Vec<u32>,
    /// The longest broadcast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_hours: Option<u32>,
}

/// What a platform takes by HLS. What is not there is as for everything else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HlsLimits {
    /// Codecs of the picture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub video_codecs: Vec<String>,
    /// The longest segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment_seconds: Option<f64>,
    /// Most tracks of sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_tracks: Option<u32>,
}

/// All platforms, in the order they are shown.
#[must_use]
pub fn all() -> &'static [Platform] {
    static ALL: OnceLock<Vec<Platform>> = OnceLock::new();
    // The file is part of the program, and a test reads it.
    ALL.get_or_init(|| serde_json::from_str(FACTS).unwrap_or_default())
}

/// The platform with this name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Platform> {
    all().iter().find(|platform| platform.id == id)
}

impl Platform {
    /// The region with this name.
    #[must_use]
    pub fn region(&self, id: &str) -> Option<&Region> {
        self.regions.iter().find(|region| region.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_every_name_is_unique() {
        let read: Vec<Platform> = serde_json::from_str(FACTS).unwrap();
        assert_eq!(read, all());
        for platform in &read {
            let alike = read.iter().filter(|other| other.id == platform.id);
            assert_eq!(alike.count(), 1, "{}", platform.id);
            for region in &platform.regions {
                let alike = platform
                    .regions
                    .iter()
                    .filter(|other| other.id == region.id);
                assert_eq!(alike.count(), 1, "{} {}", platform.id, region.id);
            }
        }
    }

    #[test]
    fn every_platform_says_where_streams_go() {
        for platform in all() {
            let urls = platform.url.iter().chain(&platform.backup_url);
            let regions = platform.regions.iter();
            let regions =
                regions.flat_map(|region| [Some(&region.url), region.backup_url.as_ref()]);
            let urls: Vec<_> = urls.chain(regions.flatten()).collect();
            assert_eq!(urls.is_empty(), platform.paste_url, "{}", platform.id);
            for text in urls {
                let url = url::Url::parse(text).unwrap();
                assert!(matches!(url.scheme(), "rtmp" | "rtmps"), "{text}");
                assert!(url.host().is_some() && url.path().len() > 1, "{text}");
            }
        }
    }

    #[test]
    fn every_platform_stands_in_the_documentation() {
        let page = include_str!("../../../docs/platforms.md");
        for platform in all() {
            let row = format!("| {} | `{}` |", platform.name, platform.id);
            assert!(page.contains(&row), "docs/platforms.md lacks {row}");
        }
    }

    #[test]
    fn what_was_looked_up_has_a_day_and_what_was_not_says_so() {
        for platform in all().iter().filter(|platform| platform.id != "custom") {
            let documented = platform.confidence == Confidence::Documented;
            assert_eq!(documented, platform.verified.is_some(), "{}", platform.id);
            assert!(
                documented || !platform.recalled.is_empty(),
                "{}",
                platform.id
            );
            let told = serde_json::to_value(platform).unwrap();
            for field in &platform.recalled {
                let pointer = format!("/{}", field.replace('.', "/"));
                assert!(told.pointer(&pointer).is_some(), "{} {field}", platform.id);
            }
        }
    }
}
