use crate::wire::{CipherMode, KeyLength};

/// What all keys of a connection have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Suite {
    pub(super) mode: CipherMode,
    pub(super) length: KeyLength,
}
