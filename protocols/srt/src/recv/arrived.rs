use tidegate_units::Duration;

/// What became of a data packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is the first of its number.
    Unique,
    /// It could not be decrypted; its place counts as lost.
    Undecryptable,
    /// It does not open where a tag tells who sent it: it counts as if it had never come.
    NotAuthentic,
    /// It is here already.
    Duplicate,
    /// It was given up this long before it came.
    Belated(Duration),
    /// The buffer has no room: it may come again.
    NoRoom,
    /// Its number is beyond belief.
    OutOfRange,
}

/// The effects of one data packet, for the statistics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    pub(crate) fate: Fate,
    /// Packets found missing just now.
    pub(crate) missing: u64,
    /// How many places late it came without having been repeated.
    pub(crate) reordered_by: u64,
    /// Packets given up because it came from beyond the buffer.
    pub(crate) dropped: u64,
}
