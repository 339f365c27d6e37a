//! What was encoded, kept on disk under the hash of what it was made of.
//!
//! ```text
//!  name ─► begin ─┬─► Kept: it is there, and its seal holds
//!                 └─► Making: a part of ours ─► finish: sealed, synced, renamed ─► it is there, whole
//! ```

use super::seal;
use crate::FfmpegError;
use core::fmt::Write as _;
use core::time::Duration;
use sha1::{Digest, Sha1};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Changes when slates are encoded differently, so that old ones are not taken.
const RECIPE: &str = "3";
/// Files of one kind that are kept, and their bytes. The oldest go.
const FILES_MAX: usize = 128;
const BYTES_MAX: u64 = 2 << 30;
/// A part that nobody has written to for so long was left behind.
const PART_AGE_MAX: Duration = Duration::from_secs(3600);
/// What parts are called while they are in the making.
const PART: &str = "part";

/// Numbers files in the making.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file that is looked for.
#[derive(Debug)]
pub(super) enum Found {
    /// It is there.
    Kept(PathBuf),
    /// It is to be made.
    Make(Making),
}

/// A file in the making, which goes when nobody makes it any more.
#[derive(Debug)]
pub(super) struct Making {
    part: Made,
    done: PathBuf,
    extension: &'static str,
}

/// A file that goes with its owner.
#[derive(Debug)]
pub(super) struct Made(pub(super) PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        // What was renamed, or never begun, is not there.
        drop(fs::remove_file(&self.0));
    }
}

/// The name of what is made of `content` in this `format`.
pub(super) fn name(format: &str, content: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(format!("{RECIPE} {format}\n"));
    hash.update(content);
    hash.finalize()
        .iter()
        .fold(String::new(), |mut name, byte| {
            // Writing into a string cannot fail.
            let _ = write!(name, "{byte:02x}");
            name
        })
}

/// Looks for the file of that name. One that is not what was kept is none.
pub(super) async fn begin(
    folder: &Path,
    name: &str,
    extension: &'static str,
) -> Result<Found, FfmpegError> {
    let (folder, name) = (folder.to_owned(), name.to_owned());
    aside(move || begin_now(&folder, &name, extension)).await
}

/// All of a file is read, and synced: not on the threads that others wait for.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FfmpegError> + Send + 'static,
) -> Result<T, FfmpegError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| FfmpegError::Keep(io::Error::other(error)))?
}

fn begin_now(folder: &Path, name: &str, extension: &'static str) -> Result<Found, FfmpegError> {
    let done = folder.join(name).with_extension(extension);
    if seal::holds(&done, extension).unwrap_or(false) {
        if let Ok(file) = fs::File::open(&done) {
            // What is used is not the oldest; a folder that may not be written to keeps its order.
            drop(file.set_modified(SystemTime::now()));
        }
        return Ok(Found::Kept(done));
    }
    fs::create_dir_all(folder).map_err(FfmpegError::Keep)?;
    let part = Made(beside(folder, name, PART));
    Ok(Found::Make(Making {
        part,
        done,
        extension,
    }))
}

/// A name in the folder that nobody else uses.
pub(super) fn beside(folder: &Path, name: &str, extension: &str) -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    folder.join(format!("{name}.{process}-{number}.{extension}"))
}

impl Making {
    /// Where to write it.
    pub(super) fn path(&self) -> &Path {
        &self.part.0
    }

    /// It is whole: from here on it is there.
    pub(super) async fn finish(self) -> Result<PathBuf, FfmpegError> {
        aside(move || self.finish_now()).await
    }

    fn finish_now(self) -> Result<PathBuf, FfmpegError> {
        let Self {
            part,
            done,
            extension,
        } = self;
        // What is there under its name is whole, also after a power cut.
        let sealed = seal::put(&part.0, extension);
        let renamed = sealed.and_then(|()| fs::rename(&part.0, &done));
        renamed.map_err(FfmpegError::Keep)?;
        Ok(done)
    }
}

/// Removes the oldest of too many files with that extension, and parts that were left behind.
pub(super) fn tidy(folder: &Path, extension: &str) {
    // Whatever cannot be read or removed stays: nothing depends on it.
    let Ok(mut kept) = files(folder) else { return };
    let is = |path: &Path, extension| path.extension() == Some(OsStr::new(extension));
    for (path, used, _) in kept.iter().filter(|(path, ..)| is(path, PART)) {
        if used.elapsed().is_ok_and(|age| age > PART_AGE_MAX) {
            drop(fs::remove_file(path));
        }
    }
    kept.retain(|(path, ..)| is(path, extension));
    kept.sort_by_key(|(_, used, _)| *used);
    let mut bytes: u64 = kept.iter().map(|(.., bytes)| bytes).sum();
    let mut count = kept.len();
    for (path, _, size) in kept {
        if count <= FILES_MAX && bytes <= BYTES_MAX {
            break;
        }
        drop(fs::remove_file(path));
        (count, bytes) = (count - 1, bytes - size);
    }
}

fn files(folder: &Path) -> io::Result<Vec<(PathBuf, SystemTime, u64)>> {
    let found = fs::read_dir(folder)?.filter_map(|entry| {
        let entry = entry.ok()?;
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((entry.path(), metadata.modified().ok()?, metadata.len()))
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_finished_is_not_there_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let make = || match begin_now(folder.path(), "a", "ts").unwrap() {
            Found::Make(making) => making,
            Found::Kept(path) => panic!("{path:?}"),
        };
        let making = make();
        fs::write(making.path(), "half").unwrap();
        drop(making);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let making = make();
        fs::write(making.path(), "whole").unwrap();
        let done = making.finish_now().unwrap();
        let found = begin_now(folder.path(), "a", "ts").unwrap();
        assert!(matches!(found, Found::Kept(path) if path == done));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_what_was_kept_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let make = || begin_now(folder.path(), "a", "ts").unwrap();
        for damage in ["", "ha", "wholE"] {
            let Found::Make(making) = make() else {
                panic!("{damage:?} is taken for what was kept")
            };
            fs::write(making.path(), "whole").unwrap();
            let done = making.finish_now().unwrap();
            assert!(matches!(make(), Found::Kept(_)));
            let mut bytes = fs::read(&done).unwrap();
            let length = bytes.len() - 5 + damage.len();
            bytes.splice(..5, damage.bytes());
            assert_eq!(bytes.len(), length);
            fs::write(&done, bytes).unwrap();
        }
        assert!(matches!(make(), Found::Make(_)));
    }

    #[test]
    fn the_oldest_of_too_many_and_forgotten_parts_go() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, age: u64| {
            let path = folder.path().join(name);
            let file = fs::File::create(&path).unwrap();
            let then = SystemTime::now() - Duration::from_secs(age);
            file.set_modified(then).unwrap();
            path
        };
        let forgotten = write("x.1-1.part", 7200);
        let under_way = write("x.1-2.part", 60);
        let other = write("slate.mp4", 9999);
        let oldest = write("oldest.ts", 9999);
        let all: Vec<PathBuf> = (0..FILES_MAX)
            .map(|n| write(&format!("{n}.ts"), n as u64))
            .collect();
        tidy(folder.path(), "ts");
        assert!(!forgotten.exists() && !oldest.exists());
        assert!(under_way.exists() && other.exists());
        assert!(all.iter().all(|path| path.exists()));
    }
}
