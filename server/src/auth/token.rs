//! Tokens: made of the system's randomness, compared in constant time.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use tidegate_engine::Secret;

/// Letters and digits that cannot be mistaken for each other when read aloud.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// `length` random characters, five bits each.
///
/// # Panics
/// When the system has no randomness; nothing secret could be made then.
#[must_use]
pub fn random_text(length: usize) -> String {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the system's randomness is available");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

/// SHA-256; enough for tokens, which are random and long.
pub(super) fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

/// The bearer token for automation, kept only as a hash.
#[derive(Clone)]
pub struct BearerToken {
    hash: Vec<u8>,
}

impl BearerToken {
    /// Takes the token in.
    #[must_use]
    pub fn new(token: &Secret) -> Self {
        Self {
            hash: hash(token.expose()),
        }
    }

    /// Whether `given` is it. Takes the same time whatever was given.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        verify_slices_are_equal(&self.hash, &hash(given)).is_ok()
    }
}

impl std::fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BearerToken(•••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_matches() {
        let token = BearerToken::new(&Secret::new("right"));
        assert!(token.matches("right"));
        assert!(!token.matches("wrong"));
        assert!(!token.matches(""));
    }

    #[test]
    fn random_texts_differ() {
        assert_ne!(random_text(20), random_text(20));
        assert_eq!(random_text(20).len(), 20);
    }
}
