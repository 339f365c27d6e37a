//! The administrator's password at start.

use tidegate_engine::Secret;

use crate::auth::{Password, generate_password, hash_password};
use crate::store::Store;

const KEY: &str = "admin_password_hash";

/// The hash to check logins against. A password from the environment replaces the stored one
/// and ends its sessions; without either, one is generated and printed, this once.
pub(super) async fn password_hash(
    store: &Store,
    given: Option<Secret>,
    say: fn(&str),
) -> anyhow::Result<String> {
    let stored = store.meta(KEY).await?;
    match (stored, given) {
        (Some(stored), Some(given)) => {
            if Password::new(&stored).matches(given.clone()).await {
                return Ok(stored);
            }
            store.remove_all_sessions().await?;
            keep(store, &given).await
        }
        (None, Some(given)) => keep(store, &given).await,
        (Some(stored), None) => Ok(stored),
        (None, None) => {
            let generated = generate_password();
            let hash = keep(store, &generated).await?;
            say("\n  Log in as \"admin\" with this password. It is shown only now:\n");
            say(&format!("      {}\n", generated.expose()));
            Ok(hash)
        }
    }
}

async fn keep(store: &Store, password: &Secret) -> anyhow::Result<String> {
    let hash = hash_password(password)?;
    store.set_meta(KEY, hash.clone()).await?;
    Ok(hash)
}
