use super::{AudioStatus, MediaStatus, ProgramStatus, TrackStatus, VideoStatus};
use super::{Indicator, Tr101290Status};
use crate::feed::Beside;
use core::time::Duration;
use tidegate_codecs::StreamConfig;
use tidegate_mpegts::{AudioReport, MediaReport, Tally, Tr101290, TrackReport, VideoReport};
use tidegate_units::Instant;

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

impl MediaStatus {
    /// The same with tracks that were looked at as frames, if there are any.
    pub(crate) fn with(seen: Option<Self>, beside: &[Beside], now: Instant) -> Option<Self> {
        if beside.is_empty() {
            return seen;
        }
        let mut status = seen.unwrap_or_default();
        for it in beside {
            if it.track.is_audio() {
                status.audio.push(audio_beside(it, now));
            } else if status.video.is_none() {
                status.video = Some(video_beside(it, now));
            }
            status.tracks.push(TrackStatus {
                pid: it.track.id,
                program: it.track.program,
                codec: it.track.codec.name(),
                language: it.track.language.clone(),
                bitrate_bps: it.bitrate_bps,
                ..TrackStatus::default()
            });
        }
        Some(status)
    }
}

impl Tr101290Status {
    /// What was counted, as it is at `now`.
    pub(crate) fn of(counted: &Tr101290, now: Instant) -> Self {
        let indicator = |tally: Tally| Indicator {
            count: tally.count,
            last_age_ms: tally.last.map(|last| millis(now.saturating_since(last))),
        };
        Self {
            sync_loss: indicator(counted.sync_loss),
            sync_byte: indicator(counted.sync_byte),
            pat: indicator(counted.pat),
            continuity: indicator(counted.continuity),
            pmt: indicator(counted.pmt),
            pid: indicator(counted.pid),
            transport: indicator(counted.transport),
            crc: indicator(counted.crc),
            pcr_repetition: indicator(counted.pcr_repetition),
            pcr_discontinuity: indicator(counted.pcr_discontinuity),
            pts: indicator(counted.pts),
        }
    }
}

fn video_beside(it: &Beside, now: Instant) -> VideoStatus {
    let age = |at: Instant| millis(now.saturating_since(at));
    let config = it.track.config.as_deref().and_then(StreamConfig::video);
    let format = config.map(|config| &config.format);
    VideoStatus {
        pid: it.track.id,
        codec: it.track.codec.name(),
        profile: format.and_then(|format| format.profile.map(str::to_owned)),
        level: format.and_then(|format| format.level.clone()),
        width: format.map(|format| format.width),
        height: format.map(|format| format.height),
        fps: it.fps,
        interlaced: format.is_some_and(|format| format.interlaced),
        b_frames: it.reordered,
        gop_seconds: it.gop_seconds,
        last_unit_age_ms: it.last.map(age),
        last_keyframe_age_ms: it.last_key.map(age),
        bitrate_bps: it.bitrate_bps,
    }
}

fn audio_beside(it: &Beside, now: Instant) -> AudioStatus {
    let config = it.track.config.as_deref().and_then(StreamConfig::audio);
    let format = config.map(|config| &config.format);
    AudioStatus {
        pid: it.track.id,
        codec: format.map_or(it.track.codec.name(), |format| format.name),
        profile: format.and_then(|format| format.profile),
        channels: format.map(|format| format.channels),
        sample_rate: format.map(|format| format.sample_rate_hz),
        language: it.track.language.clone(),
        last_unit_age_ms: it.last.map(|at| millis(now.saturating_since(at))),
        bitrate_bps: it.bitrate_bps,
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
