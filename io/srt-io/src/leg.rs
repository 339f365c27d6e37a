use std::sync::{Arc, Weak};

/// A leg of a bonding group, or a caller that is to become one; whoever has it last lets it go
/// when the leg is over, or when nothing comes of it.
#[derive(Debug)]
pub(crate) struct Leg;

/// Tells how long a leg of a bonding group lives, seen from outside its shard.
#[derive(Debug)]
pub struct LegHandle(Weak<Leg>);

impl LegHandle {
    pub(crate) fn to(leg: &Arc<Leg>) -> Self {
        Self(Arc::downgrade(leg))
    }

    /// Whether the leg has ended, or was never made.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}
