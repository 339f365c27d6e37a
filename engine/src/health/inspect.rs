use super::{AudioStatus, MediaStatus, ProgramStatus, TrackStatus, VideoStatus};
use core::time::Duration;
use tidegate_mpegts::{AudioReport, MediaReport, TrackReport, VideoReport};

impl MediaStatus {
    /// What the inspector found; `None` before it has read any tables.
    pub(crate) fn of(report: &MediaReport) -> Option<Self> {
        (report.has_pat && report.has_pmt).then(|| Self {
            video: report.video.as_ref().map(video),
            audio: report.audio.iter().map(audio).collect(),
            tracks: report.tracks.iter().map(track).collect(),
            programs: report.programs.iter().map(program).collect(),
            continuity_errors: report.continuity_errors,
            sync_losses: report.sync_losses,
            transport_errors: report.transport_errors,
            table_errors: report.table_errors,
            overlooked: report.overlooked,
            scrambled: report.scrambled,
        })
    }
}

fn video(report: &VideoReport) -> VideoStatus {
    VideoStatus {
        pid: report.pid,
        codec: report.codec.name(),
        profile: report.profile.map(str::to_owned),
        level: report.level.clone(),
        width: report.width,
        height: report.height,
        fps: report.fps,
        interlaced: report.interlaced,
        b_frames: report.reordered,
        gop_seconds: report.gop_seconds,
        last_unit_age_ms: report.last_unit_age.map(millis),
        last_keyframe_age_ms: report.last_keyframe_age.map(millis),
        bitrate_bps: report.bitrate.as_bps(),
    }
}

fn audio(report: &AudioReport) -> AudioStatus {
    AudioStatus {
        pid: report.pid,
        codec: report.name,
        profile: report.profile,
        channels: report.channels,
        sample_rate: report.sample_rate_hz,
        language: report.language.clone(),
        last_unit_age_ms: report.last_unit_age.map(millis),
        bitrate_bps: report.bitrate.as_bps(),
    }
}

fn track(report: &TrackReport) -> TrackStatus {
    TrackStatus {
        pid: report.pid,
        program: report.program,
        codec: report.codec.name(),
        language: report.language.clone(),
        bitrate_bps: report.bitrate.as_bps(),
        continuity_errors: report.continuity_errors,
        scrambled: report.scrambled,
    }
}

fn program(report: &tidegate_mpegts::ProgramReport) -> ProgramStatus {
    ProgramStatus {
        number: report.number,
        pmt_pid: report.pmt_pid,
        pcr_pid: report.pcr_pid,
        pids: report.pids.clone(),
    }
}

fn millis(age: Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}
