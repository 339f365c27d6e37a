//! Every bound of this adapter, with the reason for its value.

use core::time::Duration;

/// Inputs of one switch.
pub const INPUTS: usize = 16;

/// Entries of one schedule: a day with one every ten minutes.
pub const SCHEDULED: usize = 144;

/// The longest fixed hold. Everything is in memory for as long, of every input.
pub const DELAY_MAX: Duration = Duration::from_secs(10);

/// The longest of the other times in the settings: an hour.
pub const TIME_MAX: Duration = Duration::from_secs(3600);
