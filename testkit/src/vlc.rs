//! VLC without a window: it decodes all that comes, and writes the pictures and the sound it would
//! have shown and played to files.

use crate::{Process, eventually};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The programs it takes.
pub const PROGRAMS: [&str; 3] = ["cvlc", "setpriv", "ffmpeg"];

/// Before each picture of a raw film (YUV4MPEG2).
const FRAME: &[u8] = b"FRAME\n";
/// 48 kHz, two channels of 16 bits.
const SOUND_BYTES_PER_SECOND: u64 = 192_000;
const PICTURES_PER_SECOND: u64 = 25;
/// How often its pictures are looked at: there are megabytes of them.
const GLANCE: Duration = Duration::from_millis(300);

/// A film of 25 pictures a second, no two of which are alike, as somebody sees it.
#[derive(Debug)]
pub struct Film {
    file: PathBuf,
    places: HashMap<u64, usize>,
}

impl Film {
    /// Has ffmpeg make one of H.264 and AAC in a transport stream.
    ///
    /// # Panics
    /// If ffmpeg fails.
    #[must_use]
    pub fn make(folder: &Path, seconds: u32) -> Self {
        let file = folder.join("film.ts");
        let settings = format!(
            "-t {seconds} -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 600k -c:a aac -ac 2"
        );
        crate::media::encode("testsrc2=s=320x180:r=25", &settings, &file);
        let decoded = Command::new("ffmpeg")
            .args(["-hide_banner", "-nostdin", "-v", "error", "-i"])
            .arg(&file)
            .args(["-map", "0:v", "-f", "yuv4mpegpipe", "-"])
            .stdin(Stdio::null())
            .output()
            .expect("ffmpeg runs");
        let places: HashMap<u64, usize> = pictures(&decoded.stdout).into_iter().zip(0..).collect();
        assert_eq!(
            places.len() as u64,
            u64::from(seconds) * PICTURES_PER_SECOND
        );
        Self { file, places }
    }

    /// Its bytes.
    ///
    /// # Panics
    /// If the file has gone.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.file).expect("the film that was made")
    }
}

/// The pictures of a raw film as far as they are whole, known by what they show.
fn pictures(raw: &[u8]) -> Vec<u64> {
    let Some(head) = raw.iter().position(|&byte| byte == b'\n') else {
        return Vec::new();
    };
    let size = picture_bytes(&raw[..head]);
    let hash = |picture: &[u8]| {
        let mut hasher = DefaultHasher::new();
        picture[FRAME.len()..].hash(&mut hasher);
        hasher.finish()
    };
    raw[head + 1..]
        .chunks_exact(FRAME.len() + size)
        .map(hash)
        .collect()
}

/// What a picture of 4:2:0 takes.
fn picture_bytes(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    let side = |letter: char| -> usize {
        let word = head.split(' ').find_map(|word| word.strip_prefix(letter));
        let side = word.and_then(|word| word.parse().ok());
        side.expect("a raw film tells its size")
    };
    side('W') * side('H') * 3 / 2
}

/// A VLC that plays; it ends when this is dropped.
#[derive(Debug)]
pub struct Vlc {
    _process: Process,
    pictures: PathBuf,
    sound: PathBuf,
}

impl Vlc {
    /// Plays what is at `url`. However late a picture is, it is shown: a busy machine is no fault.
    #[must_use]
    pub fn play(name: &str, url: &str, folder: &Path) -> Self {
        let [pictures, sound] = ["y4m", "wav"].map(|it| folder.join(format!("{name}.{it}")));
        let mut command = command(name, folder);
        command
            .args([
                "-I",
                "dummy",
                "--no-video-title-show",
                "--no-osd",
                "--no-spu",
            ])
            .args([
                "--no-drop-late-frames",
                "--no-skip-frames",
                "--no-avcodec-hurry-up",
            ])
            .args([
                "--avcodec-hw=none",
                "--vout=yuv",
                "--yuv-chroma=I420",
                "--yuv-yuv4mpeg2",
            ])
            .arg(format!("--yuv-file={}", pictures.display()))
            .arg("--aout=afile")
            .arg(format!("--audiofile-file={}", sound.display()))
            .arg(url);
        Self {
            _process: Process::start(name, &mut command, folder),
            pictures,
            sound,
        }
    }

    /// Waits until it has shown so many pictures of a film in a row, to the bit, and played as
    /// much sound. What a machine that hangs makes it miss is no fault, as long as the next ones
    /// are all there.
    ///
    /// # Panics
    /// If it never does.
    pub fn watches(&self, film: &Film, wanted: usize) {
        let sound_wanted = wanted as u64 / PICTURES_PER_SECOND * SOUND_BYTES_PER_SECOND;
        let heard = || std::fs::metadata(&self.sound).map_or(0, |sound| sound.len());
        eventually("VLC has played its sound", || {
            (heard() >= sound_wanted).then_some(())
        });
        eventually("VLC has shown its pictures", || {
            std::thread::sleep(GLANCE);
            (self.shown_in_a_row(film) >= wanted).then_some(())
        });
    }

    /// The most pictures of the film it has shown one after the other.
    fn shown_in_a_row(&self, film: &Film) -> usize {
        let raw = std::fs::read(&self.pictures).unwrap_or_default();
        let (mut longest, mut row, mut last) = (0, 0, None);
        for picture in pictures(&raw) {
            let place = film.places.get(&picture).copied();
            // It shows a picture again until there is another one.
            if place.is_some() && place == last {
                continue;
            }
            let follows = place.is_some_and(|place| last.is_some_and(|last| place == last + 1));
            row = if follows {
                row + 1
            } else {
                usize::from(place.is_some())
            };
            longest = longest.max(row);
            last = place;
        }
        longest
    }
}

/// The command `cvlc` with a home in `folder`, where it may write. It refuses to run as root.
///
/// # Panics
/// If the folder cannot be opened for it.
#[must_use]
pub fn command(name: &str, folder: &Path) -> Command {
    let home = folder.join(format!("{name}-home"));
    std::fs::create_dir(&home).expect("a home for VLC");
    for open in [folder, &home] {
        let mode = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(open, mode).expect("VLC may write there");
    }
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "cvlc"]);
        command
    } else {
        Command::new("cvlc")
    };
    command.env("HOME", &home);
    command
}
