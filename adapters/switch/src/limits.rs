//! Every bound of this adapter, with the reason for its value.

use core::time::Duration;

/// Inputs of one switch.
pub const INPUTS: usize = tidegate_switch::MAX_INPUTS;

/// Entries of one schedule.
pub const SCHEDULED: usize = tidegate_switch::decide::SCHEDULE_MAX;

/// The longest fixed hold. Everything is in memory for as long, of every input.
pub const DELAY_MAX: Duration = Duration::from_secs(10);

/// The longest of the other times in the settings: an hour.
pub const TIME_MAX: Duration = Duration::from_secs(3600);

/// Batches of one input that wait for the switch, which comes by every few milliseconds.
pub const QUEUE_BATCHES: usize = 2048;

/// Bytes of one input that wait for the switch: a second at 130 Mbit/s.
pub const QUEUE_BYTES: usize = 16 << 20;

/// Batches of one input taken in one turn, so that a flood does not hold up what is on air.
pub(crate) const BATCHES_PER_TURN: usize = 256;

/// Commands that wait for the switch.
pub const COMMANDS: usize = 16;

/// Words of the switch that wait to be told. Events beyond that are lost and counted; how things
/// stand is no event, and not lost.
pub const TOLD: usize = 256;

/// After how long what could not be written down is tried again.
pub(crate) const REMEMBER_RETRY: Duration = Duration::from_secs(10);

/// The least time between two turns, so that packets go out several at a time.
pub(crate) const TURN: Duration = Duration::from_millis(2);

/// How often the inputs are looked at and it is decided.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// How often its status is shown anew.
pub(crate) const SHOW_INTERVAL: Duration = Duration::from_millis(200);

/// How long a command may take to be answered: several turns, on a busy machine.
pub(crate) const ANSWER: Duration = Duration::from_secs(2);

/// No picture and no sound was emitted for so long: the program is dark.
pub(crate) const DARK_AFTER: Duration = Duration::from_millis(500);

/// How long no other input is ready before that is an alarm: connections come one by one.
pub(crate) const ALONE_AFTER: Duration = Duration::from_secs(10);

/// Bytes of what is remembered.
pub(crate) const REMEMBERED_BYTES: u64 = 4096;

/// How long whoever tests the backup waits for the outcome: until a silence is noticed, what is
/// queued has been played, the backup's key frame has come, and that was looked at.
pub(crate) const DRILL: Duration = Duration::from_secs(30);

/// How long inputs have after a start before the slate stands in for them: they call again within
/// a second or two.
pub(crate) const SLATE_AT_START: Duration = Duration::from_secs(3);

/// How often what is on air is looked at for a slate of the same format.
pub(crate) const SLATE_LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// How long the format must have been the same before a slate is made.
pub(crate) const SLATE_SETTLE: Duration = Duration::from_millis(1500);

/// … but after so long one is made of what it is then: a camera's picture rate may wander for ever.
pub(crate) const SLATE_SETTLE_MAX: Duration = Duration::from_secs(10);

/// After how long a slate that could not be made is tried again.
pub(crate) const SLATE_RETRY: Duration = Duration::from_secs(30);

/// Sounds of a slate; a program that has more is silent on the others.
pub(crate) const SLATE_SOUNDS: usize = 8;

/// A chunk of the program: seven packets, what fits into a datagram.
pub(crate) const CHUNK_BYTES: usize = 7 * 188;
