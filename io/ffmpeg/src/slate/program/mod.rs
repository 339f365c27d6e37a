//! The slate of a program: one that its viewers get in place of its inputs, and that looks to
//! their decoders as if it were one of them.
//!
//! ```text
//!  what was seen of the program ─► ProgramPicture, ProgramSound … ─┐  or: Impossible, and why
//!  picture or clip ────────────────► Material ─────────────────────┴─► ffmpeg ─► transport streams,
//!                                                                     kept by content and format
//! ```
//!
//! Picture and each sound are encoded for themselves, so that another sound does not mean
//! another picture, into transport streams of one track. What plays them puts them together.
//!
//! All groups of pictures are closed and half a second long, there are no B-frames, and every
//! key frame carries its parameter sets: any of them may follow upon any picture, the last
//! one's successor is the first. A still picture is a second of two groups.

mod encode;
mod material;
mod picture;
mod sound;

pub use material::{CLIP_MAX, Material};
pub use picture::{Chroma, PictureProfile, ProgramPicture, SeenVideo};
pub use sound::{ProgramSound, SeenAudio};

use super::kept::{self, Found};
use crate::FfmpegError;
use core::fmt;
use core::time::Duration;
use std::path::{Path, PathBuf};

/// What the files are called.
const EXTENSION: &str = "ts";

/// Why a program of some format can have no slate, or not that sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Impossible {
    /// The format is not known yet.
    NotSeen,
    /// There is no encoder for it: what it is, and why.
    Format {
        /// As people call it.
        what: String,
        /// Ends the sentence "It cannot be encoded: …".
        why: &'static str,
    },
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSeen => f.write_str("the format is not known yet"),
            Self::Format { what, why } => write!(f, "{what} cannot be encoded: {why}"),
        }
    }
}

fn impossible(what: impl fmt::Display, why: &'static str) -> Impossible {
    let what = what.to_string();
    Impossible::Format { what, why }
}

/// What is to be heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Heard<'a> {
    /// Nothing.
    Silence,
    /// A tone of 1 kHz at -20 dBFS.
    Tone,
    /// The clip's own sound, for as long as its picture lasts.
    Own(&'a Material, Duration),
}

/// A sound that was encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeSound {
    /// The transport stream.
    pub path: PathBuf,
    /// By its times, where the sound begins; what is in front lets codecs warm up.
    pub begin: Duration,
    /// So many frames can be repeated without a seam; `None`: it goes with the picture.
    pub round: Option<u64>,
}

/// The picture of a slate in this format: a transport stream in `folder`, where it is looked for
/// first. Reads and writes files: not for media threads.
///
/// # Errors
/// If ffmpeg cannot encode it, or the disk not keep it.
pub async fn picture(
    material: &Material,
    format: &ProgramPicture,
    folder: &Path,
) -> Result<PathBuf, FfmpegError> {
    let name = kept::name(&format!("picture {format}"), material.hash());
    let making = match kept::begin(folder, &name, EXTENSION).await? {
        Found::Kept(done) => return Ok(done),
        Found::Make(making) => making,
    };
    encode::run(&encode::picture(material, format, making.path())?).await?;
    encode::check(making.path()).await?;
    material.is_unchanged()?;
    let done = making.finish().await?;
    kept::tidy(folder, EXTENSION);
    Ok(done)
}

/// Forgets what was kept, since no slate can be made of it: the next time it is encoded anew.
pub fn forget(path: &Path) {
    // What cannot be removed fails the next time as it did now.
    drop(std::fs::remove_file(path));
}

/// One of its sounds, likewise. A clip without sound is silent.
///
/// # Errors
/// As [`picture`].
pub async fn sound(
    heard: Heard<'_>,
    format: ProgramSound,
    folder: &Path,
) -> Result<MadeSound, FfmpegError> {
    match sound_of(heard, format, folder).await {
        Err(FfmpegError::Failed(words)) if words.contains(encode::NO_SUCH_TRACK) => {
            sound_of(Heard::Silence, format, folder).await
        }
        made => made,
    }
}

async fn sound_of(
    heard: Heard<'_>,
    format: ProgramSound,
    folder: &Path,
) -> Result<MadeSound, FfmpegError> {
    let (content, words) = match heard {
        Heard::Silence => (&[][..], "silence".to_owned()),
        Heard::Tone => (&[][..], "tone".to_owned()),
        Heard::Own(clip, length) => (clip.hash(), format!("own {}", length.as_micros())),
    };
    let name = kept::name(&format!("sound {format} {words}"), content);
    let path = match kept::begin(folder, &name, EXTENSION).await? {
        Found::Kept(done) => done,
        Found::Make(making) => {
            encode::run(&encode::sound(heard, format, making.path())).await?;
            encode::check(making.path()).await?;
            if let Heard::Own(clip, _) = heard {
                clip.is_unchanged()?;
            }
            let done = making.finish().await?;
            kept::tidy(folder, EXTENSION);
            done
        }
    };
    Ok(MadeSound {
        path,
        begin: encode::sound_begin(format),
        round: (!matches!(heard, Heard::Own(..))).then_some(encode::ROUND_FRAMES),
    })
}
