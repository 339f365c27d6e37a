//! The words between those who decide and those who switch.

/// What a program shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnAir {
    /// Nothing yet.
    #[default]
    Nothing,
    /// The input at this place of the priority order.
    Input(usize),
    /// The slate.
    Slate,
}

impl OnAir {
    /// The input, where it is one.
    #[must_use]
    pub const fn input(self) -> Option<usize> {
        match self {
            Self::Input(index) => Some(index),
            Self::Nothing | Self::Slate => None,
        }
    }
}

/// In what state what is on air is left, which says when the cut may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// It plays on well: wait for the next one's key frame and cut there.
    Alive,
    /// It plays on, but badly: the next one's earliest key frame.
    Damaged,
    /// Nothing arrives: what was received is still played, and only then is there a cut.
    Starved,
    /// Nothing will arrive any more: inside the rest that is queued, or at its end.
    Gone,
}

/// What is to be done to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Show this next, in place of any order before.
    SwitchTo {
        /// What.
        to: OnAir,
        /// When.
        how: How,
    },
    /// Forget the order that is not carried out yet: nothing has happened.
    Drop,
}
