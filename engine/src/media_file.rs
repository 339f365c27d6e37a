//! Media files: from the path in the settings to an open file.

use crate::{RunError, SettingsError};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

/// The folder below the data folder where files are looked for.
const FOLDER: &str = "media";

/// The longest path that Linux takes.
const PATH_BYTES_MAX: usize = 4095;

/// Whether the path in this setting can be one.
///
/// # Errors
/// If it cannot.
pub fn check(field: &'static str, path: &str) -> Result<(), SettingsError> {
    let wrong = |why: &str| {
        let error = SettingsError::new(field, format!("{path:?} {why}"));
        Err(error.advise("Write the name of a file in the media folder, or an absolute path."))
    };
    if path.is_empty() || path.ends_with('/') {
        return wrong("names no file");
    }
    if path.contains('\0') || path.len() > PATH_BYTES_MAX {
        return wrong("cannot be the path of a file");
    }
    if Path::new(path)
        .components()
        .any(|part| part == Component::ParentDir)
    {
        return wrong("leads out of its folder");
    }
    Ok(())
}

/// Where the file is.
#[must_use]
pub fn resolve(data_dir: &Path, path: &str) -> PathBuf {
    // An absolute path replaces what is in front of it.
    data_dir.join(FOLDER).join(path)
}

/// Opens it, if it is a regular file.
///
/// # Errors
/// If it is none, or cannot be read.
pub fn open(path: &Path) -> Result<File, RunError> {
    // Opening alone may set a device off, so it is looked at before …
    let is_file = std::fs::metadata(path).map(|metadata| metadata.is_file());
    if !is_file.map_err(|error| unreadable(path, &error))? {
        return Err(not_a_file(path));
    }
    // … and after, should it have changed meanwhile: a pipe would keep the thread until somebody
    // writes into it.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    let file = opened.map_err(|error| unreadable(path, &error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(not_a_file(path));
    }
    Ok(file)
}

/// Why a file was not read, and what to do.
#[must_use]
pub fn unreadable(path: &Path, error: &io::Error) -> RunError {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => RunError::ours(
            format!("the file {path} does not exist"),
            "Put it there, or correct the path.",
        ),
        io::ErrorKind::PermissionDenied => RunError::ours(
            format!("the file {path} may not be read"),
            "Let the user that Tidegate runs as read it.",
        ),
        _ => RunError::ours(
            format!("the file {path} cannot be read ({error})"),
            "Check the disk it is on.",
        ),
    }
}

fn not_a_file(path: &Path) -> RunError {
    RunError::ours(
        format!("{} is not a file", path.display()),
        "Name a media file.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_in_the_media_folder_and_cannot_lead_out_of_it() {
        let data = Path::new("/var/lib/tidegate");
        assert_eq!(resolve(data, "a/b.ts"), data.join("media/a/b.ts"));
        assert_eq!(resolve(data, "/srv/b.ts"), Path::new("/srv/b.ts"));
        for path in [
            "",
            "a/",
            "../tidegate.db",
            "a/../../b",
            "/srv/../etc/b",
            "a\0b",
        ] {
            assert_eq!(check("path", path).unwrap_err().field, "path", "{path:?}");
        }
        for path in ["a.ts", "a..b.ts", "./a.ts", "/srv/a.mp4"] {
            check("path", path).unwrap();
        }
    }

    #[test]
    fn folders_and_devices_are_no_files_and_no_device_is_opened() {
        // The last one can be opened only by whoever has a terminal.
        for path in ["/tmp", "/dev/zero", "/dev/tty"] {
            let error = open(Path::new(path)).unwrap_err();
            assert!(error.message.contains("is not a file"), "{error}");
        }
    }
}
