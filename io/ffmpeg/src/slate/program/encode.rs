//! The command lines.

use super::super::VideoCodec;
use super::super::kept::{Made, beside};
use super::super::{decoding, undecodable};
use super::Heard;
use super::material::{CLIP_MAX, Kind, Material};
use super::picture::{Chroma, PictureProfile, ProgramPicture};
use super::sound::ProgramSound;
use crate::{Arguments, Bounds, Ffmpeg, FfmpegError, Job};
use core::time::Duration;
use std::fs;
use std::path::Path;
use tokio::sync::Semaphore;

/// Slates that are encoded at once: nothing waits for them that could not wait longer.
static ENCODERS: Semaphore = Semaphore::const_new(1);
/// How long encoding may take, and how much CPU time for each second of it.
const ENCODING_WAIT: Duration = Duration::from_secs(300);
const ENCODING_CPU: Duration = Duration::from_secs(600);
/// What an encoder of 4096x4096 with two threads takes, and some.
const MEMORY_BYTES: u64 = 3 << 30;
/// Groups of a still picture: an even number, because H.264 numbers its key frames by turns.
const STILL_GROUPS: u64 = 2;
/// Where the times of what is encoded begin: encoders start sound a little before.
const BEGIN: Duration = Duration::from_secs(10);
/// Frames of sound in front of what counts, and behind it.
const LEAD_FRAMES: u64 = 8;
/// Frames that silence and tones repeat.
pub(super) const ROUND_FRAMES: u64 = 48;
const TONE_HZ: u64 = 1000;
/// A clip's sound fades in and out within a hundredth of a second, or it would click.
const FADES_PER_SECOND: u64 = 100;
/// Lines from which pictures have the colours of HD.
const HD_HEIGHT: u64 = 720;
/// What ffmpeg says of a clip that lacks what is wanted of it.
pub(super) const NO_SUCH_TRACK: &str = "matches no streams";
const NO_PICTURE: &str = "'0:v:0' matches no streams";
const DISK_FULL: &str = "No space left on device";

/// Encodes, one at a time.
pub(super) async fn run(work: &Work) -> Result<(), FfmpegError> {
    let ffmpeg = Ffmpeg::find()?;
    // It is never closed.
    let _turn = ENCODERS.acquire().await;
    let ran = ffmpeg.run(&work.job, ENCODING_WAIT).await;
    ran.map_err(meant)
}

/// Decodes what was encoded, and is not content with anything that is wrong in it.
pub(super) async fn check(encoded: &Path) -> Result<(), FfmpegError> {
    let ffmpeg = Ffmpeg::find()?;
    let _turn = ENCODERS.acquire().await;
    ffmpeg
        .run(&decoding(encoded, "mpegts", bounds()), ENCODING_WAIT)
        .await
        .map_err(undecodable)
}

/// What its last words mean.
fn meant(error: FfmpegError) -> FfmpegError {
    match error {
        FfmpegError::Failed(words) if words.contains(DISK_FULL) => {
            FfmpegError::Keep(std::io::ErrorKind::StorageFull.into())
        }
        FfmpegError::Failed(words) if words.contains(NO_PICTURE) => FfmpegError::NoPictureInClip,
        error => error,
    }
}

/// A job, and the file it reads if that is ours.
#[derive(Debug)]
pub(super) struct Work {
    job: Job,
    _input: Option<Made>,
}

impl Work {
    fn new(arguments: Arguments, input: Option<Made>) -> Self {
        Self {
            job: Job {
                arguments,
                bounds: bounds(),
            },
            _input: input,
        }
    }
}

const fn bounds() -> Bounds {
    Bounds {
        memory_bytes: MEMORY_BYTES,
        cpu: Some(ENCODING_CPU),
        nice: 10,
    }
}

/// Encodes the picture.
pub(super) fn picture(
    material: &Material,
    format: &ProgramPicture,
    output: &Path,
) -> Result<Work, FfmpegError> {
    let ProgramPicture {
        width,
        height,
        rate,
        per_seconds,
        ..
    } = *format;
    let group = format.group_pictures();
    let mut arguments = Arguments::new();
    let mut copy = None;
    let pictures = match material.kind() {
        Kind::Picture(bytes, extension) => {
            // A name of ours: ffmpeg would take some characters of theirs for patterns.
            let folder = output.parent().unwrap_or(output);
            let input = Made(beside(folder, "still", extension));
            fs::write(&input.0, bytes).map_err(FfmpegError::Keep)?;
            // A picture that cannot be decoded would otherwise be tried again and again.
            arguments.flag("-xerror");
            arguments
                .option("-f", "image2")
                .option("-pattern_type", "none")
                .number("-loop", 1);
            arguments
                .numbers("-framerate", rate, "/", per_seconds)
                .read_file(&input.0);
            copy = Some(input);
            STILL_GROUPS * group
        }
        Kind::Clip(demuxer) => {
            arguments.option("-f", demuxer).read_file(material.path());
            CLIP_MAX.as_secs() * rate / per_seconds
        }
    };
    arguments.option("-map", "0:v:0");
    arguments.chain(
        "-vf",
        &[
            ("fps={}/{}:start_time=0", &[rate, per_seconds]),
            ("trim=end_frame={}", &[pictures.max(1)]),
            (fit(*format), &[width, height, width, height]),
            (pixels(*format), &[]),
            (fields(*format), &[]),
        ],
    );
    encoder(&mut arguments, format, material.is_clip());
    write(&mut arguments, output);
    Ok(Work::new(arguments, copy))
}

