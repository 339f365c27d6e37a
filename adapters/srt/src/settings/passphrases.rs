//! Passphrases of a stream or a listener, as they are written: one, several at once, and one
//! or several for every user.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{SecretRef, Secrets, SettingsError};

use super::{check_passphrase, check_secret};
use crate::passphrases::{PASSPHRASES_MAX, Passphrase, Passphrases};

/// Users with passphrases of their own, of one stream or listener.
const USERS_MAX: usize = 1000;
/// Bytes of a user's name or of a passphrase's label.
const NAME_BYTES_MAX: usize = 64;

/// Passphrases by a label of the operator's choice, which the status shows.
pub(crate) type Labelled = BTreeMap<String, SecretRef>;
/// Passphrases of users, by the name the caller gives with `u=`.
pub(crate) type Users = BTreeMap<String, UserPassphrases>;

/// The passphrase of a user, or several that are valid at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a passphrase in quotes, { secret: name }, or several: { old: …, new: … }"
)]
#[schemars(rename = "SrtUserPassphrases")]
pub(crate) enum UserPassphrases {
    /// The one passphrase.
    One(SecretRef),
    /// Several, by a label each.
    Several(Labelled),
}

/// All that is written about who may come in with which passphrase.
#[derive(Clone, Copy)]
pub(crate) struct WrittenPassphrases<'a> {
    pub(crate) passphrase: Option<&'a SecretRef>,
    pub(crate) passphrases: &'a Labelled,
    pub(crate) users: &'a Users,
}

/// Every secret in it, with its place.
pub(super) fn secrets<'a>(
    passphrase: &'a mut Option<SecretRef>,
    passphrases: &'a mut Labelled,
    users: &'a mut Users,
) -> Vec<(Cow<'static, str>, &'a mut SecretRef)> {
    let mut found: Vec<(Cow<'static, str>, &mut SecretRef)> = Vec::new();
    found.extend(passphrase.iter_mut().map(|it| ("passphrase".into(), it)));
    let labelled = passphrases.iter_mut();
    found.extend(labelled.map(|(label, it)| (format!("passphrases/{label}").into(), it)));
    for (user, of_user) in users {
        match of_user {
            UserPassphrases::One(it) => found.push((format!("users/{user}").into(), it)),
            UserPassphrases::Several(several) => {
                let labelled = several.iter_mut();
                let place = |label: &String| format!("users/{user}/{label}").into();
                found.extend(labelled.map(|(label, it)| (place(label), it)));
            }
        }
    }
    found
}

impl WrittenPassphrases<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.passphrase.is_none() && self.passphrases.is_empty() && self.users.is_empty()
    }

    /// Refuses what can never work. Secrets may still be names.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        check_secret(self.passphrase)?;
        check_labelled(
            "passphrases",
            &[],
            self.passphrases,
            self.passphrase.is_some(),
        )?;
        if self.users.len() > USERS_MAX {
            let message = format!("{} users are more than {USERS_MAX}", self.users.len());
            return Err(SettingsError::new("users", message)
                .advise("split them over several streams or listeners"));
        }
        for (user, of_user) in self.users {
            check_name("users", &[user])?;
            match of_user {
                UserPassphrases::One(secret) => {
                    check_secret(Some(secret)).map_err(|error| error.at("users", &[user]))?;
                }
                UserPassphrases::Several(several) if several.is_empty() => {
                    let message = format!("the user {user} has no passphrase");
                    return Err(SettingsError::new("users", message).at("users", &[user]));
                }
                UserPassphrases::Several(several) => {
                    check_labelled("users", &[user], several, false)?;
                }
            }
        }
        Ok(())
    }

    /// Refuses what a call cannot use: it has one passphrase.
    pub(super) fn check_call(&self) -> Result<(), SettingsError> {
        let field = if self.passphrases.is_empty() {
            "users"
        } else {
            "passphrases"
        };
        if self.passphrases.is_empty() && self.users.is_empty() {
            return Ok(());
        }
        let message = "a call has one passphrase";
        Err(SettingsError::new(field, message).advise("write it as `passphrase`"))
    }

    /// The passphrases themselves; `owner` stands before their labels in the status.
    pub(crate) fn resolve(
        &self,
        owner: &str,
        secrets: &dyn Secrets,
    ) -> Result<Passphrases, SettingsError> {
        let resolved = |field: &'static str, keys: &[&str], reference: &SecretRef| {
            let at_fault = |error: SettingsError| error.at(field, keys);
            let secret = reference
                .resolve(secrets)
                .map_err(|error| at_fault(SettingsError::new(field, error.to_string())))?;
            check_passphrase(&secret).map_err(at_fault)?;
            let label = keys
                .iter()
                .fold(field.to_owned(), |label, key| format!("{label}/{key}"));
            Ok::<_, SettingsError>(Passphrase::new(format!("{owner}{label}"), secret))
        };
        let mut all = Passphrases::default();
        if let Some(reference) = self.passphrase {
            all.common.push(resolved("passphrase", &[], reference)?);
        }
        for (label, reference) in self.passphrases {
            let resolved = resolved("passphrases", &[label], reference)?;
            all.common.push(resolved);
        }
        for (user, of_user) in self.users {
            let mut own = Vec::new();
            match of_user {
                UserPassphrases::One(reference) => {
                    own.push(resolved("users", &[user], reference)?);
                }
                UserPassphrases::Several(several) => {
                    for (label, reference) in several {
                        own.push(resolved("users", &[user, label], reference)?);
                    }
                }
            }
            all.users.insert(user.clone(), own);
        }
        Ok(all)
    }
}

