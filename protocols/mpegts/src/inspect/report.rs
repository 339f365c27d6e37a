use tidegate_codecs::Codec;
use tidegate_units::{Bitrate, Duration, Instant};

use super::pid::{Content, PidState};
use super::{Inspector, WINDOW};
use crate::packet::PAT_PID;
use crate::tr101290::Tr101290;

/// After this many windows without news a bitrate is zero.
const STALE_WINDOWS: u32 = 2;

/// What a transport stream contains, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaReport {
    /// The programs, in the order of the program association table.
    pub programs: Vec<ProgramReport>,
    /// The first video track.
    pub video: Option<VideoReport>,
    /// The audio tracks.
    pub audio: Vec<AudioReport>,
    /// Every track, data included.
    pub tracks: Vec<TrackReport>,
    /// Of everything, in the last second.
    pub bitrate: Bitrate,
    /// Packets seen.
    pub packets: u64,
    /// Packets that only filled.
    pub null_packets: u64,
    /// Gaps in the counters of all PIDs.
    pub continuity_errors: u64,
    /// How often a sync byte was missing.
    pub sync_losses: u64,
    /// Packets marked as damaged by a device on the way.
    pub transport_errors: u64,
    /// Sections dropped because their CRC was wrong.
    pub table_errors: u64,
    /// What measuring instruments count.
    pub tr101290: Tr101290,
    /// Whether a track of a program is scrambled now.
    pub scrambled: bool,
    /// Scrambled packets seen.
    pub scrambled_packets: u64,
    /// Beginnings of pictures and audio packets that were not looked into, because more of them
    /// came than anybody needs.
    pub overlooked: u64,
    /// A program association table was read.
    pub has_pat: bool,
    /// The program map of at least one program was read.
    pub has_pmt: bool,
    /// Time since the last packet.
    pub last_packet_age: Option<Duration>,
    /// Time since the last packet of the program association table.
    pub pat_age: Option<Duration>,
}

/// One program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramReport {
    /// program_number.
    pub number: u16,
    /// Where its map is.
    pub pmt_pid: u16,
    /// Where its clock is; `None` until the map was read.
    pub pcr_pid: Option<u16>,
    /// Whether a clock value was seen.
    pub pcr_present: bool,
    /// The longest interval between two clock values in the last second.
    pub pcr_interval: Option<Duration>,
    /// The PIDs of its tracks.
    pub pids: Vec<u16>,
}

/// One video track.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoReport {
    /// Its PID.
    pub pid: u16,
    /// The codec.
    pub codec: Codec,
    /// The profile by its usual name.
    pub profile: Option<&'static str>,
    /// The level by its usual name.
    pub level: Option<String>,
    /// Visible width in pixels; `None` until the headers were read.
    pub width: Option<u32>,
    /// Visible height in pixels.
    pub height: Option<u32>,
    /// Frames per second, measured by the decoding times; declared until then.
    pub fps: Option<f64>,
    /// Frames per second as the headers declare them.
    pub declared_fps: Option<f64>,
    /// Whether fields may occur.
    pub interlaced: bool,
    /// Bits per luma sample.
    pub bit_depth: Option<u8>,
    /// Seconds between the last two key frames.
    pub gop_seconds: Option<f64>,
    /// Pictures between the last two key frames.
    pub gop_frames: Option<u32>,
    /// Of its packets, in the last second.
    pub bitrate: Bitrate,
    /// Time since the last key frame.
    pub last_keyframe_age: Option<Duration>,
    /// Time since the last picture.
    pub last_unit_age: Option<Duration>,
    /// Whether the last picture carried a time.
    pub pts_present: bool,
    /// Pictures are presented in another order than they are decoded in: there are B-frames.
    pub reordered: bool,
    /// Whether it is scrambled now.
    pub scrambled: bool,
}

/// One audio track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioReport {
    /// Its PID.
    pub pid: u16,
    /// The codec.
    pub codec: Codec,
    /// The name people use: "aac", "mp2", "ac3".
    pub name: &'static str,
    /// The profile by its usual name.
    pub profile: Option<&'static str>,
    /// Channels; `None` until the headers were read.
    pub channels: Option<u8>,
    /// Samples per second.
    pub sample_rate_hz: Option<u32>,
    /// The language, where one is told.
    pub language: Option<String>,
    /// Of its packets, in the last second.
    pub bitrate: Bitrate,
    /// Time since the last PES packet.
    pub last_unit_age: Option<Duration>,
    /// Whether the last PES packet carried a time.
    pub pts_present: bool,
    /// Whether it is scrambled now.
    pub scrambled: bool,
}

/// One track of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackReport {
    /// Its PID.
    pub pid: u16,
    /// The program it belongs to.
    pub program: u16,
    /// What it is.
    pub codec: Codec,
    /// stream_type, as the program map says.
    pub stream_type: u8,
    /// The language, where one is told.
    pub language: Option<String>,
    /// Of its packets, in the last second.
    pub bitrate: Bitrate,
    /// Packets seen.
    pub packets: u64,
    /// Gaps in its counter.
    pub continuity_errors: u64,
    /// Whether it is scrambled now.
    pub scrambled: bool,
    /// Time since its last packet.
    pub last_packet_age: Option<Duration>,
}

/// The moment of a report, and what has become of the running window by then.
#[derive(Clone, Copy)]
struct Moment {
    now: Instant,
    /// How long the running window has run.
    running: Duration,
}

