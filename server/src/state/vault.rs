//! Secrets, kept apart from what uses them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tidegate_engine::{Secret, SecretRef, Secrets};
use zeroize::Zeroizing;

use crate::adapters::Item;
use crate::config::check::DERIVED_SEPARATOR;
use crate::config::{ConfigProblem, Document, Name, SecretConfig};
use crate::store::SecretRow;

/// Longest secret read from a file.
const FILE_BYTES_MAX: u64 = 4096;

/// Where a secret's value is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Value(Secret),
    Env(String),
    File(PathBuf),
}

/// Every secret of the desired state, by name.
///
/// A literal in an object is moved here under a name made of the object's
/// (`source/cam1/srt/passphrase`), which no operator can write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vault {
    entries: BTreeMap<String, Origin>,
}

impl Vault {
    /// The vault as stored.
    #[must_use]
    pub fn from_rows(rows: Vec<SecretRow>) -> Self {
        let entries = rows.into_iter().map(|row| {
            let origin = match row.origin.as_str() {
                "env" => Origin::Env(row.value.as_str().to_owned()),
                "file" => Origin::File(PathBuf::from(row.value.as_str())),
                _ => Origin::Value(Secret::new(row.value.as_str())),
            };
            (row.name, origin)
        });
        Self {
            entries: entries.collect(),
        }
    }

    /// Rows to write and names to delete to turn `before` into this.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> (Vec<SecretRow>, Vec<String>) {
        let changed = self
            .entries
            .iter()
            .filter(|(name, new)| before.entries.get(*name) != Some(new));
        let put = changed.map(|(name, origin)| row(name, origin)).collect();
        let gone = before
            .entries
            .keys()
            .filter(|name| !self.entries.contains_key(*name));
        (put, gone.cloned().collect())
    }

    /// Takes the literals out of `item`, and gives back to every `"•••"` what `before` had.
    pub fn absorb<T: Item>(&mut self, item: &mut T, before: Option<&T>) -> Vec<ConfigProblem> {
        let mut before = before.cloned();
        let owner = format!("{}{DERIVED_SEPARATOR}{}", T::WHAT, item.name());
        let mut problems = Vec::new();
        for (field, secret) in item.secrets() {
            match secret {
                SecretRef::Literal(value) => {
                    let name = format!("{owner}{DERIVED_SEPARATOR}{field}");
                    self.entries
                        .insert(name.clone(), Origin::Value(value.clone()));
                    *secret = SecretRef::Named(name);
                }
                SecretRef::Unchanged => match previous(before.as_mut(), &field) {
                    Some(kept) => *secret = kept,
                    None => problems.push(nothing_to_keep().at(format!("/{field}"))),
                },
                SecretRef::Named(name) if name.contains(DERIVED_SEPARATOR) => problems.push(
                    ConfigProblem::new(format!("There is no secret named \"{name}\"."))
                        .at(format!("/{field}/secret")),
                ),
                SecretRef::Named(_) => {}
            }
        }
        problems
    }

    /// Takes the values out of the `secrets` section, which then only names them.
    pub fn absorb_section(
        &mut self,
        section: &mut BTreeMap<Name, SecretConfig>,
    ) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        for (name, config) in section {
            let origin = match (&config.value, &config.env, &config.file) {
                (Some(SecretRef::Literal(value)), None, None) => Origin::Value(value.clone()),
                (Some(SecretRef::Unchanged), None, None) => {
                    if !matches!(self.entries.get(name.as_str()), Some(Origin::Value(_))) {
                        let at = format!("/secrets/{name}/value");
                        problems.push(nothing_to_keep().at(at));
                    }
                    continue;
                }
                (None, Some(variable), None) => Origin::Env(variable.clone()),
                (None, None, Some(path)) => Origin::File(path.clone()),
                // Checking the document reports it.
                _ => continue,
            };
            if matches!(origin, Origin::Value(_)) {
                config.value = Some(SecretRef::Unchanged);
            }
            self.entries.insert(name.as_str().to_owned(), origin);
        }
        problems
    }

    /// Forgets what `document` no longer names.
    pub fn forget_unused(&mut self, document: &Document) {
        let mut used: Vec<String> = document
            .secrets
            .keys()
            .map(|name| name.to_string())
            .collect();
        names_in(&document.listeners, &mut used);
        names_in(&document.sources, &mut used);
        names_in(&document.outputs, &mut used);
        used.sort_unstable();
        self.entries
            .retain(|name, _| used.binary_search(name).is_ok());
    }

    /// The value of `name`, or why it cannot be had.
    ///
    /// # Errors
    /// A sentence for the operator; it never contains the value.
    pub fn value(&self, name: &str) -> Result<Secret, String> {
        match self.entries.get(name) {
            Some(Origin::Value(value)) => Ok(value.clone()),
            Some(Origin::Env(variable)) => std::env::var(variable).map(Secret::new).map_err(|_| {
                format!(
                    "Secret \"{name}\" comes from the environment variable {variable}, \
                     which is not set. Set it and start Tidegate again."
                )
            }),
            Some(Origin::File(path)) => read_file(path).map_err(|error| {
                format!(
                    "Secret \"{name}\" cannot be read from {}: {error}.",
                    path.display()
                )
            }),
            None => Err(format!("There is no secret named \"{name}\".")),
        }
    }

    /// Every value that is stored here, for tests and redaction.
    pub fn stored_values(&self) -> impl Iterator<Item = &Secret> {
        self.entries.values().filter_map(|origin| match origin {
            Origin::Value(value) => Some(value),
            Origin::Env(_) | Origin::File(_) => None,
        })
    }

    /// `item` with every reference replaced by the value itself.
    ///
    /// # Errors
    /// Why a secret cannot be had.
    pub fn resolved<T: Item>(&self, item: &T) -> Result<T, ConfigProblem> {
        let mut item = item.clone();
        for (field, secret) in item.secrets() {
            if let SecretRef::Named(name) = secret {
                let value = self
                    .value(name)
                    .map_err(|message| ConfigProblem::new(message).at(format!("/{field}")))?;
                *secret = SecretRef::Literal(value);
            }
        }
        Ok(item)
    }
}

