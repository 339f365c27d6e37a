//! Slates: a still picture with silence, encoded once and kept; [`program`]: in the format of a
//! program that viewers are watching.
//!
//! ```text
//!  picture + format ─► name by their content ─┬─ is there ─────────────────────► MP4 file
//!                                             └─ is not ─► ffmpeg ─► checked ──► MP4 file
//! ```
//!
//! The file lasts a second or a few, and can be repeated without a seam: what plays it needs
//! no encoder.

mod format;
mod kept;
pub mod program;
mod seal;

pub use format::{AudioCodec, SlateAudio, SlateFormat, SlateVideo, VideoCodec};

use crate::{Arguments, Bounds, Ffmpeg, FfmpegError, Job};
use core::time::Duration;
use kept::{Found, Made};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of a picture.
const PICTURE_BYTES_MAX: u64 = 64 << 20;
/// How long encoding may take, and how much CPU time. Some seconds of a still picture take
/// far less.
const ENCODING_WAIT: Duration = Duration::from_secs(120);
/// What an encoder of 4096x4096 with two threads takes, and some.
const MEMORY_BYTES: u64 = 3 << 30;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xFF\xD8\xFF";

/// Whether a file that begins so is a picture that a slate can be made of.
#[must_use]
pub fn is_picture(first_bytes: &[u8]) -> bool {
    extension(first_bytes).is_some()
}

/// The slate that shows `picture` in this format: an MP4 file in `folder`, where it is looked
/// for first. Reads and writes files: not for media threads.
///
/// # Errors
/// If the picture cannot be read, or ffmpeg cannot encode it.
pub async fn slate(
    picture: &Path,
    format: &SlateFormat,
    folder: &Path,
) -> Result<PathBuf, FfmpegError> {
    let mut bytes = Vec::new();
    fs::File::open(picture)
        .and_then(|file| file.take(PICTURE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(FfmpegError::Read)?;
    let extension = extension(&bytes).filter(|_| bytes.len() as u64 <= PICTURE_BYTES_MAX);
    let extension = extension.ok_or(FfmpegError::NoPicture)?;
    let name = kept::name(&format.to_string(), &bytes);
    let making = match kept::begin(folder, &name, "mp4").await? {
        Found::Kept(done) => return Ok(done),
        Found::Make(making) => making,
    };
    // A copy under a name of ours: ffmpeg would take some characters of theirs for patterns.
    let input = Made(kept::beside(folder, &name, extension));
    fs::write(&input.0, &bytes).map_err(FfmpegError::Keep)?;
    let job = job(&input.0, format, making.path());
    let ffmpeg = Ffmpeg::find()?;
    ffmpeg.run(&job, ENCODING_WAIT).await?;
    let check = decoding(making.path(), "mov", job.bounds);
    let checked = ffmpeg.run(&check, ENCODING_WAIT).await;
    checked.map_err(undecodable)?;
    making.finish().await
}

/// Decodes all that is in a file, and fails where a player might.
fn decoding(encoded: &Path, demuxer: &'static str, bounds: Bounds) -> Job {
    let mut arguments = Arguments::new();
    arguments
        .flag("-xerror")
        .option("-f", demuxer)
        .read_file(encoded)
        .number("-threads", 2)
        .option("-f", "null")
        .write_pipe();
    Job { arguments, bounds }
}

fn undecodable(error: FfmpegError) -> FfmpegError {
    match error {
        FfmpegError::Failed(words) => FfmpegError::Undecodable(words),
        error => error,
    }
}

fn extension(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(PNG) {
        Some("png")
    } else {
        bytes.starts_with(JPEG).then_some("jpg")
    }
}

fn job(picture: &Path, format: &SlateFormat, output: &Path) -> Job {
    let SlateVideo {
        codec,
        width,
        height,
        rate,
        per_seconds,
    } = format.video;
    let pictures = format.pictures();
    let mut arguments = Arguments::new();
    // A picture that cannot be decoded would otherwise be tried again and again.
    arguments.flag("-xerror");
    arguments
        .option("-f", "image2")
        .option("-pattern_type", "none")
        .number("-loop", 1);
    arguments
        .numbers("-framerate", rate, "/", per_seconds)
        .read_file(picture);
    if let Some(audio) = format.audio {
        let silence = if audio.channels == 1 {
            "anullsrc=cl=mono:r={}"
        } else {
            "anullsrc=cl=stereo:r={}"
        };
        arguments
            .option("-f", "lavfi")
            .pattern("-i", silence, &[audio.sample_rate_hz]);
        arguments.pattern("-af", "atrim=end_sample={}", &[format.samples(pictures)]);
    }
    // Filters end both: a limit of pictures would end the sound as well, wherever that is.
    let fit = "trim=end_frame={},scale={}:{}:force_original_aspect_ratio=decrease,\
               pad={}:{}:-1:-1,setsar=1,format=yuv420p";
    arguments.pattern("-vf", fit, &[pictures, width, height, width, height]);
    match codec {
        VideoCodec::H264 => {
            arguments
                .option("-c:v", "libx264")
                .option("-tune", "stillimage");
        }
        VideoCodec::Hevc => {
            arguments.option("-c:v", "libx265").option("-tag:v", "hvc1");
            arguments.option("-x265-params", "log-level=error");
        }
        VideoCodec::Mpeg2 => {
            arguments.option("-c:v", "mpeg2video").number("-q:v", 3);
        }
    }
    if codec != VideoCodec::Mpeg2 {
        arguments.option("-preset", "veryfast").number("-crf", 20);
    }
    arguments.number("-bf", 0);
    // A key frame every second, for who comes in the middle.
    arguments.number("-g", rate.div_ceil(per_seconds));
    if let Some(audio) = format.audio {
        arguments
            .option("-c:a", audio.codec.encoder())
            .number("-ac", audio.channels)
            .option("-b:a", "128k");
    }
    arguments
        .number("-threads", 2)
        .option("-f", "mp4")
        .write_file(output);
    let bounds = Bounds {
        memory_bytes: MEMORY_BYTES,
        cpu: Some(ENCODING_WAIT),
        nice: 10,
    };
    Job { arguments, bounds }
}
