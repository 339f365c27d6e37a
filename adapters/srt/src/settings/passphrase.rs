use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tidegate_engine::{Secret, SecretRef, Secrets, SettingsError};
use tidegate_srt::wire::KeyLength;

/// What SRT allows a passphrase to have.
const PASSPHRASE_BYTES: std::ops::RangeInclusive<usize> = 10..=79;

/// Refuses a passphrase that no SRT peer would take.
pub(crate) fn check_passphrase(secret: &Secret) -> Result<(), SettingsError> {
    let bytes = secret.expose().len();
    if PASSPHRASE_BYTES.contains(&bytes) {
        return Ok(());
    }
    let message = format!("the passphrase has {bytes} bytes; SRT takes 10 to 79");
    Err(SettingsError::new("passphrase", message)
        .advise("choose one of 20 random characters or more: short ones can be guessed offline"))
}

/// The passphrase behind a reference, checked.
pub(crate) fn resolve(
    passphrase: Option<&SecretRef>,
    secrets: &dyn Secrets,
) -> Result<Option<Secret>, SettingsError> {
    let Some(reference) = passphrase else {
        return Ok(None);
    };
    let secret = reference
        .resolve(secrets)
        .map_err(|error| SettingsError::new("passphrase", error.to_string()))?;
    check_passphrase(&secret)?;
    Ok(Some(secret))
}

/// The length of an AES key in settings: 16, 24 or 32 bytes, as SRT tools write `pbkeylen`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyBytes(pub(crate) KeyLength);

impl KeyBytes {
    pub(crate) fn parse(bytes: u64) -> Option<Self> {
        usize::try_from(bytes)
            .ok()
            .and_then(KeyLength::from_bytes)
            .map(Self)
    }
}

impl Serialize for KeyBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.bytes() as u64)
    }
}

impl<'de> Deserialize<'de> for KeyBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = u64::deserialize(deserializer)?;
        let wanted = &"16, 24 or 32, the bytes of an AES key";
        Self::parse(bytes)
            .ok_or_else(|| de::Error::invalid_value(de::Unexpected::Unsigned(bytes), wanted))
    }
}

impl JsonSchema for KeyBytes {
    fn schema_name() -> Cow<'static, str> {
        "SrtKeyBytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "enum": [16, 24, 32],
            "description": "Bytes of the AES key: 16, 24 or 32."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_has_ten_to_79_bytes() {
        let check = |bytes: usize| check_passphrase(&Secret::new("x".repeat(bytes))).is_ok();
        assert_eq!([9, 10, 79, 80].map(check), [false, true, true, false]);
    }
}
