//! What can be wrong with a file, in an operator's words.

use std::path::Path;
use tidegate_engine::RunError;
pub(crate) use tidegate_engine::media_file::unreadable;
use tidegate_ffmpeg::FfmpegError;
use tidegate_mp4::Mp4Error;

pub(crate) fn no_media(path: &Path) -> RunError {
    RunError::ours(
        format!(
            "{} is neither MPEG-TS nor MP4 nor a picture",
            path.display()
        ),
        "Convert it, for example with \"ffmpeg -i FILE -c copy FILE.ts\".",
    )
}

pub(crate) fn no_clock(path: &Path) -> RunError {
    RunError::ours(
        format!(
            "{} has no clock (PCR), so nobody knows how fast to play it",
            path.display()
        ),
        "Multiplex it again, for example with \"ffmpeg -i FILE -c copy NEW.ts\".",
    )
}

pub(crate) fn too_short(path: &Path) -> RunError {
    RunError::ours(
        format!("{} is shorter than a tenth of a second", path.display()),
        "Use a longer file.",
    )
}

pub(crate) fn mp4(path: &Path, error: &Mp4Error) -> RunError {
    let advice = match error {
        Mp4Error::NoMovie | Mp4Error::Truncated => {
            "Copy it again when it is complete; a broken recording may be repaired with a tool."
        }
        Mp4Error::NothingToPlay(_) => {
            "Convert it to H.264 or H.265 and AAC, for example with \"ffmpeg -i FILE NEW.mp4\"."
        }
        _ => "Try whether a player opens it, and make it anew.",
    };
    RunError::ours(format!("{}: {error}", path.display()), advice)
}

pub(crate) fn slate(path: &Path, error: &FfmpegError) -> RunError {
    RunError::ours(
        format!("no slate can be made of {}: {error}", path.display()),
        error.advice(),
    )
}
