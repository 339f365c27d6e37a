//! Civil time as the store and the API write it.

use std::time::{Duration, SystemTime};

/// Milliseconds since 1970; 0 for anything before.
#[must_use]
pub fn millis_since_epoch(at: SystemTime) -> u64 {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

/// The end of the year 9999, the last one RFC 3339 can write.
pub const LAST_MILLIS: u64 = 253_402_300_799_999;

/// RFC 3339 of milliseconds since 1970.
#[must_use]
pub fn rfc3339_of_millis(millis: u64) -> String {
    rfc3339(SystemTime::UNIX_EPOCH + Duration::from_millis(millis.min(LAST_MILLIS)))
}
