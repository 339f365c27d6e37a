use serde_json::Value;
use tidegate_engine::{REDACTED, Secret, SecretRef, Settings};

/// What an adapter's settings must do: refuse what they do not know, describe every field,
/// survive a round trip, and keep secrets.
///
/// # Panics
/// Where they do not.
pub fn check_settings<S: Settings + core::fmt::Debug>(settings: &S) {
    let written = serde_json::to_value(settings).expect("settings can be written");
    misspelt_keys_are_named::<S>(&written);
    every_field_is_described::<S>();
    if settings.clone().secrets().is_empty() {
        let read: S = serde_json::from_value(written).expect("what was written can be read");
        assert!(
            read == *settings,
            "a round trip changed {settings:?} into {read:?}"
        );
    } else {
        check_secrets(settings);
    }
}

/// No secret in the settings is ever shown, and writing back what was shown keeps it.
///
/// # Panics
/// Where one is.
pub fn check_secrets<S: Settings + core::fmt::Debug>(settings: &S) {
    const CANARY: &str = "canary-passphrase-0123456789";
    let mut settings = settings.clone();
    for (_, secret) in settings.secrets() {
        *secret = SecretRef::Literal(Secret::new(CANARY));
    }
    let written = serde_json::to_string(&settings).expect("settings can be written");
    assert!(
        !written.contains(CANARY),
        "a secret is written out: {written}"
    );
    assert!(written.contains(REDACTED));
    let shown = format!("{settings:?}");
    assert!(!shown.contains(CANARY), "a secret is printed: {shown}");
    secrets_without_quotes_are_not_repeated::<S>(&written);
    let mut read: S = serde_json::from_str(&written).expect("what was written can be read");
    for (field, secret) in read.secrets() {
        assert!(
            secret.is_unchanged(),
            "{field} does not survive GET and PUT"
        );
    }
}

/// A passphrase of digits is easily written without quotes.
fn secrets_without_quotes_are_not_repeated<S: Settings>(written: &str) {
    const DIGITS: &str = "90210902109021";
    let unquoted = written.replace(&format!("\"{REDACTED}\""), DIGITS);
    if let Err(error) = serde_json::from_str::<S>(&unquoted) {
        let error = error.to_string();
        assert!(!error.contains(DIGITS), "a secret is repeated: {error}");
    }
}

fn misspelt_keys_are_named<S: Settings + core::fmt::Debug>(written: &Value) {
    let mut misspelt = written.clone();
    if let Value::Object(fields) = &mut misspelt {
        fields.insert("no_such_field".into(), Value::Bool(true));
    }
    let error = serde_json::from_value::<S>(misspelt).expect_err("an unknown key is refused");
    assert!(error.to_string().contains("no_such_field"), "{error}");
}

fn every_field_is_described<S: Settings>() {
    let schema = schemars::schema_for!(S).to_value();
    let properties = schema["properties"]
        .as_object()
        .expect("settings have fields");
    for (name, field) in properties {
        assert!(
            field.get("description").is_some(),
            "{name} has no description"
        );
    }
}
