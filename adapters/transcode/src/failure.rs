//! What can go wrong with ffmpeg, as an error of a run.

use tidegate_engine::RunError;
use tidegate_ffmpeg::FfmpegError;

pub(crate) fn of_ffmpeg(error: &FfmpegError) -> RunError {
    RunError::ours(error.to_string(), error.advice())
}
