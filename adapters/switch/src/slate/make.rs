//! From a file to a clip.

use super::wanted::WantedSound;
use crate::settings::{SlateSettings, SlateSound};
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tidegate_codecs::FrameRate;
use tidegate_engine::{RunError, media_file};
use tidegate_ffmpeg::FfmpegError;
use tidegate_ffmpeg::slate::program::{self, Heard, MadeSound, Material, ProgramPicture};
use tidegate_mpegts::Language;
use tidegate_switch::slate::{PictureFile, SlateClip, SoundFile};

/// The folder below the data folder where slates are kept.
const FOLDER: &str = "slates";

/// Makes slates of one file.
#[derive(Debug)]
pub(super) struct Make<'a> {
    pub(super) settings: &'a SlateSettings,
    pub(super) data_dir: &'a Path,
}

/// A slate that was made.
pub(super) struct Made {
    pub(super) clip: Arc<SlateClip>,
    /// What of the program it lacks, and why; a sentence.
    pub(super) lacks: Option<String>,
}

/// Why none was, and what to do; a sentence or two.
type Why = String;

impl Make<'_> {
    /// The clip in this format. Encodes if it is not there yet.
    pub(super) async fn clip(
        &self,
        picture: &ProgramPicture,
        sounds: &[WantedSound],
    ) -> Result<Made, Why> {
        let path = media_file::resolve(self.data_dir, self.settings.file());
        // The program that encodes is started in another folder.
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
        let (path, folder) = (absolute(&path), absolute(&self.data_dir.join(FOLDER)));
        let failed = |error: FfmpegError| failed(&path, &error);
        let opened = open(path.clone()).await?;
        let material = Material::read(opened, path.clone()).await.map_err(failed)?;
        let shown = program::picture(&material, picture, &folder).await;
        let mut files = Files::new(shown.map_err(failed)?, rate(picture)?);
        let own = match (self.settings.sound(), material.is_clip()) {
            (None, true) => Some(files.length().await?),
            _ => None,
        };
        let heard = match (self.settings.sound(), own) {
            (Some(SlateSound::Tone), _) => Heard::Tone,
            (None, Some(length)) => Heard::Own(&material, length),
            _ => Heard::Silence,
        };
        let mut lacks = Vec::new();
        for (number, sound) in sounds.iter().enumerate() {
            match &sound.format {
                Ok(format) => match program::sound(heard, *format, &folder).await {
                    Ok(made) => files.sounds.push((made, sound.language)),
                    Err(error @ (FfmpegError::Failed(_) | FfmpegError::Undecodable(_))) => {
                        lack(&mut lacks, number, &error);
                    }
                    Err(error) => return Err(failed(error)),
                },
                Err(why) => lack(&mut lacks, number, why),
            }
        }
        let clip = files.read().await?;
        Ok(Made {
            clip: Arc::new(clip),
            lacks: (!lacks.is_empty()).then(|| format!("It lacks {}.", lacks.join("; "))),
        })
    }
}

fn lack(lacks: &mut Vec<String>, number: usize, why: &dyn core::fmt::Display) {
    lacks.push(format!("sound {}: {why}", number + 1));
}

fn rate(picture: &ProgramPicture) -> Result<FrameRate, Why> {
    let numbers = u32::try_from(picture.rate).ok();
    let numbers = numbers.zip(u32::try_from(picture.per_seconds).ok());
    let rate = numbers.and_then(|(rate, per)| FrameRate::new(rate, per));
    rate.ok_or_else(|| "No slate: the program has no frame rate.".into())
}

async fn open(path: PathBuf) -> Result<fs::File, Why> {
    let opened = tokio::task::spawn_blocking(move || media_file::open(&path)).await;
    match opened {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(RunError {
            message, advice, ..
        })) => Err(format!("No slate: {message}. {advice}")),
        Err(error) => Err(format!("No slate: {error}.")),
    }
}

fn failed(path: &Path, error: &FfmpegError) -> Why {
    let path = path.display();
    format!("No slate of {path}: {error}. {}", error.advice())
}

/// The files that ffmpeg made.
#[derive(Clone)]
struct Files {
    picture: PathBuf,
    rate: FrameRate,
    sounds: Vec<(MadeSound, Option<Language>)>,
}

impl Files {
    const fn new(picture: PathBuf, rate: FrameRate) -> Self {
        Self {
            picture,
            rate,
            sounds: Vec::new(),
        }
    }

    /// How long the picture lasts.
    async fn length(&self) -> Result<Duration, Why> {
        let picture = Self::new(self.picture.clone(), self.rate);
        Ok(picture.read().await?.length())
    }

    async fn read(self) -> Result<SlateClip, Why> {
        let read = tokio::task::spawn_blocking(move || self.read_now()).await;
        read.unwrap_or_else(|error| Err(format!("No slate: {error}.")))
    }

    fn read_now(&self) -> Result<SlateClip, Why> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| {
                let folder = path.parent().unwrap_or(path).display();
                format!(
                    "No slate: what was encoded cannot be read ({error}). Check the disk of {folder}."
                )
            })
        };
        let picture = read(&self.picture)?;
        let sounds: Vec<Vec<u8>> = (self.sounds.iter())
            .map(|(made, _)| read(&made.path))
            .collect::<Result<_, _>>()?;
        let files: Vec<SoundFile<'_>> = (self.sounds.iter().zip(&sounds))
            .map(|((made, language), ts)| SoundFile {
                ts,
                begin: made.begin,
                round: made.round,
                language: *language,
            })
            .collect();
        let picture = PictureFile {
            ts: &picture,
            rate: self.rate,
        };
        SlateClip::new(&picture, &files).map_err(|error| {
            // What was kept would be no better the next time.
            let sounds = self.sounds.iter().map(|(made, _)| &made.path);
            sounds
                .chain([&self.picture])
                .for_each(|path| program::forget(path));
            format!("No slate: {error}. Try another version of ffmpeg.")
        })
    }
}
