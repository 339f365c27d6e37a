//! Names of sources, outputs, listeners and secrets.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

/// Longest name accepted.
pub const NAME_BYTES_MAX: usize = 128;

/// A name made of `[A-Za-z0-9._-]`, 1 to 128 bytes, never `.` or `..`.
///
/// Names become folder names, URL segments and metric labels, so everything that means
/// something special in one of those is refused where the name enters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a usable name: letters, digits, \".\", \"_\" and \"-\" are allowed, 1 to 128 of them, and not \".\" or \"..\""
)]
pub struct NameError(String);

impl Name {
    /// Checks `text`.
    ///
    /// # Errors
    /// When it has other characters, is empty, too long, or names a folder itself.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let usable = !text.is_empty()
            && text.len() <= NAME_BYTES_MAX
            && text.bytes().all(allowed)
            && text != "."
            && text != "..";
        if usable {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError(text.chars().take(NAME_BYTES_MAX).collect()))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]{1,128}$",
            "description": "Letters, digits, `.`, `_` and `-`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_accepted() {
        for text in ["cam1", "event.cam_1-main", "a", &"x".repeat(NAME_BYTES_MAX)] {
            assert_eq!(Name::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn paths_and_markup_are_refused() {
        for text in [
            "",
            ".",
            "..",
            "a/b",
            "../a",
            "a b",
            "<b>",
            "é",
            &"x".repeat(129),
        ] {
            assert!(Name::new(text).is_err(), "{text}");
        }
    }
}