/// Fitted in, with black beside it, in the colours of its size.
const fn fit(format: ProgramPicture) -> &'static str {
    if format.height >= HD_HEIGHT {
        "scale={}:{}:force_original_aspect_ratio=decrease:force_divisible_by=2:\
         out_color_matrix=bt709:out_range=tv,pad={}:{}:-1:-1,setsar=1"
    } else {
        "scale={}:{}:force_original_aspect_ratio=decrease:force_divisible_by=2:\
         out_color_matrix=bt601:out_range=tv,pad={}:{}:-1:-1,setsar=1"
    }
}

const fn pixels(format: ProgramPicture) -> &'static str {
    match format.chroma {
        Chroma::C420 => "format=yuv420p",
        Chroma::C420Ten => "format=yuv420p10le",
        Chroma::C422 => "format=yuv422p",
        Chroma::C422Ten => "format=yuv422p10le",
    }
}

const fn fields(format: ProgramPicture) -> &'static str {
    if format.interlaced {
        "setfield=tff"
    } else {
        "setfield=prog"
    }
}

fn encoder(arguments: &mut Arguments, format: &ProgramPicture, moves: bool) {
    let group = format.group_pictures();
    if format.height >= HD_HEIGHT {
        arguments
            .option("-colorspace", "bt709")
            .option("-color_primaries", "bt709")
            .option("-color_trc", "bt709");
    }
    // Fields in MPEG-2 want to be asked for at the same time as closed groups.
    arguments.option(
        "-flags",
        if format.interlaced {
            "+cgop+ildct+ilme"
        } else {
            "+cgop"
        },
    );
    match format.codec {
        VideoCodec::H264 => {
            arguments.option("-c:v", "libx264");
            if !moves {
                arguments.option("-tune", "stillimage");
            }
        }
        VideoCodec::Hevc => {
            arguments.option("-c:v", "libx265");
            hevc_parameters(arguments, format);
        }
        VideoCodec::Mpeg2 => {
            arguments
                .option("-c:v", "mpeg2video")
                .number("-b:v", format.kbits * 1000);
        }
    }
    if format.codec != VideoCodec::Mpeg2 {
        arguments.option("-preset", "veryfast").number("-crf", 20);
    }
    if let Some(PictureProfile(profile)) = format.profile {
        arguments.option("-profile:v", profile);
    }
    match (format.codec, format.level) {
        (VideoCodec::H264, Some((major, minor))) => {
            arguments.numbers("-level:v", major, ".", minor);
        }
        (VideoCodec::Mpeg2, Some((number, _))) => {
            arguments.number("-level:v", number);
        }
        _ => {}
    }
    // Key frames come with the groups, also where a clip changes its scene.
    arguments
        .number("-maxrate", format.kbits * 1000)
        .number("-bufsize", format.kbits * 1000 / 2)
        .number("-bf", 0)
        .number("-g", group)
        .number("-keyint_min", group)
        .number("-sc_threshold", 1_000_000_000)
        .number("-threads", 2);
}

fn hevc_parameters(arguments: &mut Arguments, format: &ProgramPicture) {
    let group = format.group_pictures();
    const GROUPS: &str = "log-level=error:keyint={}:min-keyint={}:scenecut=0:open-gop=0:bframes=0";
    match format.level {
        None => arguments.pattern("-x265-params", GROUPS, &[group, group]),
        Some((major, minor)) => arguments.pattern(
            "-x265-params",
            "log-level=error:keyint={}:min-keyint={}:scenecut=0:open-gop=0:bframes=0:\
             level-idc={}.{}:high-tier=0",
            &[group, group, major, minor],
        ),
    };
}

/// Where by its times a sound begins.
pub(super) fn sound_begin(format: ProgramSound) -> Duration {
    let samples = LEAD_FRAMES * format.frame_samples();
    BEGIN + Duration::from_nanos(samples * 1_000_000_000 / format.sample_rate_hz)
}

