use serde::Serialize;

/// What is in a feed, as the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MediaStatus {
    /// The first video track.
    pub video: Option<VideoStatus>,
    /// All audio tracks.
    pub audio: Vec<AudioStatus>,
    /// Every track that the tables name, data included.
    pub tracks: Vec<TrackStatus>,
    /// The programs of the multiplex.
    pub programs: Vec<ProgramStatus>,
    /// Packets missing or doubled by their counters.
    pub continuity_errors: u64,
    /// Places where no packet began where one should.
    pub sync_losses: u64,
    /// Packets marked as damaged by an earlier link.
    pub transport_errors: u64,
    /// Tables with a wrong checksum.
    pub table_errors: u64,
    /// Beginnings of pictures and audio packets that were not looked into, because more of them
    /// came than any stream needs.
    pub overlooked: u64,
    /// Whether any track is scrambled.
    pub scrambled: bool,
}

/// What measuring instruments count, by the indicators of ETSI TR 101 290.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tr101290Status {
    /// 1.1: the packet grid was lost.
    pub sync_loss: Indicator,
    /// 1.2: a sync byte was missing.
    pub sync_byte: Indicator,
    /// 1.3: the program association table was late (500 ms), scrambled or another one.
    pub pat: Indicator,
    /// 1.4: packets were missing or came too often by their counter.
    pub continuity: Indicator,
    /// 1.5: a program map was late (500 ms) or scrambled.
    pub pmt: Indicator,
    /// 1.6: a picture or sound that the map names stayed away for 5 s.
    pub pid: Indicator,
    /// 2.1: a packet was marked as damaged.
    pub transport: Indicator,
    /// 2.2: a table was damaged.
    pub crc: Indicator,
    /// 2.3a: a clock value came more than 100 ms after the one before.
    pub pcr_repetition: Indicator,
    /// 2.3b: a clock jumped without saying so.
    pub pcr_discontinuity: Indicator,
    /// 2.5: a presentation time did not move on for 700 ms.
    pub pts: Indicator,
}

/// One indicator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Indicator {
    /// How often, since the connection began.
    pub count: u64,
    /// Time since the last one; `null` when there was none.
    pub last_age_ms: Option<u64>,
}

impl Tr101290Status {
    /// Each indicator by its number and name.
    #[must_use]
    pub const fn indicators(&self) -> [(&'static str, &'static str, Indicator); 11] {
        [
            ("1.1", "sync_loss", self.sync_loss),
            ("1.2", "sync_byte", self.sync_byte),
            ("1.3", "pat", self.pat),
            ("1.4", "continuity", self.continuity),
            ("1.5", "pmt", self.pmt),
            ("1.6", "pid", self.pid),
            ("2.1", "transport", self.transport),
            ("2.2", "crc", self.crc),
            ("2.3a", "pcr_repetition", self.pcr_repetition),
            ("2.3b", "pcr_discontinuity", self.pcr_discontinuity),
            ("2.5", "pts", self.pts),
        ]
    }
}

/// A video track.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VideoStatus {
    /// Its PID.
    pub pid: u16,
    /// `h264`, `hevc`, …
    pub codec: &'static str,
    /// Profile by its name.
    pub profile: Option<String>,
    /// Level by its number.
    pub level: Option<String>,
    /// Visible width in pixels.
    pub width: Option<u32>,
    /// Visible height in pixels.
    pub height: Option<u32>,
    /// Frames per second.
    pub fps: Option<f64>,
    /// Fields instead of frames.
    pub interlaced: bool,
    /// Pictures are presented in another order than they are decoded in.
    pub b_frames: bool,
    /// Time between key frames.
    pub gop_seconds: Option<f64>,
    /// Time since the last picture.
    pub last_unit_age_ms: Option<u64>,
    /// Time since the last key frame.
    pub last_keyframe_age_ms: Option<u64>,
    /// Over the last second.
    pub bitrate_bps: u64,
}

/// An audio track.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AudioStatus {
    /// Its PID.
    pub pid: u16,
    /// `aac`, `mp2`, `ac3`, …
    pub codec: &'static str,
    /// Profile by its name.
    pub profile: Option<&'static str>,
    /// Number of channels.
    pub channels: Option<u8>,
    /// Samples per second.
    pub sample_rate: Option<u32>,
    /// ISO 639 language.
    pub language: Option<String>,
    /// Time since the last sound.
    pub last_unit_age_ms: Option<u64>,
    /// Over the last second.
    pub bitrate_bps: u64,
}

/// Any track: picture, sound, or data such as SCTE-35 and teletext.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrackStatus {
    /// Its PID.
    pub pid: u16,
    /// The program it belongs to.
    pub program: u16,
    /// `h264`, `aac`, `scte35`, `teletext`, …
    pub codec: &'static str,
    /// ISO 639 language.
    pub language: Option<String>,
    /// Over the last second.
    pub bitrate_bps: u64,
    /// Packets missing or doubled by their counter.
    pub continuity_errors: u64,
    /// Whether it is scrambled.
    pub scrambled: bool,
}

/// A program of the multiplex.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProgramStatus {
    /// Its number.
    pub number: u16,
    /// The PID of its table.
    pub pmt_pid: u16,
    /// The PID of its clock.
    pub pcr_pid: Option<u16>,
    /// The PIDs it names.
    pub pids: Vec<u16>,
}
