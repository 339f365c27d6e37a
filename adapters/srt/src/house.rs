use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tidegate_units::NetworkSet;

use crate::doorman::Doorman;
use crate::turnstile::{Limits, Turnstile};

/// Callers that may be asked about at a time; who finds no place hears nothing, and repeats
/// itself.
pub const ASKING_MAX: usize = 64;
/// The same, with how many of one address.
pub(crate) const ASKING: Limits = Limits {
    total: ASKING_MAX,
    per_address: 16,
};

/// What all listeners of an adapter share about who may come in.
#[derive(Default)]
pub(crate) struct House {
    pub(crate) doorman: OnceLock<Arc<dyn Doorman>>,
    /// Nobody from here.
    pub(crate) banned: ArcSwap<NetworkSet>,
    /// Questions that wait for an answer.
    pub(crate) asking: Arc<Turnstile>,
}
