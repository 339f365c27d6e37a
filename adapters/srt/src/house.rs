use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tidegate_units::NetworkSet;

use crate::doorman::Doorman;
use crate::questions::Questions;

/// What all listeners of an adapter share about who may come in.
#[derive(Default)]
pub(crate) struct House {
    pub(crate) doorman: OnceLock<Arc<dyn Doorman>>,
    /// Nobody from here.
    pub(crate) banned: ArcSwap<NetworkSet>,
    /// Questions that wait for an answer.
    pub(crate) asking: Questions,
}
