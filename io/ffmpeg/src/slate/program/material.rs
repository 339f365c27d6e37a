//! What a program's slate shows: a picture or a clip.

use super::super::{PICTURE_BYTES_MAX, extension};
use crate::FfmpegError;
use core::time::Duration;
use sha1::{Digest, Sha1};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;

/// A longer clip ends here.
pub const CLIP_MAX: Duration = Duration::from_secs(30);
/// Bytes of a clip: half a minute of the best that cameras write.
const CLIP_BYTES_MAX: u64 = 1 << 30;
/// Bytes by which a file is known.
const GLANCE_BYTES: usize = 4 * 204;
const SYNC_BYTE: u8 = 0x47;
/// Lengths of transport packets: with a time code in front, plain, with a checksum.
const PACKETS: [usize; 3] = [192, 188, 204];
const READ_BYTES: usize = 256 << 10;

/// A picture, or a clip of up to [`CLIP_MAX`].
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    path: PathBuf,
    hash: Vec<u8>,
    /// Its size and when it was written.
    version: (u64, Option<std::time::SystemTime>),
    kind: Kind,
}

/// How ffmpeg is to read it. It is told, so that no file can pass for a list of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The picture, and the extension that its name must have.
    Picture(Vec<u8>, &'static str),
    /// The demultiplexer.
    Clip(&'static str),
}

impl Material {
    /// Reads a file; `path` names it once more for ffmpeg.
    ///
    /// # Errors
    /// If it cannot be read, or is neither a picture nor a clip.
    pub async fn read(file: File, path: PathBuf) -> Result<Self, FfmpegError> {
        let read = spawn_blocking(move || Self::read_now(file, path)).await;
        read.map_err(|error| FfmpegError::Read(io::Error::other(error)))?
    }

    /// Whether a file is one, as far as its first bytes and its length tell.
    ///
    /// # Errors
    /// If it cannot be read, or is neither a picture nor a clip.
    pub fn look(file: &File) -> Result<(), FfmpegError> {
        let mut head = Vec::new();
        let glance = file.take(GLANCE_BYTES as u64).read_to_end(&mut head);
        glance.map_err(FfmpegError::Read)?;
        let most = match (extension(&head), demuxer(&head)) {
            (Some(_), _) => PICTURE_BYTES_MAX,
            (None, Some(_)) => CLIP_BYTES_MAX,
            (None, None) => return Err(FfmpegError::NoMaterial),
        };
        let length = file.metadata().map_err(FfmpegError::Read)?.len();
        if length > most {
            return Err(FfmpegError::NoMaterial);
        }
        Ok(())
    }

    fn read_now(mut file: File, path: PathBuf) -> Result<Self, FfmpegError> {
        let metadata = file.metadata().map_err(FfmpegError::Read)?;
        let version = version(&metadata);
        let mut head = Vec::new();
        let glance = (&mut file).take(GLANCE_BYTES as u64);
        { glance }
            .read_to_end(&mut head)
            .map_err(FfmpegError::Read)?;
        let (kind, hash) = if let Some(extension) = extension(&head) {
            let most = PICTURE_BYTES_MAX - GLANCE_BYTES as u64;
            let rest = file.take(most + 1).read_to_end(&mut head);
            if rest.map_err(FfmpegError::Read)? as u64 > most {
                return Err(FfmpegError::NoMaterial);
            }
            let hash = Sha1::digest(&head).to_vec();
            (Kind::Picture(head, extension), hash)
        } else {
            let fits = metadata.len() <= CLIP_BYTES_MAX;
            let demuxer = demuxer(&head).filter(|_| fits);
            let demuxer = demuxer.ok_or(FfmpegError::NoMaterial)?;
            let hash = hash_of(&head, file).map_err(FfmpegError::Read)?;
            (Kind::Clip(demuxer), hash)
        };
        Ok(Self {
            path,
            hash,
            version,
            kind,
        })
    }

    /// A clip moves and may have a sound of its own; a picture does neither.
    #[must_use]
    pub const fn is_clip(&self) -> bool {
        matches!(self.kind, Kind::Clip(_))
    }

    pub(super) fn hash(&self) -> &[u8] {
        &self.hash
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Whether a clip is still the file that was read. (A picture is kept.)
    pub(super) fn is_unchanged(&self) -> Result<(), FfmpegError> {
        let is_same = || {
            let metadata = std::fs::metadata(&self.path)?;
            Ok(version(&metadata) == self.version)
        };
        match !self.is_clip() || is_same().map_err(FfmpegError::Read)? {
            true => Ok(()),
            false => Err(FfmpegError::Changed),
        }
    }
}

fn version(metadata: &Metadata) -> (u64, Option<std::time::SystemTime>) {
    (metadata.len(), metadata.modified().ok())
}

fn hash_of(head: &[u8], mut rest: File) -> io::Result<Vec<u8>> {
    let mut hash = Sha1::new();
    hash.update(head);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(hash.finalize().to_vec()),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// What reads a clip that begins so.
fn demuxer(head: &[u8]) -> Option<&'static str> {
    if matches!(
        head.get(4..8),
        Some(b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide")
    ) {
        return Some("mov");
    }
    if head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) {
        return Some("matroska");
    }
    let is_ts = PACKETS.iter().any(|packet| {
        let first = if *packet == 192 { 4 } else { 0 };
        let mut starts = head.iter().skip(first).step_by(*packet);
        head.len() > first + 2 * packet && starts.all(|byte| *byte == SYNC_BYTE)
    });
    is_ts.then_some("mpegts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Material, FfmpegError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Material::read_now(File::open(file.path()).unwrap(), file.path().into())
    }

    #[test]
    fn pictures_and_clips_are_known_by_their_first_bytes_alone() {
        let mut ts = vec![0xFF; 8 * 188];
        ts.chunks_mut(188).for_each(|packet| packet[0] = 0x47);
        assert_eq!(read(&ts).unwrap().kind, Kind::Clip("mpegts"));
        let clip = read(b"\0\0\0\x18ftypisom").unwrap();
        assert!(clip.is_clip());
        assert!(!read(b"\x89PNG\r\n\x1a\nand more").unwrap().is_clip());
        for text in [
            &b"#EXTM3U\nfile:///etc/passwd"[..],
            b"ffconcat version 1.0",
            b"",
        ] {
            assert!(matches!(read(text), Err(FfmpegError::NoMaterial)));
        }
    }

    #[test]
    fn a_glance_tells_the_same_as_reading_all_of_it() {
        let mut ts = vec![0xFF; 8 * 188];
        ts.chunks_mut(188).for_each(|packet| packet[0] = 0x47);
        for bytes in [
            &ts[..],
            b"\0\0\0\x18ftypisom",
            b"\x89PNG\r\n\x1a\nand more",
            b"GIF89a",
            b"",
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let looked = Material::look(&File::open(file.path()).unwrap());
            assert_eq!(looked.is_ok(), read(bytes).is_ok(), "{bytes:?}");
        }
        let long = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut { &long }, b"\x89PNG\r\n\x1a\n").unwrap();
        long.set_len(PICTURE_BYTES_MAX + 1).unwrap();
        io::Seek::rewind(&mut { &long }).unwrap();
        assert!(matches!(
            Material::look(&long),
            Err(FfmpegError::NoMaterial)
        ));
    }

    #[test]
    fn a_clip_that_is_written_to_meanwhile_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"\0\0\0\x18ftypisom").unwrap();
        let clip = Material::read_now(File::open(file.path()).unwrap(), file.path().into());
        let clip = clip.unwrap();
        clip.is_unchanged().unwrap();
        std::fs::write(file.path(), b"\0\0\0\x18ftypisom, longer").unwrap();
        assert!(matches!(clip.is_unchanged(), Err(FfmpegError::Changed)));
    }
}
