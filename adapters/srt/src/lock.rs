use std::sync::Arc;

use arc_swap::ArcSwap;
use tidegate_srt::{CipherMode, KeyError, KeyMaterial, SessionKeys};

use crate::passphrases::{Passphrase, Passphrases};
use crate::rules::Rules;

/// What a stream asks of callers. All but the cipher changes while it runs.
pub(crate) struct Lock {
    asked: ArcSwap<Asked>,
    cipher: Option<CipherMode>,
}

/// What is asked at the moment.
#[derive(PartialEq)]
pub(crate) struct Asked {
    pub(crate) own: Arc<Passphrases>,
    pub(crate) without: Without,
    pub(crate) rules: Rules,
}

/// Who comes in when a stream has no passphrase of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    /// Anybody.
    Open,
    /// Whoever has the listener's; anybody if it has none either.
    ListenersOrOpen,
    /// Whoever has the listener's; nobody if it has none either.
    ListenersOrClosed,
}

/// Who comes in.
pub(crate) enum Rule {
    Anybody,
    Nobody,
    Having(Arc<Passphrases>),
}

/// Tried on the keys of callers that are turned away anyway, for the time it takes.
const NOBODYS_PASSPHRASE: &[u8] = b"no stream has this passphrase";

impl Lock {
    pub(crate) fn new(asked: Asked, cipher: Option<CipherMode>) -> Self {
        Self {
            asked: ArcSwap::from_pointee(asked),
            cipher,
        }
    }

    /// Asks what `newer` does from now on, if the cipher is the same.
    pub(crate) fn take_over(&self, newer: &Self) -> bool {
        let same = self.cipher == newer.cipher;
        let asked = newer.asked.load_full();
        // What is the same stays the very same, for whoever looks out for a change.
        if same && *self.asked.load_full() != *asked {
            self.asked.store(asked);
        }
        same
    }

    /// What is asked at the moment.
    pub(crate) fn asked(&self) -> Arc<Asked> {
        self.asked.load_full()
    }

    /// Who comes in on a listener with these passphrases.
    pub(crate) fn rule(&self, of_listener: &Arc<Passphrases>) -> Rule {
        let asked = self.asked.load();
        match asked.without {
            _ if !asked.own.is_empty() => Rule::Having(Arc::clone(&asked.own)),
            Without::Open => Rule::Anybody,
            _ if !of_listener.is_empty() => Rule::Having(Arc::clone(of_listener)),
            Without::ListenersOrOpen => Rule::Anybody,
            Without::ListenersOrClosed => Rule::Nobody,
        }
    }

    /// The most passphrases of its own that are valid for one caller.
    pub(crate) fn most(&self) -> usize {
        self.asked.load().own.most()
    }

    /// The cipher mode that callers must have, if it is not the listener's to say.
    pub(crate) const fn cipher(&self) -> Option<CipherMode> {
        self.cipher
    }
}

impl Rule {
    /// Those valid for a caller that gives this name with `u=`, or none.
    pub(crate) fn passphrases_of(&self, user: Option<&str>) -> Vec<Passphrase> {
        match self {
            Self::Anybody | Self::Nobody => Vec::new(),
            Self::Having(passphrases) => passphrases.of(user).to_vec(),
        }
    }

    /// Whether somebody who came in with this one, or none, would still come in.
    pub(crate) fn still_admits(&self, used: Option<&Passphrase>) -> bool {
        match (self, used) {
            (Self::Anybody, None) => true,
            (Self::Having(passphrases), Some(used)) => passphrases.still_has(used),
            _ => false,
        }
    }
}

/// Opens a caller's keys with one of `passphrases`, after exactly `tries` derivations however
/// many there are and whichever it is: the time tells nothing.
pub(crate) fn open(
    material: &KeyMaterial,
    passphrases: &[Passphrase],
    tries: usize,
) -> Result<(SessionKeys, Passphrase), KeyError> {
    let mut opened = Err(KeyError::WrongPassphrase);
    for turn in 0..tries.max(passphrases.len()) {
        let passphrase = passphrases.get(turn);
        let keys = material.open(passphrase.map_or(NOBODYS_PASSPHRASE, Passphrase::as_bytes));
        let Some(passphrase) = passphrase else {
            continue;
        };
        match keys {
            Ok(keys) if opened.is_err() => opened = Ok((keys, passphrase.clone())),
            Err(error) if error != KeyError::WrongPassphrase && opened.is_err() => {
                opened = Err(error);
            }
            _ => {}
        }
    }
    opened
}
