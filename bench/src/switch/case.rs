//! What is done to the inputs.

use super::feeder::End;
use crate::stream::{FRAMES_PER_SECOND, Stream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What happens while somebody watches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Main ends, and does not come back.
    End(End),
    /// Backup and main are taken in turns, so often.
    Take(usize),
    /// Nothing comes from main for so long, so often; then all of it comes at once.
    Stall(Duration, usize),
}

/// A case, and the inputs in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) latency_ms: u64,
    /// From key frame to key frame of the backup.
    backup_gop: Duration,
    pub(super) act: Act,
}

const SECOND: Duration = Duration::from_secs(1);

pub(super) const CASES: [Case; 5] = [
    Case {
        name: "unplugged, 500 ms, GOP 1 s",
        latency_ms: 500,
        backup_gop: SECOND,
        act: Act::End(End::Unplugged),
    },
    Case {
        name: "leaves, 500 ms, GOP 1 s",
        latency_ms: 500,
        backup_gop: SECOND,
        act: Act::End(End::Leaves),
    },
    Case {
        name: "unplugged, 120 ms, GOP 2 s",
        latency_ms: 120,
        backup_gop: Duration::from_secs(2),
        act: Act::End(End::Unplugged),
    },
    Case {
        name: "taken 10 times, 200 ms, GOP 1 s",
        latency_ms: 200,
        backup_gop: SECOND,
        act: Act::Take(10),
    },
    Case {
        name: "20 stalls of 400 ms, 500 ms",
        latency_ms: 500,
        backup_gop: SECOND,
        act: Act::Stall(Duration::from_millis(400), 20),
    },
];

/// Long enough for every case.
const LENGTH: Duration = Duration::from_secs(90);
const RATE_BPS: u64 = 2_500_000;

/// Two encodings of their own.
pub(super) struct Streams {
    pub(super) main: Arc<Stream>,
    pub(super) backup: Arc<Stream>,
}

impl Case {
    pub(super) fn streams(&self, folder: &Path) -> anyhow::Result<Streams> {
        let gop = FRAMES_PER_SECOND * u32::try_from(self.backup_gop.as_secs())?;
        // One without, the other with pictures in another order than they are decoded in.
        let main = "-preset ultrafast -tune zerolatency";
        let backup = "-preset veryfast -bf 2";
        let make = |gop, settings| {
            Stream::encoded(folder, RATE_BPS, FRAMES_PER_SECOND, gop, settings, LENGTH)
        };
        Ok(Streams {
            main: Arc::new(make(FRAMES_PER_SECOND, main)?),
            backup: Arc::new(make(gop, backup)?),
        })
    }
}