/// Those below `owner` in `field`.
fn check_labelled(
    field: &'static str,
    owner: &[&str],
    passphrases: &Labelled,
    beside_one: bool,
) -> Result<(), SettingsError> {
    let valid = passphrases.len() + usize::from(beside_one);
    if valid > PASSPHRASES_MAX {
        let message =
            format!("{valid} passphrases are valid at once; the most is {PASSPHRASES_MAX}");
        let error = SettingsError::new(field, message).at(field, owner);
        return Err(error.advise(
            "each costs every caller's handshake; take away those the status shows unused",
        ));
    }
    for (label, secret) in passphrases {
        let keys = [owner, &[label]].concat();
        check_name(field, &keys)?;
        check_secret(Some(secret)).map_err(|error| error.at(field, &keys))?;
    }
    Ok(())
}

/// Names become part of a path, and are shown; the last of `keys` is looked at.
fn check_name(field: &'static str, keys: &[&str]) -> Result<(), SettingsError> {
    let name = keys.last().copied().unwrap_or_default();
    let fine = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.contains('/')
        && !name.chars().any(char::is_control);
    if fine {
        return Ok(());
    }
    let message = format!("{name:?} is no name for a passphrase or a user");
    Err(SettingsError::new(field, message)
        .at(field, keys)
        .advise("write 1 to 64 bytes, without `/` and control characters"))
}

#[cfg(test)]
mod tests {
    use crate::settings::SourceSettings;
    use tidegate_engine::Settings;

    fn source(rest: &str) -> SourceSettings {
        let text = format!(r#"{{"listener":"a","stream_id":"b",{rest}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    const ALL: &str = r#""passphrase":{"secret":"p"},"passphrases":{"old":"0123456789"},
        "users":{"alice":"abcdefghijk","bob":{"new":{"secret":"n"},"old":"klmnopqrstu"}}"#;

    #[test]
    fn every_passphrase_has_a_place_of_its_own() {
        let mut settings = source(ALL);
        let places: Vec<_> = settings
            .secrets()
            .into_iter()
            .map(|(place, _)| place.into_owned())
            .collect();
        let expected = [
            "passphrase",
            "passphrases/old",
            "users/alice",
            "users/bob/new",
            "users/bob/old",
        ];
        assert_eq!(places, expected);
        assert!(settings.check().is_ok());
    }

    #[test]
    fn what_is_shown_has_no_secret_and_can_be_written_back() {
        let shown = serde_json::to_string(&source(ALL)).unwrap();
        for secret in ["0123456789", "abcdefghijk", "klmnopqrstu"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let mut back: SourceSettings = serde_json::from_str(&shown).unwrap();
        assert_eq!(back.secrets().len(), 5);
    }

    #[test]
    fn a_wrong_kind_of_value_is_refused_without_repeating_it() {
        let text = r#"{"listener":"a","stream_id":"b","users":{"alice":1234567890}}"#;
        let error = serde_json::from_str::<SourceSettings>(text).unwrap_err();
        assert!(!error.to_string().contains("1234567890"), "{error}");
    }

    #[test]
    fn more_than_four_at_once_are_refused() {
        let four = r#""passphrases":{"a":{"secret":"x"},"b":{"secret":"x"},"c":{"secret":"x"},"d":{"secret":"x"}}"#;
        assert!(source(four).check().is_ok());
        let five = format!(r#""passphrase":{{"secret":"y"}},{four}"#);
        assert_eq!(source(&five).check().unwrap_err().field, "passphrases");
    }

    #[test]
    fn names_that_would_be_paths_and_short_passphrases_are_refused() {
        let field = |rest| source(rest).check().unwrap_err().field;
        assert_eq!(field(r#""users":{"a/b":{"secret":"x"}}"#), "users");
        assert_eq!(field(r#""users":{"alice":{}}"#), "users");
        assert_eq!(field(r#""passphrases":{"":{"secret":"x"}}"#), "passphrases");
        assert_eq!(field(r#""users":{"alice":"short"}"#), "users");
    }

    #[test]
    fn a_wrong_one_among_several_is_named_by_its_place() {
        let place = |rest| source(rest).check().unwrap_err().place();
        assert_eq!(place(r#""passphrase":"short""#), "passphrase");
        let two = r#""passphrases":{"new":"0123456789","old":"short"}"#;
        assert_eq!(place(two), "passphrases/old");
        let several = r#""users":{"alice":"0123456789","bob":{"a":"0123456789","b":"short"}}"#;
        assert_eq!(place(several), "users/bob/b");
        let odd = source(r#""users":{"a/b":{"secret":"x"}}"#)
            .check()
            .unwrap_err();
        assert_eq!(odd.pointer(), "/users/a~1b");
        // A secret has its value only when it is resolved.
        let named = source(r#""passphrases":{"old":{"secret":"nobody"}}"#);
        let resolved = named
            .written_passphrases()
            .resolve("", &tidegate_engine::NoSecrets);
        assert_eq!(resolved.unwrap_err().place(), "passphrases/old");
    }

    #[test]
    fn a_call_has_one_passphrase() {
        let text = r#"{"call":"srt://h:1","users":{"alice":{"secret":"x"}}}"#;
        let settings: SourceSettings = serde_json::from_str(text).unwrap();
        assert_eq!(settings.check().unwrap_err().field, "users");
    }
}
