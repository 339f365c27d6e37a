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
