//! The desired state in memory: one checked, immutable version after another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::vault::Vault;
use crate::adapters::{Item, ListenerConfig, OutputConfig, SourceConfig};
use crate::config::{ConfigProblem, Document, HttpConfig, check};
use crate::store::{ObjectRow, StateRows, Write};

/// The stored fact that holds what is not an object.
pub(super) const NODE_KEY: &str = "node";

/// What the store cannot give back.
#[derive(Debug, thiserror::Error)]
#[error(
    "the stored {what} \"{name}\" cannot be read by this version of Tidegate: {error}. \
     Run the version that wrote it, or delete the object there first"
)]
pub struct UnreadableObject {
    what: String,
    name: String,
    error: String,
}

/// One version of the desired state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// Its number; 0 before the first change.
    pub revision: u64,
    /// The objects; secrets in them are names.
    pub document: Document,
    /// The secrets' values.
    pub vault: Vault,
    /// The revision that last changed each object, by what and name.
    revisions: BTreeMap<(&'static str, String), u64>,
}

/// What of the document is not an object.
#[derive(Default, Serialize, Deserialize)]
struct Node {
    http: Option<HttpConfig>,
    public_host: Option<String>,
    #[serde(default)]
    secrets: BTreeMap<crate::config::Name, crate::config::SecretConfig>,
}

impl Desired {
    /// The state as stored.
    ///
    /// # Errors
    /// When an object was written by a version that knew other settings.
    pub fn from_rows(rows: StateRows, node: Option<&str>) -> Result<Self, UnreadableObject> {
        let mut desired = Self {
            revision: rows.revision,
            ..Self::default()
        };
        for row in &rows.objects {
            match row.what.as_str() {
                ListenerConfig::WHAT => desired.restore::<ListenerConfig>(row)?,
                SourceConfig::WHAT => desired.restore::<SourceConfig>(row)?,
                _ => desired.restore::<OutputConfig>(row)?,
            }
        }
        let node: Node = node
            .map_or_else(|| Ok(Node::default()), serde_json::from_str)
            .map_err(|error| UnreadableObject {
                what: "setting".into(),
                name: NODE_KEY.into(),
                error: error.to_string(),
            })?;
        desired.document.http = node.http;
        desired.document.public_host = node.public_host;
        desired.document.secrets = node.secrets;
        desired.vault = Vault::from_rows(rows.secrets);
        Ok(desired)
    }

    fn restore<T: Item>(&mut self, row: &ObjectRow) -> Result<(), UnreadableObject> {
        let item: T = serde_json::from_str(&row.config).map_err(|error| UnreadableObject {
            what: row.what.clone(),
            name: row.name.clone(),
            error: error.to_string(),
        })?;
        self.revisions
            .insert((T::WHAT, row.name.clone()), row.revision);
        T::list_mut(&mut self.document).push(item);
        Ok(())
    }

    /// The object of that name.
    #[must_use]
    pub fn find<T: Item>(&self, name: &str) -> Option<&T> {
        T::list(&self.document)
            .iter()
            .find(|item| item.name().as_str() == name)
    }

    /// The revision that last changed the object.
    #[must_use]
    pub fn revision_of<T: Item>(&self, name: &str) -> u64 {
        self.revisions
            .get(&(T::WHAT, name.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    /// This state with `item` in place of the one of its name, or added at the end.
    ///
    /// # Errors
    /// Everything wrong with the state that would make; pointers count from the whole.
    pub fn with<T: Item>(&self, mut item: T) -> Result<Self, Vec<ConfigProblem>> {
        let mut next = self.clone();
        let place = T::list(&self.document)
            .iter()
            .position(|known| known.name() == item.name());
        let before = place.map(|index| &T::list(&self.document)[index]);
        let problems = next.vault.absorb(&mut item, before);
        let items = T::list_mut(&mut next.document);
        let index = place.unwrap_or(items.len());
        match place {
            Some(index) => items[index] = item,
            None => items.push(item),
        }
        if problems.is_empty() {
            next.finished(self)
        } else {
            Err(below(problems, &format!("/{}s/{index}", T::WHAT)))
        }
    }

    /// This state without the object of that name.
    ///
    /// # Errors
    /// Everything wrong with the state that would make.
    pub fn without<T: Item>(&self, name: &str) -> Result<Self, Vec<ConfigProblem>> {
        let mut next = self.clone();
        T::list_mut(&mut next.document).retain(|item| item.name().as_str() != name);
        next.finished(self)
    }

    /// The state `document` describes; `"•••"` in it means what this one has.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn replaced_by(&self, document: Document) -> Result<Self, Vec<ConfigProblem>> {
        let mut next = Self {
            document,
            ..self.clone()
        };
        let mut problems = Vec::new();
        next.absorb_all::<ListenerConfig>(self, &mut problems);
        next.absorb_all::<SourceConfig>(self, &mut problems);
        next.absorb_all::<OutputConfig>(self, &mut problems);
        problems.extend(next.vault.absorb_section(&mut next.document.secrets));
        if problems.is_empty() {
            next.finished(self)
        } else {
            Err(problems)
        }
    }

    fn absorb_all<T: Item>(&mut self, before: &Self, problems: &mut Vec<ConfigProblem>) {
        for (index, item) in T::list_mut(&mut self.document).iter_mut().enumerate() {
            let found = self.vault.absorb(item, before.find::<T>(item.name()));
            problems.extend(below(found, &format!("/{}s/{index}", T::WHAT)));
        }
    }

    /// Checks the whole, forgets unused secrets and numbers what differs from `before`.
    fn finished(mut self, before: &Self) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = check::whole(&self.document);
        if problems.is_empty() {
            problems = self.check_resolved(before);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        self.vault.forget_unused(&self.document);
        self.revision = before.revision + 1;
        self.revisions.clear();
        self.number::<ListenerConfig>(before);
        self.number::<SourceConfig>(before);
        self.number::<OutputConfig>(before);
        Ok(self)
    }

    /// What only shows once secrets have their values, such as a passphrase too short.
    /// Objects that stay as they are may lack theirs; that is no reason to refuse others.
    fn check_resolved(&self, before: &Self) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        self.check_resolved_items::<ListenerConfig>(before, &mut problems);
        self.check_resolved_items::<SourceConfig>(before, &mut problems);
        self.check_resolved_items::<OutputConfig>(before, &mut problems);
        problems
    }

    fn check_resolved_items<T: Item>(&self, before: &Self, problems: &mut Vec<ConfigProblem>) {
        for (index, item) in T::list(&self.document).iter().enumerate() {
            if self.is_same_item(before, item) {
                continue;
            }
            let found = match self.vault.resolved(item) {
                Ok(item) => item.check(),
                Err(problem) => vec![problem],
            };
            problems.extend(below(found, &format!("/{}s/{index}", T::WHAT)));
        }
    }

    fn number<T: Item>(&mut self, before: &Self) {
        for item in T::list(&self.document) {
            let name = item.name().as_str();
            let same = self.is_same_item(before, item);
            let revision = if same {
                before.revision_of::<T>(name)
            } else {
                self.revision
            };
            self.revisions.insert((T::WHAT, name.to_owned()), revision);
        }
    }

    fn is_same_item<T: Item>(&self, before: &Self, item: &T) -> bool {
        before.find::<T>(item.name()) == Some(item)
            && self.vault.resolved(item) == before.vault.resolved(item)
    }

    /// Whether both describe the same, whatever their numbers.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.document == other.document && self.vault == other.vault
    }

