//! Still pictures: what is played instead of them.

use crate::failure;
use crate::kind::{self, Kind};
use crate::settings::SourceSettings;
use std::path::{Path, PathBuf};
use tidegate_engine::{RunError, media_file};
use tidegate_ffmpeg::slate::slate;

/// The folder below the data folder where slates are kept.
const FOLDER: &str = "slates";

/// The slate that is made of the file, if that is a picture.
pub(crate) async fn slate_of(
    path: &Path,
    settings: &SourceSettings,
    data_dir: &Path,
) -> Result<Option<PathBuf>, RunError> {
    let kind = kind::of(&media_file::open(path)?);
    if kind.map_err(|error| failure::unreadable(path, &error))? != Some(Kind::Picture) {
        return Ok(None);
    }
    let format = settings
        .slate()
        .map_err(|error| RunError::configuration(error.to_string(), "Correct it."))?;
    // The program that encodes is started in another folder.
    let folder = std::path::absolute(data_dir.join(FOLDER));
    let folder = folder.map_err(|error| failure::unreadable(data_dir, &error))?;
    let made = slate(path, &format, &folder).await;
    made.map(Some).map_err(|error| failure::slate(path, &error))
}
