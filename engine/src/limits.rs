//! Every bound of the engine, with the reason for its value.

use core::time::Duration;

/// Batches a reader's queue holds unless its options say otherwise. At one batch per
/// millisecond this is half a second; most loop turns carry several packets.
pub const READER_BATCHES: usize = 512;

/// Bytes a reader's queue holds unless its options say otherwise: four seconds at 16 Mbit/s.
pub const READER_BYTES: usize = 8 << 20;

/// The largest queue a reader may ask for, in batches.
pub const READER_BATCHES_MAX: usize = 1 << 16;

/// The largest queue a reader may ask for, in bytes.
pub const READER_BYTES_MAX: usize = 256 << 20;

/// How long a reader that overflowed waits for a key frame before it takes what comes.
pub const RESYNC_WAIT: Duration = Duration::from_secs(3);

/// Items a writer gathers before it seals a batch by itself.
pub const BATCH_ITEMS: usize = 256;

/// Batches between the TS lane and the shared demultiplexer.
pub const DEMUX_BATCHES: usize = 2048;

/// Bytes between the TS lane and the shared demultiplexer.
pub const DEMUX_BYTES: usize = 16 << 20;

/// How long the shared demultiplexer lets batches gather before it looks again: less than the time
/// from one frame to the next at 60 frames a second, since it is added to the delay of pictures.
pub const DEMUX_GATHER: Duration = Duration::from_millis(10);

/// Batches of one writer that wait to be inspected while the health watcher is asking what was
/// seen, which takes microseconds.
pub const INSPECTION_BACKLOG: usize = 64;

/// How often the health of a source is assessed.
pub const HEALTH_INTERVAL: Duration = Duration::from_millis(250);

/// A source that has carried nothing for so long is at rest, and looked at less often …
pub const REST_AFTER: Duration = Duration::from_secs(10);

/// … namely so often, and at once when something comes.
pub const REST_INTERVAL: Duration = Duration::from_secs(1);

/// History points kept per source: ten minutes.
pub const HISTORY_POINTS: usize = 600;

/// Time between two history points.
pub const HISTORY_INTERVAL: Duration = Duration::from_secs(1);

/// Events a slow subscriber may lag behind before it loses the oldest.
pub const EVENT_BACKLOG: usize = 1024;

/// Sources of one engine.
pub const SOURCES: usize = 2000;

/// Outputs of one engine.
pub const OUTPUTS: usize = 4000;

/// The first pause after a failed run.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest pause between two runs.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(30);

/// A run this long was good: the next pause starts small again.
pub const BACKOFF_GOOD: Duration = Duration::from_secs(30);

/// How long a driver may take to end after it was asked to stop; then its task is cut off.
pub const STOP_GRACE: Duration = Duration::from_secs(2);

/// Named details a driver may report.
pub const DETAILS: usize = 8;

/// Alarms a driver may have standing.
pub const DRIVER_ALARMS: usize = 8;

/// Silence after which a feed counts as having no media.
pub const MEDIA_GONE: Duration = Duration::from_secs(2);

/// A connected sender that is silent this long gives a warning.
pub const MEDIA_PAUSE: Duration = Duration::from_millis(500);

/// How long an error explains why an output gets nothing across: what still goes wrong is
/// reported again within this time, however few packets there are.
pub const ERROR_FRESH: Duration = Duration::from_secs(5);

/// How long a warning stands before it is an alarm: every connection begins without media.
pub const ALARM_DELAY: Duration = Duration::from_secs(1);

/// How long the last look at a stream stands after some of it was passed over here.
pub const MEDIA_HELD: Duration = Duration::from_secs(3);

/// Time a stream may take to send its tables.
pub const TABLES_LATE: Duration = Duration::from_secs(3);

/// A track that the tables name and that has carried nothing this long after the connection
/// began is missing.
pub const TRACK_LATE: Duration = Duration::from_secs(5);

/// A track that carries nothing for this long gives a warning.
pub const TRACK_PAUSE: Duration = Duration::from_millis(500);

/// A track that carries nothing for this long is gone.
pub const TRACK_GONE: Duration = Duration::from_secs(2);

/// Packets lost for good in a minute that are more than an accident.
pub const UNRECOVERED_PER_MINUTE: u64 = 10;

/// Packets missing at first, in percent over ten seconds, that give a warning.
pub const LOSS_WARNING_PERCENT: f64 = 1.0;

/// Share of the usual bitrate below which there is a warning.
pub const BITRATE_WARNING: f64 = 0.7;

/// Share of the usual bitrate below which there is an error.
pub const BITRATE_ERROR: f64 = 0.1;

/// Seconds of history before there is a usual bitrate.
pub const USUAL_BITRATE_POINTS: usize = 20;
