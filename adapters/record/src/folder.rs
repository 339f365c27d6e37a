//! The folder of one recording.

use crate::disk::{Disk, SegmentFile, create_new};
use core::time::Duration;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tidegate_engine::SettingsError;

const PACKET_BYTES: u64 = 188;

/// The longest name of an output.
const NAME_BYTES_MAX: usize = 128;

/// Whether an output's name can be the name of its folder, and of nothing else.
pub(crate) fn check_name(name: &str) -> Result<(), SettingsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(allowed);
    if fits && name.chars().any(|c| c != '.') {
        return Ok(());
    }
    let error = SettingsError::new("name", format!("{name:?} cannot be a folder's name"));
    Err(error.advise("Use letters, digits, dots, underscores and hyphens, 128 at most."))
}

/// The real folder on the real disk.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    keep: Option<Duration>,
}

impl Folder {
    /// `recordings/{output}/` below the data folder; made if it is not there.
    pub(crate) fn open(data_dir: &Path, output: &str, keep: Option<Duration>) -> io::Result<Self> {
        let path = data_dir.join("recordings").join(output);
        fs::create_dir_all(&path)?;
        if fs::symlink_metadata(&path)?.file_type().is_symlink() {
            return Err(io::Error::other("the folder is a link to somewhere else"));
        }
        let mut folder = Self { path, keep };
        folder.repair()?;
        // What has been kept long enough makes room, should the disk be full.
        folder.tidy(None)?;
        Ok(folder)
    }

    /// Cuts files that a crash or a full disk left with half a packet back to whole ones, and
    /// removes those with nothing in them.
    fn repair(&mut self) -> io::Result<()> {
        for (path, bytes, _) in self.segments()? {
            let whole = bytes - bytes % PACKET_BYTES;
            if whole == 0 {
                fs::remove_file(&path)?;
            } else if whole != bytes {
                let name = path.display();
                tracing::info!("cut {name} back from {bytes} to {whole} bytes: whole packets");
                let file = OpenOptions::new().write(true).open(&path)?;
                file.set_len(whole)?;
                file.sync_all()?;
            }
        }
        Ok(())
    }

    /// Path, size and last change of every segment.
    fn segments(&self) -> io::Result<Vec<(PathBuf, u64, SystemTime)>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let path = entry.path();
            let metadata = entry.metadata()?;
            if metadata.is_file() && path.extension().is_some_and(|kind| kind == "ts") {
                segments.push((path, metadata.len(), metadata.modified()?));
            }
        }
        Ok(segments)
    }
}

impl Disk for Folder {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let file = create_new(&self.path, name)?;
        // The new name itself must survive a power cut.
        File::open(&self.path)?.sync_all()?;
        Ok(Box::new(file))
    }

    fn tidy(&mut self, current: Option<&str>) -> io::Result<()> {
        let Some(keep) = self.keep else { return Ok(()) };
        let now = SystemTime::now();
        for (path, _, changed) in self.segments()? {
            let is_current = path.file_name().and_then(|name| name.to_str()) == current;
            // A clock that was set back makes files look new, never old.
            let old = now.duration_since(changed).is_ok_and(|age| age > keep);
            if old && !(is_current && current.is_some()) {
                // A file that cannot be deleted is no reason to stop recording.
                match fs::remove_file(&path) {
                    Ok(()) => tracing::info!("deleted {}: kept long enough", path.display()),
                    Err(error) => tracing::warn!("cannot delete {}: {error}", path.display()),
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        for name in [
            "", ".", "..", "...", "a/b", "../x", "a\\b", "ä", "a b", "a\0b",
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["archive", "cam1-main_2.ts", ".hidden"] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn half_a_packet_left_by_a_crash_is_cut_off() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("recordings/out");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("torn.ts"), vec![0x47; 188 * 3 + 100]).unwrap();
        fs::write(folder.join("whole.ts"), vec![0x47; 188 * 3]).unwrap();
        fs::write(folder.join("notes.txt"), b"mine").unwrap();
        fs::write(folder.join("empty.ts"), b"").unwrap();
        Folder::open(data.path(), "out", None).unwrap();
        let size = |name| fs::metadata(folder.join(name)).unwrap().len();
        assert_eq!(
            (size("torn.ts"), size("whole.ts"), size("notes.txt")),
            (564, 564, 4)
        );
    }

    #[test]
    fn old_segments_go_and_nothing_else_does() {
        let data = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(data.path(), "out", Some(Duration::from_secs(3600))).unwrap();
        let path = data.path().join("recordings/out");
        let long_ago = SystemTime::now() - Duration::from_secs(7200);
        for name in ["old.ts", "current.ts", "notes.txt"] {
            let file = File::create(path.join(name)).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        File::create(path.join("new.ts")).unwrap();
        folder.tidy(Some("current.ts")).unwrap();
        let mut left: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["current.ts", "new.ts", "notes.txt"]);
    }

    #[test]
    fn what_has_been_kept_long_enough_goes_before_anything_is_written() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("recordings/out");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("old.ts"), [0x47; 188]).unwrap();
        let file = OpenOptions::new().write(true).open(path.join("old.ts"));
        let long_ago = SystemTime::now() - Duration::from_secs(7200);
        file.unwrap().set_modified(long_ago).unwrap();
        Folder::open(data.path(), "out", Some(Duration::from_secs(3600))).unwrap();
        assert!(!path.join("old.ts").exists());
    }

    #[test]
    fn a_link_in_place_of_the_folder_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("recordings")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), data.path().join("recordings/out")).unwrap();
        assert!(Folder::open(data.path(), "out", None).is_err());
    }
}
