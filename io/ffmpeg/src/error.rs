use crate::limits::UNANSWERED_TICKS;
use std::io;
use std::path::PathBuf;

/// Why ffmpeg did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum FfmpegError {
    /// It is not there.
    #[error("ffmpeg is not installed")]
    Missing,
    /// It is not where the environment says.
    #[error("there is no ffmpeg at {0:?}, which TIDEGATE_FFMPEG names")]
    NotThere(PathBuf),
    /// It cannot be started.
    #[error("ffmpeg cannot be started ({0})")]
    Start(#[from] io::Error),
    /// It ended with an error; its last words.
    #[error("ffmpeg failed: {0}")]
    Failed(String),
    /// What it encoded cannot be decoded; the last words of who tried.
    #[error("what ffmpeg encoded cannot be decoded ({0})")]
    Undecodable(String),
    /// It takes sound and gives none back.
    #[error("ffmpeg has taken {0} s of sound and given none back", UNANSWERED_TICKS / 90_000)]
    Stuck,
    /// What it gives back has times that nothing had which it was given.
    #[error("ffmpeg gives sound back with times that make no sense")]
    Confused,
    /// A picture was to be encoded, and is none.
    #[error("that is neither PNG nor JPEG, or larger than 64 MB")]
    NoPicture,
    /// A slate was to be made of it, and it is nothing that can be shown.
    #[error(
        "that is neither a picture (PNG, JPEG; up to 64 MB) nor a clip (MP4, MPEG-TS, Matroska; up \
         to 1 GB)"
    )]
    NoMaterial,
    /// A slate was to be made of a clip that has sound only.
    #[error("there is no picture in it")]
    NoPictureInClip,
    /// The file was written to meanwhile.
    #[error("the file changed while it was encoded")]
    Changed,
    /// The file cannot be read.
    #[error("it cannot be read ({0})")]
    Read(io::Error),
    /// What was made has no place on the disk.
    #[error("what was encoded cannot be kept ({0})")]
    Keep(io::Error),
    /// It took longer than it may.
    #[error("ffmpeg took longer than {0} s")]
    TooLong(u64),
}

impl FfmpegError {
    /// What to do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Missing => {
                "Install ffmpeg (\"apt install ffmpeg\"), or name it with TIDEGATE_FFMPEG."
            }
            Self::NotThere(_) => "Correct TIDEGATE_FFMPEG, or leave it out to look in PATH.",
            Self::Start(_) => "Check this machine's limits of processes and memory.",
            Self::Failed(_) => "Check that this ffmpeg knows the codecs that are asked for.",
            Self::Stuck => {
                "Give this machine more CPU. If it has enough, try another version of ffmpeg."
            }
            Self::Confused | Self::Undecodable(_) => "Try another version of ffmpeg.",
            Self::NoPicture => "Use a picture in one of these formats.",
            Self::NoMaterial => "Use a picture or a clip in one of these formats.",
            Self::NoPictureInClip => "Use a clip that has a picture.",
            Self::Changed => "Put the new file in its place at once (\"mv\").",
            Self::Read(_) => "Check the disk it is on, and whether Tidegate's user may read it.",
            Self::Keep(_) => {
                "Free space in the data folder, and check that Tidegate's user may write to it."
            }
            Self::TooLong(_) => "Give this machine more CPU, or ask for a smaller picture.",
        }
    }
}
