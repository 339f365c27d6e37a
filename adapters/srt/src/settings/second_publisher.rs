use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to a second publisher while the first one sends. One that has been silent for
/// 0.7 s is replaced in any case: its encoder was probably killed and is back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondPublisher {
    /// It is refused.
    #[default]
    Reject,
    /// It replaces the first one as soon as its media arrives; readers keep watching. Only for
    /// callers that have proved something: a passphrase, an allowed address or a webhook's yes.
    TakeOver,
    /// It stays connected, unseen, and steps in when the first one falls silent or leaves.
    StandBy,
}

impl SecondPublisher {
    /// Whether it is what a configuration need not say.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// As it is written in settings.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::TakeOver => "take_over",
            Self::StandBy => "stand_by",
        }
    }
}