pub(super) fn build(inspector: &Inspector, now: Instant) -> MediaReport {
    let core = &inspector.core;
    let running = core
        .window_start
        .map_or(Duration::ZERO, |start| now.saturating_since(start));
    let moment = Moment { now, running };
    let mut report = MediaReport {
        bitrate: moment.bitrate(core.packets - core.old_packets, core.bitrate),
        packets: core.packets,
        null_packets: core.null_packets,
        continuity_errors: core.continuity_errors(),
        tr101290: inspector.tr101290(),
        sync_losses: inspector.slicer.sync_losses(),
        transport_errors: core.transport_errors,
        table_errors: core.tables.crc_errors(),
        scrambled_packets: core.scrambled_packets,
        overlooked: core.effort.overlooked,
        has_pat: core.tables.pat().is_some(),
        last_packet_age: moment.age(core.last_packet),
        ..MediaReport::default()
    };
    report.pat_age = core
        .state(PAT_PID)
        .and_then(|state| moment.age(state.last().map(|last| last.arrived)));
    for (program, map) in core.tables.programs() {
        let clock = core
            .clocks
            .iter()
            .find(|clock| clock.program == program.number);
        report.programs.push(ProgramReport {
            number: program.number,
            pmt_pid: program.pmt_pid,
            pcr_pid: map.map(|map| map.pcr_pid),
            pcr_present: clock.is_some_and(super::ProgramClock::is_present),
            pcr_interval: clock.and_then(super::ProgramClock::interval),
            pids: map
                .iter()
                .flat_map(|map| map.streams.iter().map(|stream| stream.pid))
                .collect(),
        });
        report.has_pmt |= map.is_some();
        for stream in map.iter().flat_map(|map| &map.streams) {
            if let Some(state) = core.state(stream.pid) {
                report.add(moment, program.number, state);
            }
        }
    }
    report
}

impl super::Core {
    pub(super) fn state(&self, pid: u16) -> Option<&PidState> {
        self.pids.get(usize::from(self.slots[usize::from(pid)]))
    }
}

impl Moment {
    fn age(self, since: Option<Instant>) -> Option<Duration> {
        since.map(|since| self.now.saturating_since(since))
    }

    /// The rate of the last finished window. The running one is finished as soon as it
    /// has run long enough, though nothing came to end it.
    fn bitrate(self, running_packets: u64, finished: Bitrate) -> Bitrate {
        if self.running >= WINDOW * STALE_WINDOWS {
            return super::rate(running_packets, self.running);
        }
        finished
    }
}

impl MediaReport {
    fn add(&mut self, moment: Moment, program: u16, state: &PidState) {
        if self.tracks.iter().any(|track| track.pid == state.pid) {
            return; // shared between programs
        }
        let language = state
            .stream
            .and_then(|stream| stream.language)
            .map(|code| code.to_string());
        let bitrate = moment.bitrate(state.window_packets(), state.bitrate);
        self.scrambled |= state.scrambled();
        match &state.content {
            Content::Video(_) if self.video.is_none() => {
                self.video = video_report(moment, state, bitrate);
            }
            Content::Audio(_) => {
                self.audio
                    .extend(audio_report(moment, state, bitrate, language.clone()));
            }
            _ => {}
        }
        self.tracks.push(TrackReport {
            pid: state.pid,
            program,
            codec: state.codec(),
            stream_type: state.stream.map_or(0, |stream| stream.stream_type),
            language,
            bitrate,
            packets: state.packets,
            continuity_errors: state.gaps.count,
            scrambled: state.scrambled(),
            last_packet_age: moment.age(state.last().map(|last| last.arrived)),
        });
    }
}

fn video_report(moment: Moment, state: &PidState, bitrate: Bitrate) -> Option<VideoReport> {
    let Content::Video(video) = &state.content else {
        return None;
    };
    let format = video.format();
    let group = video.group();
    Some(VideoReport {
        pid: state.pid,
        codec: format.map_or(state.codec(), |format| format.codec),
        profile: format.and_then(|format| format.profile),
        level: format.and_then(|format| format.level.clone()),
        width: format.map(|format| format.width),
        height: format.map(|format| format.height),
        fps: video.fps(),
        declared_fps: format.and_then(|format| format.fps).map(|fps| fps.as_f64()),
        interlaced: format.is_some_and(|format| format.interlaced),
        bit_depth: format.map(|format| format.bit_depth),
        gop_seconds: group.map(|(seconds, _)| seconds),
        gop_frames: group.map(|(_, frames)| frames),
        bitrate,
        last_keyframe_age: moment.age(video.last_key()),
        last_unit_age: moment.age(video.last_unit),
        pts_present: video.pts_present,
        reordered: video.reordered,
        scrambled: state.scrambled(),
    })
}

fn audio_report(
    moment: Moment,
    state: &PidState,
    bitrate: Bitrate,
    language: Option<String>,
) -> Option<AudioReport> {
    let Content::Audio(audio) = &state.content else {
        return None;
    };
    let format = audio.format();
    Some(AudioReport {
        pid: state.pid,
        codec: format.map_or(state.codec(), |format| format.codec),
        name: format.map_or(state.codec().name(), |format| format.name),
        profile: format.and_then(|format| format.profile),
        channels: format
            .map(|format| format.channels)
            .filter(|&channels| channels > 0),
        sample_rate_hz: format.map(|format| format.sample_rate_hz),
        language,
        bitrate,
        last_unit_age: moment.age(audio.last_unit),
        pts_present: audio.pts_present,
        scrambled: state.scrambled(),
    })
}
