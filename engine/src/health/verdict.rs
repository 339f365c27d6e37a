use super::{Health, Reason};

/// The verdict on one source.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    reasons: Vec<Reason>,
    health: Health,
}

impl Verdict {
    pub(crate) fn health(&self) -> Health {
        self.health
    }
    pub(crate) fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
}
