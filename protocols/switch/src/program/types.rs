//! What goes into a program and what comes out of it.

use crate::{How, OnAir};
use bytes::Bytes;
use std::sync::Arc;
use tidegate_codecs::StreamConfig;
use tidegate_units::{Duration, Instant};

/// How a program is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many inputs there are; the slate comes on top.
    pub inputs: usize,
    /// How long everything is held beyond its own play-out time.
    pub delay: Duration,
}

/// Some bytes of an input's transport stream, in its order.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The bytes.
    pub bytes: Bytes,
    /// When they arrived.
    pub arrived: Instant,
    /// When they are due at play-out.
    pub due: Instant,
    /// Packets that were lost in front of them and will not come.
    pub lost_before: u64,
}

/// What a program sends on: whole transport packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The packets.
    pub bytes: Bytes,
    /// When they are due at play-out; it never falls.
    pub due: Instant,
}

/// What happened to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something else is on air.
    Switched(Switched),
    /// What is on air began anew, and goes on.
    Rejoined(Switched),
    /// An order was withdrawn before it was carried out: nothing has happened.
    Averted {
        /// What would have come on air.
        to: OnAir,
    },
}

/// A switch that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switched {
    /// What was on air.
    pub from: OnAir,
    /// What is.
    pub to: OnAir,
    /// When the first packet of it is due.
    pub at: Instant,
    /// How far presentation times leap; zero where they go on.
    pub gap: Duration,
    /// How much of what was seen is seen again, as far as inputs are equally late.
    pub repeated: Duration,
    /// How much is never seen, likewise.
    pub skipped: Duration,
    /// What is on air is held so long beyond its own play-out time.
    pub delay: Duration,
}

/// How a program stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What is on air.
    pub on_air: OnAir,
    /// What is to come on air.
    pub order: Option<(OnAir, How)>,
    /// What is on air has nothing left to be played, although it would be time.
    pub is_starved: bool,
    /// It is starved, and nothing more comes of it before its next key frame: it has ended, or
    /// begun anew.
    pub is_over: bool,
    /// What is on air is held so long beyond its own play-out time.
    pub delay: Duration,
    /// Switches since the program began.
    pub switches: u64,
    /// From when on the slate has to have a key frame, because it is on air or ordered.
    pub slate_wanted: Option<Instant>,
}

/// How one input stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneStatus {
    /// It has a key frame that can be switched to now, and how old that is.
    pub key_frame_age: Option<Duration>,
    /// From key frame to key frame.
    pub gop: Option<Duration>,
    /// From arrival to play-out.
    pub latency: Option<Duration>,
    /// Bytes held of it.
    pub queue_bytes: usize,
    /// What its streams are, pictures first, as far as they have told it.
    pub formats: Vec<Arc<StreamConfig>>,
}
