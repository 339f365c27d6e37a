//! Where segments go. A trait, so that tests can have a disk that fills up.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A folder for segments.
pub(crate) trait Disk: Send {
    /// Begins a file that must not exist yet.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn SegmentFile>>;

    /// Puts an earlier run's files in order, and deletes those that have been kept long
    /// enough.
    fn tidy(&mut self, current: Option<&str>) -> io::Result<()>;
}

/// A file being written.
pub(crate) trait SegmentFile: Send {
    /// Hands all bytes to the operating system.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until they are on the medium.
    fn sync(&mut self) -> io::Result<()>;
}

impl SegmentFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A file that does not exist yet, and is no link to somewhere else.
pub(crate) fn create_new(folder: &Path, name: &str) -> io::Result<File> {
    let path: PathBuf = folder.join(name);
    OpenOptions::new().write(true).create_new(true).open(path)
}
