use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_engine::Secret;

use crate::settings::percent_decoded;

/// Passphrases that are valid at once for one caller. Each costs a key derivation with every
/// handshake on the listener.
pub(crate) const PASSPHRASES_MAX: usize = 4;

/// A passphrase that opens a stream, and what the status calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passphrase {
    label: Arc<str>,
    secret: Secret,
}

impl Passphrase {
    pub(crate) fn new(label: String, secret: Secret) -> Self {
        Self {
            label: label.into(),
            secret,
        }
    }

    pub(crate) const fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// Whose it is, if it is not everybody's.
    fn user(&self) -> Option<&str> {
        let place = self.label.strip_prefix("listener/").unwrap_or(&self.label);
        place.strip_prefix("users/")?.split('/').next()
    }

    /// Whether it opens the same to the same user, under whatever label.
    pub(crate) fn is_same_but_for_label(&self, other: &Self) -> bool {
        self.secret == other.secret && self.user() == other.user()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.secret.expose().as_bytes()
    }
}

/// Who may come in with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passphrases {
    /// For everybody without one of their own.
    pub(crate) common: Vec<Passphrase>,
    pub(crate) users: BTreeMap<String, Vec<Passphrase>>,
}

impl Passphrases {
    /// Whether nobody needs one.
    pub(crate) fn is_empty(&self) -> bool {
        self.common.is_empty() && self.users.is_empty()
    }

    /// Those valid for a caller that gives this name with `u=`, as it stands or
    /// percent-encoded, or none. A user with passphrases of its own has no other.
    pub(crate) fn of(&self, user: Option<&str>) -> &[Passphrase] {
        let own = |user: &str| {
            let as_it_stands = self.users.get(user);
            as_it_stands.or_else(|| self.users.get(&percent_decoded(user)))
        };
        user.and_then(own).unwrap_or(&self.common)
    }

    /// Whether somebody who came in with this one would still come in, under whatever label.
    pub(crate) fn still_has(&self, used: &Passphrase) -> bool {
        let mut all = self.common.iter().chain(self.users.values().flatten());
        all.any(|known| known.is_same_but_for_label(used))
    }

    /// The most that are valid for one caller.
    pub(crate) fn most(&self) -> usize {
        let of_users = self.users.values().map(Vec::len).max();
        self.common.len().max(of_users.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(label: &str) -> Passphrase {
        Passphrase::new(label.to_owned(), Secret::new(format!("secret of {label}")))
    }

    #[test]
    fn a_user_with_a_passphrase_of_its_own_has_no_other() {
        let all = Passphrases {
            common: vec![passphrase("a"), passphrase("b")],
            users: BTreeMap::from([("alice".to_owned(), vec![passphrase("c")])]),
        };
        assert_eq!(all.of(Some("alice")), [passphrase("c")]);
        assert_eq!(all.of(Some("%61lice")), [passphrase("c")]);
        assert_eq!(all.of(Some("bob")), all.common);
        assert_eq!(all.of(None), all.common);
        assert_eq!(all.most(), 2);
        assert!(all.still_has(&passphrase("a")) && !all.still_has(&passphrase("d")));
    }

    #[test]
    fn a_passphrase_that_only_gets_another_label_still_opens() {
        let labelled =
            |label: &str| Passphrase::new(label.to_owned(), Secret::new("one and the same"));
        let has = |known: &str, used: &str| {
            let known = Passphrases {
                common: vec![labelled(known)],
                ..Passphrases::default()
            };
            known.still_has(&labelled(used))
        };
        assert!(has("passphrases/old", "passphrase"));
        assert!(has("passphrase", "listener/passphrase"));
        assert!(has("users/alice/old", "listener/users/alice"));
        assert!(!has("users/bob", "users/alice") && !has("passphrase", "users/alice"));
    }
}
