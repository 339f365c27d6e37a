use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tidegate_srt::StreamId;
use tidegate_units::NetworkSet;

use super::Listening;
use crate::publisher::PublisherDoor;
use crate::readers::ReaderDoor;
use crate::rules::Rules;

/// Passphrases of the other direction that a wrong one is compared with, for the journal.
const RIVALS_MAX: usize = 4;

/// Whom a stream ID belongs to.
#[derive(Clone)]
pub(crate) enum Entry {
    /// A source: whoever names it publishes.
    Source(Arc<PublisherDoor>),
    /// An output: whoever names it reads.
    Output(Arc<ReaderDoor>),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(door) => write!(f, "source {}", door.name),
            Self::Output(door) => write!(f, "output {}", door.name),
        }
    }
}

impl Entry {
    /// The source's or output's name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Source(door) => &door.name,
            Self::Output(door) => &door.name,
        }
    }

    /// What it asks of its callers besides the passphrase.
    pub(super) fn rules(&self) -> Rules {
        self.lock().asked().rules.clone()
    }

    /// Sends away whoever is connected from these addresses.
    pub(super) fn send_away(&self, banned: &Arc<NetworkSet>) {
        match self {
            Self::Source(door) => door.send_away(banned),
            Self::Output(door) => door.send_away_banned(banned),
        }
    }
}

/// Stream IDs of one listener. Exactly one owner each.
#[derive(Clone, Default)]
pub(super) struct Table {
    entries: BTreeMap<String, Entry>,
    /// There is one owner, of whatever is asked for.
    for_one: bool,
}

impl Table {
    /// A table with room for one owner, which every caller asks for.
    pub(super) fn for_one() -> Self {
        Self {
            for_one: true,
            ..Self::default()
        }
    }

    /// A copy with one more, unless a caller could not tell the two apart; then its owner.
    pub(super) fn with(&self, stream_id: &str, entry: Entry) -> Result<Self, Entry> {
        let same = |known: &String| {
            self.for_one
                || StreamId::from(stream_id).is_for(known)
                || StreamId::from(&**known).is_for(stream_id)
        };
        if let Some((_, owner)) = self.entries.iter().find(|(known, _)| same(known)) {
            return Err(owner.clone());
        }
        let mut entries = self.entries.clone();
        entries.insert(stream_id.to_owned(), entry);
        Ok(self.with_entries(entries))
    }

    /// A copy with one less.
    pub(super) fn without(&self, stream_id: &str) -> Self {
        let mut entries = self.entries.clone();
        entries.remove(stream_id);
        self.with_entries(entries)
    }

    const fn with_entries(&self, entries: BTreeMap<String, Entry>) -> Self {
        Self {
            entries,
            for_one: self.for_one,
        }
    }

    /// The most passphrases of their own that any stream has valid for one caller.
    pub(super) fn most_passphrases(&self) -> usize {
        let counts = self.entries.values().map(|entry| entry.lock().most());
        counts.max().unwrap_or_default()
    }

    pub(super) fn find(&self, asked: &StreamId) -> Option<&Entry> {
        if self.for_one {
            return self.entries.values().next();
        }
        asked.names().find_map(|name| self.entries.get(&name))
    }

    /// The owners of the other direction of the same media: a source's outputs, or an output's
    /// source.
    pub(super) fn rivals(&self, entry: &Entry) -> Vec<Entry> {
        let opposite = |other: &&Entry| match (entry, other) {
            (Entry::Source(source), Entry::Output(output))
            | (Entry::Output(output), Entry::Source(source)) => {
                output.source_name() == *source.name
            }
            _ => false,
        };
        self.entries
            .values()
            .filter(opposite)
            .take(RIVALS_MAX)
            .cloned()
            .collect()
    }

    pub(super) fn owners(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The stream ID here that was probably meant.
    pub(super) fn nearest(&self, asked: &StreamId) -> Option<String> {
        let name = asked.names().next()?;
        let known = self.entries.keys().map(String::as_str);
        tidegate_engine::nearest(&name, known).map(str::to_owned)
    }
}

/// A stream ID in use; dropped, it is free again.
pub(crate) struct Claimed {
    listening: Arc<Listening>,
    stream_id: String,
}

impl Claimed {
    pub(super) fn new(listening: Arc<Listening>, stream_id: &str) -> Self {
        Self {
            listening,
            stream_id: stream_id.to_owned(),
        }
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.listening.release(&self.stream_id);
    }
}
