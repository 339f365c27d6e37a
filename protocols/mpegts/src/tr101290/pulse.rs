use tidegate_codecs::{Codec, Kind};
use tidegate_units::{Duration, Instant};

/// Streams of picture and sound that a [`Pulse`] tells of.
pub const MAX_PULSE_STREAMS: usize = 8;

/// The little of a stream that decides whether it can be on air: made many times a second,
/// without allocating.
///
/// Times in [`flow`](Self::flow) are the stream's own, without the pauses of its arrival; they
/// are compared with `flow` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pulse {
    /// The stream's own time at what came last.
    pub flow: Instant,
    /// Packets seen.
    pub packets: u64,
    /// Packets that only filled.
    pub null_packets: u64,
    /// The stream's time at the last packet: older than `flow` while there is no sync.
    pub last_packet: Option<Instant>,
    /// Gaps in the counters of all PIDs.
    pub continuity_errors: u64,
    /// How often the packet grid was lost.
    pub sync_losses: u64,
    /// Program association tables.
    pub pat: Recurring,
    /// Maps of the first program.
    pub pmt: Recurring,
    /// When the last key frame of the first program's picture came, by arrival.
    pub last_key: Option<Instant>,
    /// From the last key frame but one to the last.
    pub group: Option<Duration>,
    /// Whether picture or sound of the first program is scrambled.
    pub scrambled: bool,
    pub(crate) streams: [StreamPulse; MAX_PULSE_STREAMS],
    pub(crate) count: usize,
}

/// Something that comes again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recurring {
    /// The stream's time when it came last; `None` before the first.
    pub last: Option<Instant>,
    /// How often it usually comes; zero while that is not known.
    pub usual: Duration,
}

/// One stream of picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPulse {
    /// Its PID.
    pub pid: u16,
    /// What it is.
    pub codec: Codec,
    /// The stream's time when the map first named it so.
    pub named: Instant,
    /// The stream's time at its last packet.
    pub last_packet: Option<Instant>,
    /// When its last unit came, by arrival.
    pub last_unit: Option<Instant>,
    /// The stream's time when its presentation time moved on last.
    pub last_progress: Option<Instant>,
    /// How often a unit usually begins; zero while that is not known.
    pub usual: Duration,
    /// Whether it is scrambled.
    pub scrambled: bool,
}

impl Default for StreamPulse {
    fn default() -> Self {
        Self {
            pid: 0,
            codec: Codec::Data,
            named: Instant::ZERO,
            last_packet: None,
            last_unit: None,
            last_progress: None,
            usual: Duration::ZERO,
            scrambled: false,
        }
    }
}

impl StreamPulse {
    /// Whether it is a picture.
    #[must_use]
    pub fn is_video(&self) -> bool {
        self.codec.kind() == Kind::Video
    }
}

impl Pulse {
    /// The streams of picture and sound of the first program, as far as they fit.
    #[must_use]
    pub fn streams(&self) -> &[StreamPulse] {
        &self.streams[..self.count]
    }

    /// Adds a stream; one that does not fit is left out.
    pub fn add(&mut self, stream: StreamPulse) {
        if let Some(place) = self.streams.get_mut(self.count) {
            *place = stream;
            self.count += 1;
        }
    }

    /// Whether there is a picture.
    #[must_use]
    pub fn has_video(&self) -> bool {
        self.streams().iter().any(StreamPulse::is_video)
    }

    /// Bytes of media: without what only fills.
    #[must_use]
    pub const fn media_bytes(&self) -> u64 {
        (self.packets - self.null_packets) * crate::PACKET_BYTES as u64
    }
}
