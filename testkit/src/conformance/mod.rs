//! What every adapter must do, whatever its protocol: stop in time, leave others alone when
//! its far side is slow, say why it was refused, come back by itself, count truthfully, and
//! keep secrets.
//!
//! An adapter's tests describe it as an [`OutputSubject`] or [`SourceSubject`] and call
//! [`check_output`], [`check_source`] and [`check_settings`].

mod feeder;
mod output;
mod settings;
mod source;

pub use feeder::Feeder;
pub use output::{OutputSubject, Refusal, check_output};
pub use settings::{check_secrets, check_settings};
pub use source::{SourceSubject, check_source};

use core::time::Duration;
use std::time::Instant;

/// Longer than anything here should take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `look` finds something.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
