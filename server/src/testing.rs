//! What the server's own tests share.

use std::time::{Duration, Instant};

/// Chooses the one cryptography provider, as `main` does.
pub(crate) fn install_crypto() {
    // A second call fails, and changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < patience, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