impl Secrets for Vault {
    fn find(&self, name: &str) -> Option<Secret> {
        self.value(name).ok()
    }
}

/// `item` as it may be shown: what it calls by name stays a name, the rest is dots.
#[must_use]
pub fn shown<T: Item>(item: &T) -> T {
    let mut item = item.clone();
    for (_, secret) in item.secrets() {
        if matches!(secret, SecretRef::Named(name) if !name.contains(DERIVED_SEPARATOR)) {
            continue;
        }
        *secret = SecretRef::Unchanged;
    }
    item
}

fn previous<T: Item>(before: Option<&mut T>, field: &str) -> Option<SecretRef> {
    let (_, secret) = before?
        .secrets()
        .into_iter()
        .find(|(known, _)| known == field)?;
    Some(secret.clone())
}

fn nothing_to_keep() -> ConfigProblem {
    ConfigProblem::new("\"•••\" means \"unchanged\", but there is no earlier value to keep.")
        .advise("Write the secret itself, or { secret: name }.")
}

fn names_in<T: Item>(items: &[T], names: &mut Vec<String>) {
    for item in items {
        for (_, secret) in item.clone().secrets() {
            if let SecretRef::Named(name) = secret {
                names.push(std::mem::take(name));
            }
        }
    }
}

fn row(name: &str, origin: &Origin) -> SecretRow {
    let (origin, value) = match origin {
        Origin::Value(value) => ("value", value.expose().to_owned()),
        Origin::Env(variable) => ("env", variable.clone()),
        Origin::File(path) => ("file", path.to_string_lossy().into_owned()),
    };
    SecretRow {
        name: name.to_owned(),
        origin: origin.to_owned(),
        value: Zeroizing::new(value),
    }
}

fn read_file(path: &PathBuf) -> std::io::Result<Secret> {
    use std::io::Read;
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path)?
        .take(FILE_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
