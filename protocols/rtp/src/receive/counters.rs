use tidegate_units::{Duration, Instant};

/// What a receiver has counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that were new when they came.
    pub received: u64,
    /// Packets that had come already.
    pub duplicates: u64,
    /// Packets that came before one with a lower number.
    pub reordered: u64,
    /// Packets that came after they had been given up.
    pub late: u64,
    /// Packets rebuilt from sums.
    pub recovered: u64,
    /// Packets given up.
    pub unrecovered: u64,
    /// Packets that belong to no stream followed.
    pub strays: u64,
    /// Times the numbers began anew.
    pub restarts: u64,
    /// Sums of columns that came.
    pub column_sums: u64,
    /// Sums of rows that came.
    pub row_sums: u64,
    /// Sums that could not be read or did not make a packet.
    pub bad_sums: u64,
    /// Columns and rows of the sender's matrix, as its column sums say.
    pub matrix: Option<(u8, u8)>,
}

/// What one of the ways has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegCounters {
    /// Packets it brought, first or not.
    pub received: u64,
    /// Packets of the stream it did not bring in time.
    pub missing: u64,
    /// Packets that had the number of another leg's packet, but were different.
    pub mismatched: u64,
    /// How far it is behind the faster leg, smoothed.
    pub behind: Duration,
    /// When it brought something last.
    pub last: Option<Instant>,
    /// What it brings is another stream; it is not used.
    pub is_foreign: bool,
}
