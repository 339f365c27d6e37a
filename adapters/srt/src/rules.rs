use std::sync::Arc;

use tidegate_engine::Cidr;

use crate::doorman::Webhook;
use crate::settings::SecondPublisher;

/// What a source or an output asks of its callers besides the passphrase, and how many may come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    /// From where it may be called; empty is from everywhere.
    pub(crate) allow: Arc<[Cidr]>,
    /// Whom to ask about its callers.
    pub(crate) webhook: Option<Arc<Webhook>>,
    /// What becomes of a second publisher; outputs have none.
    pub(crate) second_publisher: SecondPublisher,
    /// Readers at a time; sources have none.
    pub(crate) max_readers: usize,
}