    /// What differs between `before` and this, in words: `source cam1`, `secrets` …
    #[must_use]
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let mut words = Vec::new();
        self.differences_of::<ListenerConfig>(before, &mut words);
        self.differences_of::<SourceConfig>(before, &mut words);
        self.differences_of::<OutputConfig>(before, &mut words);
        if self.document.http != before.document.http {
            words.push("http".into());
        }
        if self.document.public_host != before.document.public_host {
            words.push("public_host".into());
        }
        if words.is_empty() && !self.same_as(before) {
            words.push("secrets or order".into());
        }
        words
    }

    fn differences_of<T: Item>(&self, before: &Self, words: &mut Vec<String>) {
        let what = T::WHAT;
        for item in T::list(&self.document) {
            let name = item.name().as_str();
            match before.find::<T>(name) {
                None => words.push(format!("{what} {name} added")),
                Some(old) if old != item => words.push(format!("{what} {name} changed")),
                Some(_) if self.vault.resolved(item) != before.vault.resolved(item) => {
                    words.push(format!("secret of {what} {name} changed"));
                }
                Some(_) => {}
            }
        }
        for item in T::list(&before.document) {
            if self.find::<T>(item.name()).is_none() {
                words.push(format!("{what} {} removed", item.name()));
            }
        }
    }

    /// The rows that turn `before` into this.
    pub(super) fn write(&self, before: &Self, actor: &str) -> Write {
        let (put_secrets, delete_secrets) = self.vault.changes_since(&before.vault);
        let mut summary = self.differences(before);
        let more = summary.len().saturating_sub(SUMMARY_WORDS_MAX);
        summary.truncate(SUMMARY_WORDS_MAX);
        let mut summary = summary.join(", ");
        if more > 0 {
            summary += &format!(" and {more} more");
        }
        let mut write = Write {
            revision: self.revision,
            actor: actor.to_owned(),
            summary,
            put_secrets,
            delete_secrets,
            meta: vec![(NODE_KEY, self.node())],
            ..Write::default()
        };
        self.write_items::<ListenerConfig>(before, &mut write);
        self.write_items::<SourceConfig>(before, &mut write);
        self.write_items::<OutputConfig>(before, &mut write);
        write
    }

    fn write_items<T: Item>(&self, before: &Self, write: &mut Write) {
        let old = T::list(&before.document);
        for (position, item) in T::list(&self.document).iter().enumerate() {
            let name = item.name().as_str();
            let revision = self.revision_of::<T>(name);
            let unmoved = old
                .get(position)
                .is_some_and(|old| old.name() == item.name());
            if revision == before.revision_of::<T>(name) && unmoved {
                continue;
            }
            let row = ObjectRow {
                what: T::WHAT.into(),
                name: name.to_owned(),
                revision,
                config: to_json(item),
            };
            write.put.push((row, position));
        }
        let gone = old
            .iter()
            .filter(|item| self.find::<T>(item.name()).is_none());
        write
            .delete
            .extend(gone.map(|item| (T::WHAT.to_owned(), item.name().to_string())));
    }

    fn node(&self) -> String {
        to_json(&Node {
            http: self.document.http.clone(),
            public_host: self.document.public_host.clone(),
            secrets: self.document.secrets.clone(),
        })
    }
}

/// Most words in a revision's summary.
const SUMMARY_WORDS_MAX: usize = 8;

fn to_json<T: Serialize>(value: &T) -> String {
    // Configuration is plain data with text keys, which JSON always can hold.
    serde_json::to_string(value).expect("configuration is always JSON")
}

fn below(mut problems: Vec<ConfigProblem>, prefix: &str) -> Vec<ConfigProblem> {
    for problem in &mut problems {
        let pointer = problem.pointer.take().unwrap_or_default();
        problem.pointer = Some(format!("{prefix}{pointer}"));
    }
    problems
}
