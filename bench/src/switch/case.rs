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

/// In which order an encoder sends its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// As they are shown.
    Shown,
    /// Those that others are made from first, as with B-frames: each picture comes earlier than
    /// it is shown.
    Decoded,
}

/// A case, and the inputs in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) latency_ms: u64,
    /// From key frame to key frame of the backup.
    backup_gop: Duration,
    main: Order,
    backup: Order,
    pub(super) act: Act,
}

const SECOND: Duration = Duration::from_secs(1);

const HALF_SECOND: Case = Case {
    name: "",
    latency_ms: 500,
    backup_gop: SECOND,
    main: Order::Shown,
    backup: Order::Decoded,
    act: Act::End(End::Unplugged),
};

pub(super) const CASES: [Case; 8] = [
    Case {
        name: "unplugged, 500 ms, GOP 1 s",
        ..HALF_SECOND
    },
    Case {
        name: "unplugged, both with B-frames, 500 ms, GOP 1 s",
        main: Order::Decoded,
        ..HALF_SECOND
    },
    Case {
        name: "unplugged, B-frames to none, 500 ms, GOP 1 s",
        main: Order::Decoded,
        backup: Order::Shown,
        ..HALF_SECOND
    },
    Case {
        name: "leaves, 500 ms, GOP 1 s",
        act: Act::End(End::Leaves),
        ..HALF_SECOND
    },
    Case {
        name: "unplugged, 120 ms, GOP 2 s",
        latency_ms: 120,
        backup_gop: Duration::from_secs(2),
        ..HALF_SECOND
    },
    Case {
        name: "taken 10 times, 200 ms, GOP 1 s",
        latency_ms: 200,
        act: Act::Take(10),
        ..HALF_SECOND
    },
    // A key frame takes 130 to 140 ms to come at this rate; the rest of the latency is what a
    // stall can last.
    Case {
        name: "20 stalls of 340 ms, 500 ms",
        act: Act::Stall(Duration::from_millis(340), 20),
        ..HALF_SECOND
    },
    Case {
        name: "20 stalls of 400 ms, 500 ms",
        act: Act::Stall(Duration::from_millis(400), 20),
        ..HALF_SECOND
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
        let make = |gop, order| {
            let settings = match order {
                Order::Shown => "-preset ultrafast -tune zerolatency",
                Order::Decoded => "-preset veryfast -bf 2",
            };
            Stream::encoded(folder, RATE_BPS, FRAMES_PER_SECOND, gop, settings, LENGTH)
        };
        Ok(Streams {
            main: Arc::new(make(FRAMES_PER_SECOND, self.main)?),
            backup: Arc::new(make(gop, self.backup)?),
        })
    }
}
