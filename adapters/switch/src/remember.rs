//! What outlasts a restart: locks and holds, how far the schedule was followed, and what was in
//! the program. A small file for each switch that has any of it, in the folder `switches` of the
//! data folder.

use crate::limits::REMEMBERED_BYTES;
use crate::slate::Seen;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder below the data folder.
const FOLDER: &str = "switches";

/// What an operator had set, and what a program did of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    #[serde(default)]
    pub(crate) locked: bool,
    #[serde(default)]
    pub(crate) held: bool,
    /// What was on air: that is what is locked.
    #[serde(default)]
    pub(crate) on_air: Option<String>,
    /// Until when the entries of the schedule were done, or told as missed.
    #[serde(default, deserialize_with = "if_it_means_something")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedule_seen: Option<SystemTime>,
    /// What was in the program: what its slate is to be like before anything is on air.
    #[serde(default, deserialize_with = "if_it_means_something")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<Seen>,
}

/// A lock is a lock whatever else is in its file.
fn if_it_means_something<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// Where it is; `None` if that could be anywhere else.
pub(crate) fn file(data_dir: &Path, name: &str) -> Option<PathBuf> {
    let is_one = !name.is_empty() && !name.contains(['/', '\\', '\0']);
    is_one.then(|| data_dir.join(FOLDER).join(format!("{name}.json")))
}

/// What is remembered, if anything is.
pub(crate) fn read(file: &Path) -> Option<Remembered> {
    let mut text = String::new();
    let file = File::open(file).ok()?;
    file.take(REMEMBERED_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Writes it, so that the file is always whole; nothing to remember takes it away.
pub(crate) fn write(file: &Path, what: &Remembered) -> io::Result<()> {
    if *what == Remembered::default() {
        return match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("new");
    let mut written = File::create(&new)?;
    written.write_all(serde_json::to_string(what)?.as_bytes())?;
    written.sync_all()?;
    fs::rename(new, file)
}

/// Forgets everything of a switch that is no more.
///
/// # Errors
/// If its file cannot be taken away.
pub fn forget(data_dir: &Path, name: &str) -> io::Result<()> {
    file(data_dir, name).map_or(Ok(()), |file| write(&file, &Remembered::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_remembered_until_it_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path(), "program").unwrap();
        assert_eq!(read(&file), None);
        let lock = Remembered {
            locked: true,
            held: false,
            on_air: Some("backup".into()),
            schedule_seen: Some(SystemTime::now()),
            seen: None,
        };
        write(&file, &lock).unwrap();
        assert_eq!(read(&file), Some(lock));
        write(&file, &Remembered::default()).unwrap();
        write(&file, &Remembered::default()).unwrap();
        assert_eq!(read(&file), None);
    }

    #[test]
    fn a_lock_is_a_lock_whatever_else_is_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program.json");
        let text = r#"{"locked":true,"held":false,"on_air":"backup",
                       "schedule_seen":"yesterday","seen":{"picture":7},"more":[]}"#;
        fs::write(&file, text).unwrap();
        let read = read(&file).unwrap();
        assert!(read.locked);
        assert_eq!((read.schedule_seen, read.seen), (None, None));
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(file(Path::new("/data"), "../x"), None);
        let dots = file(Path::new("/data"), "..").unwrap();
        assert_eq!(dots, Path::new("/data/switches/...json"));
    }
}
