//! The administrator's password: hashed with Argon2id, checked off the async threads.

use std::sync::Arc;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use tidegate_engine::Secret;
use tokio::sync::Semaphore;

use super::token::random_text;

/// Characters of a generated password: 100 bits.
const GENERATED_LENGTH: usize = 20;
/// Hashes computed at a time; each takes 19 MiB.
const CHECKS_AT_A_TIME: usize = 2;

/// A new random password, in groups of five.
#[must_use]
pub fn generate() -> Secret {
    let text = random_text(GENERATED_LENGTH);
    let groups: Vec<&str> = [&text[..5], &text[5..10], &text[10..15], &text[15..]].into();
    Secret::new(groups.join("-"))
}

/// Its hash as a PHC string.
///
/// # Errors
/// When the hash function refuses the password (longer than 4 GiB).
pub fn hash(password: &Secret) -> anyhow::Result<String> {
    Argon2::default()
        .hash_password(password.expose().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| anyhow::anyhow!("the password cannot be hashed: {error}"))
}

/// Checks passwords against one hash.
#[derive(Clone, Debug)]
pub struct Password {
    hash: Arc<str>,
    turns: Arc<Semaphore>,
}

impl Password {
    /// Checks against `hash`, a PHC string.
    #[must_use]
    pub fn new(hash: &str) -> Self {
        Self {
            hash: hash.into(),
            turns: Arc::new(Semaphore::new(CHECKS_AT_A_TIME)),
        }
    }

    /// Whether `given` is the password.
    pub async fn matches(&self, given: Secret) -> bool {
        let Ok(_turn) = self.turns.acquire().await else {
            return false;
        };
        let hash = self.hash.clone();
        let check = move || {
            PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(given.expose().as_bytes(), &hash)
                    .is_ok()
            })
        };
        tokio::task::spawn_blocking(check).await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let generated = generate();
        let password = Password::new(&hash(&generated).unwrap());
        assert!(password.matches(generated).await);
        assert!(!password.matches(Secret::new("something else")).await);
    }

    #[tokio::test]
    async fn a_hash_that_is_none_matches_nothing() {
        assert!(!Password::new("").matches(Secret::new("")).await);
    }
}
