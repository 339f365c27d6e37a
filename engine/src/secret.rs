use core::fmt;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// What stands for a secret wherever it would otherwise be shown.
pub const REDACTED: &str = "•••";

/// A passphrase, key or token. It cannot be printed, logged or serialised, and its memory is
/// wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the value in.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Where settings say which secret to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// Written out in the settings.
    Literal(Secret),
    /// `{ secret: name }`: kept apart, under that name.
    Named(String),
    /// `"•••"`, as the API shows a literal: whatever it was before.
    Unchanged,
}

/// Knows the secrets that are kept apart.
pub trait Secrets {
    /// The secret of that name.
    fn find(&self, name: &str) -> Option<Secret>;
}

/// For settings that name no secrets.
#[derive(Debug)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn find(&self, _name: &str) -> Option<Secret> {
        None
    }
}

/// A secret that settings refer to is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No secret has that name.
    #[error("there is no secret named {0:?}; add it to secrets, or choose another")]
    Unknown(String),
    /// `"•••"` where there was nothing before.
    #[error("\"•••\" means \"unchanged\", but there is no earlier value to keep; write the secret")]
    NothingToKeep,
}

impl SecretRef {
    /// The secret itself.
    #[must_use]
    pub const fn literal(secret: Secret) -> Self {
        Self::Literal(secret)
    }

    /// The name it is kept under, if it is kept apart.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Literal(_) | Self::Unchanged => None,
        }
    }

    /// Whether it means "what it was before".
    #[must_use]
    pub const fn is_unchanged(&self) -> bool {
        matches!(self, Self::Unchanged)
    }

    /// The secret, if it is written out.
    #[must_use]
    pub const fn reveal(&self) -> Option<&Secret> {
        match self {
            Self::Literal(secret) => Some(secret),
            Self::Named(_) | Self::Unchanged => None,
        }
    }

    /// The secret meant.
    ///
    /// # Errors
    /// If it is not there.
    pub fn resolve(&self, secrets: &dyn Secrets) -> Result<Secret, SecretError> {
        match self {
            Self::Literal(secret) => Ok(secret.clone()),
            Self::Named(name) => secrets
                .find(name)
                .ok_or_else(|| SecretError::Unknown(name.clone())),
            Self::Unchanged => Err(SecretError::NothingToKeep),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Literal(_) | Self::Unchanged => serializer.serialize_str(REDACTED),
            Self::Named(name) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("secret", name)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretRefVisitor)
    }
}

struct SecretRefVisitor;

impl<'de> Visitor<'de> for SecretRefVisitor {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret in quotes, or { secret: name }")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<SecretRef, E> {
        Ok(if value == REDACTED {
            SecretRef::Unchanged
        } else {
            SecretRef::Literal(Secret::new(value))
        })
    }

    // serde's own errors for these would print the value, which may be the secret.
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretRef, E> {
        Err(not_quoted())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretRef, E> {
        Err(not_quoted())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretRef, E> {
        Err(not_quoted())
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<SecretRef, E> {
        Err(not_quoted())
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<SecretRef, E> {
        Err(not_quoted())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretRef, E> {
        Err(not_quoted())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        let mut name = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "secret" {
                return Err(de::Error::unknown_field(&key, &["secret"]));
            }
            name = Some(map.next_value::<String>()?);
        }
        name.map(SecretRef::Named)
            .ok_or_else(|| de::Error::missing_field("secret"))
    }
}

fn not_quoted<E: de::Error>() -> E {
    E::custom("a secret must be text: write it in quotes, or { secret: name }")
}

impl JsonSchema for SecretRef {
    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A secret: written out, or kept apart under a name. \
                            \"•••\" means unchanged.",
            "oneOf": [
                { "type": "string", "format": "password" },
                {
                    "type": "object",
                    "properties": { "secret": { "type": "string" } },
                    "required": ["secret"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_never_shown() {
        let secret: SecretRef = serde_json::from_str(r#""hunter2hunter2""#).unwrap();
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""•••""#);
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn a_name_survives_a_round_trip() {
        let text = r#"{"secret":"cam1"}"#;
        let secret: SecretRef = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&secret).unwrap(), text);
    }

    #[test]
    fn a_secret_without_quotes_is_refused_without_being_repeated() {
        for text in ["123456789012", "-123456789012", "12345678.9012", "true"] {
            let error = serde_json::from_str::<SecretRef>(text)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("in quotes") && !error.contains("1234"),
                "{error}"
            );
        }
    }

    #[test]
    fn dots_mean_unchanged() {
        let secret: SecretRef = serde_json::from_str(r#""•••""#).unwrap();
        assert_eq!(secret, SecretRef::Unchanged);
        assert_eq!(secret.resolve(&NoSecrets), Err(SecretError::NothingToKeep));
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = serde_json::from_str::<SecretRef>(r#"{"secrte":"cam1"}"#).unwrap_err();
        assert!(error.to_string().contains("secrte"), "{error}");
    }
}
