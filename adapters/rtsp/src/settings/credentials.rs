use tidegate_engine::{Secret, SecretRef, Secrets, SettingsError};

/// The longest user name and password.
const CHARS_MAX: usize = 128;

/// A user name and its password, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: Secret,
}

/// What is wrong with a user name and a password that may be written, by themselves.
pub(super) fn check(
    username: Option<&str>,
    password: Option<&SecretRef>,
) -> Result<(), SettingsError> {
    match (username, password) {
        (None, None) => return Ok(()),
        (Some(_), None) => {
            let error = SettingsError::new("password", "a user name without a password");
            return Err(error.advise("Write both, or neither."));
        }
        (None, Some(_)) => {
            let error = SettingsError::new("username", "a password without a user name");
            return Err(error.advise("Write both, or neither."));
        }
        (Some(_), Some(_)) => {}
    }
    let username = username.unwrap_or_default();
    // Digest puts the name between quotation marks, Basic ends it with a colon.
    let is_odd = |c: char| c.is_control() || matches!(c, '"' | ':' | '\\');
    if username.is_empty() || username.len() > CHARS_MAX || username.contains(is_odd) {
        let error = SettingsError::new("username", format!("{username:?} cannot be a user name"));
        return Err(error
            .advise("Write 1 to 128 characters without colons, quotation marks and backslashes."));
    }
    let literal = password.and_then(SecretRef::reveal);
    if literal.is_some_and(|password| !(1..=CHARS_MAX).contains(&password.expose().len())) {
        let error = SettingsError::new("password", "it is empty or too long");
        return Err(error.advise("Write 1 to 128 characters."));
    }
    Ok(())
}

/// The user name and the password, where both are written.
pub(super) fn resolve(
    username: Option<&str>,
    password: Option<&SecretRef>,
    secrets: &dyn Secrets,
) -> Result<Option<Credentials>, SettingsError> {
    let (Some(username), Some(password)) = (username, password) else {
        return Ok(None);
    };
    let password = password
        .resolve(secrets)
        .map_err(|error| SettingsError::new("password", error.to_string()))?;
    Ok(Some(Credentials {
        username: username.to_owned(),
        password,
    }))
}