/// Encodes a sound.
pub(super) fn sound(heard: Heard<'_>, format: ProgramSound, output: &Path) -> Work {
    let mut arguments = Arguments::new();
    let (frame, rate) = (format.frame_samples(), format.sample_rate_hz);
    let beside = LEAD_FRAMES * frame;
    let round = ROUND_FRAMES * frame;
    match heard {
        Heard::Silence => {
            arguments
                .option("-f", "lavfi")
                .pattern("-i", silence(format), &[rate]);
            let all = round + 2 * beside;
            arguments.pattern("-af", "atrim=end_sample={}", &[all]);
        }
        Heard::Tone => {
            // As many whole waves as are nearest to the pitch: it ends where it began.
            let waves = (TONE_HZ * round + rate / 2) / rate;
            arguments.option("-f", "lavfi").pattern(
                "-i",
                "aevalsrc=exprs=0.1*sin(2*PI*{}*n/{}):c=mono:s={}",
                &[waves, round, rate],
            );
            let all = round + 2 * beside;
            arguments.chain(
                "-af",
                &[
                    (tone_channels(format), &[]),
                    ("atrim=end_sample={}", &[all]),
                ],
            );
        }
        Heard::Own(clip, length) => {
            own(&mut arguments, clip, format, length, beside);
        }
    }
    arguments
        .option("-c:a", format.codec.encoder())
        .number("-b:a", format.kbits() * 1000)
        .number("-ar", rate)
        .number("-ac", format.channels)
        .number("-threads", 1);
    if format.codec == super::super::AudioCodec::Mp3 {
        // No frame lives on what earlier ones left over: behind the last comes the first.
        arguments.number("-reservoir", 0);
    }
    write(&mut arguments, output);
    Work::new(arguments, None)
}

fn own(
    arguments: &mut Arguments,
    clip: &Material,
    format: ProgramSound,
    length: Duration,
    beside: u64,
) {
    if let Kind::Clip(demuxer) = clip.kind() {
        arguments.option("-f", demuxer);
    }
    arguments.read_file(clip.path()).option("-map", "0:a:0");
    let rate = format.sample_rate_hz;
    let samples = u64::try_from(length.as_nanos() * u128::from(rate) / 1_000_000_000);
    let samples = samples.unwrap_or(0).max(1);
    let fade = (rate / FADES_PER_SECOND).min(samples);
    let all = samples + 2 * beside;
    arguments.chain(
        "-af",
        &[
            ("aresample={}:async=1:first_pts=0", &[rate]),
            (layout(format), &[]),
            ("atrim=end_sample={}", &[samples]),
            ("apad=whole_len={}", &[samples]),
            ("afade=t=in:ss=0:ns={}", &[fade]),
            ("afade=t=out:ss={}:ns={}", &[samples - fade, fade]),
            ("adelay=delays={}S:all=1", &[beside]),
            ("apad=whole_len={}", &[all]),
            ("atrim=end_sample={}", &[all]),
        ],
    );
}

const fn silence(format: ProgramSound) -> &'static str {
    match format.channels {
        1 => "anullsrc=cl=mono:r={}",
        2 => "anullsrc=cl=stereo:r={}",
        _ => "anullsrc=cl=5.1:r={}",
    }
}

const fn tone_channels(format: ProgramSound) -> &'static str {
    match format.channels {
        1 => "anull",
        2 => "pan=stereo|c0=c0|c1=c0",
        _ => "pan=5.1|c0=c0|c1=c0|c2=c0",
    }
}

const fn layout(format: ProgramSound) -> &'static str {
    match format.channels {
        1 => "aformat=channel_layouts=mono",
        2 => "aformat=channel_layouts=stereo",
        _ => "aformat=channel_layouts=5.1",
    }
}

/// A transport stream with the times that things have.
fn write(arguments: &mut Arguments, output: &Path) {
    arguments
        .option("-avoid_negative_ts", "disabled")
        .number("-output_ts_offset", BEGIN.as_secs())
        .number("-muxdelay", 0)
        .number("-muxpreload", 0)
        .number("-pes_payload_size", 0)
        .option("-f", "mpegts")
        .write_file(output);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_decoded_is_no_slate() {
        if !tidegate_testkit::peers::have(&["ffmpeg"]) {
            return;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [0x47; 188 * 20]).unwrap();
        let refused = check(file.path()).await.unwrap_err();
        assert!(
            matches!(refused, FfmpegError::Undecodable(_)),
            "{refused:?}"
        );
        assert!(refused.advice().contains("another version"));
    }

    #[test]
    fn a_full_disk_is_the_disks_fault_and_not_ffmpegs() {
        // As 5.1 says it.
        let words = "Error writing trailer of file:/data/slates/a.part: No space left on device";
        let error = meant(FfmpegError::Failed(words.into()));
        assert!(matches!(error, FfmpegError::Keep(_)), "{error}");
        let other = meant(FfmpegError::Failed("Unknown encoder 'libx265'".into()));
        assert!(matches!(other, FfmpegError::Failed(_)), "{other}");
    }
}
