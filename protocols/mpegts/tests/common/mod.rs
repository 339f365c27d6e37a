//! Streams for tests: made by ffmpeg here and now, or the collected samples.

#![allow(dead_code, reason = "every test binary uses another part of this")]
#![allow(clippy::print_stderr, reason = "a skipped test has to say so")]

use std::path::PathBuf;
use std::process::Command;

use tidegate_mpegts::{AccessUnit, Demux, Event, Stamp, Track};

/// What ffmpeg makes of these arguments, as a transport stream. `None`, loudly, where
/// ffmpeg is not installed.
pub(crate) fn ffmpeg_ts(arguments: &str) -> Option<Vec<u8>> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(arguments.split_whitespace())
        .args(["-f", "mpegts", "-"])
        .output();
    let Ok(output) = run else {
        eprintln!("SKIPPED: ffmpeg is not installed");
        return None;
    };
    assert!(
        output.status.success(),
        "ffmpeg: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

/// A collected sample; `None`, loudly, where the collection is missing.
pub(crate) fn sample(name: &str) -> Option<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or(root, PathBuf::from);
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(name);
    let path = if own.exists() {
        own
    } else {
        shared.join("samples").join(name)
    };
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            eprintln!("SKIPPED: {}: {error} (set TIDEGATE_SHARED)", path.display());
            None
        }
    }
}

/// Everything a demultiplexer makes of a stream.
#[derive(Debug, Default)]
pub(crate) struct Demuxed {
    pub(crate) tracks: Vec<Track>,
    pub(crate) units: Vec<AccessUnit>,
    pub(crate) track_events: usize,
}

impl Demuxed {
    pub(crate) fn of(stream: &[u8]) -> Self {
        Self::in_chunks(stream, stream.chunks(1316))
    }

    pub(crate) fn in_chunks<'a>(_: &[u8], chunks: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut demux = Demux::new();
        let mut found = Self::default();
        for chunk in chunks {
            demux.push(Stamp::default(), chunk);
            found.drain(&mut demux);
        }
        demux.flush();
        found.drain(&mut demux);
        found
    }

    fn drain(&mut self, demux: &mut Demux) {
        while let Some(event) = demux.next_event() {
            match event {
                Event::Tracks(tracks) => {
                    self.tracks = tracks.to_vec();
                    self.track_events += 1;
                }
                Event::Unit(unit) => self.units.push(unit),
            }
        }
    }

    pub(crate) fn units_of(&self, pid: u16) -> Vec<&AccessUnit> {
        self.units.iter().filter(|unit| unit.pid == pid).collect()
    }
}

/// Lines of `key=value` that ffprobe prints for a file, one map per section.
pub(crate) fn ffprobe(stream: &[u8], arguments: &str) -> Option<Vec<Vec<(String, String)>>> {
    let file = tempfile(stream);
    let run = Command::new("ffprobe")
        .args(["-v", "error"])
        .args(arguments.split_whitespace())
        .args(["-of", "default=noprint_wrappers=0"])
        .arg(&file)
        .output();
    let _ = std::fs::remove_file(&file);
    let Ok(output) = run else {
        eprintln!("SKIPPED: ffprobe is not installed");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut sections = Vec::new();
    for line in text.lines() {
        match line.split_once('=') {
            None if line.starts_with('[') && !line.starts_with("[/") => sections.push(Vec::new()),
            Some((key, value)) => {
                if let Some(section) = sections.last_mut() {
                    section.push((key.to_owned(), value.to_owned()));
                }
            }
            None => {}
        }
    }
    Some(sections)
}

/// What ffmpeg complains about when it decodes a stream.
pub(crate) fn complaints(stream: &[u8]) -> String {
    let file = tempfile(stream);
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(&file)
        .args(["-map", "0", "-f", "null", "-"])
        .output();
    let _ = std::fs::remove_file(&file);
    run.map_or_else(
        |_| {
            eprintln!("SKIPPED: ffmpeg is not installed");
            String::new()
        },
        |output| String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

pub(crate) fn value<'a>(section: &'a [(String, String)], key: &str) -> &'a str {
    section
        .iter()
        .find(|(k, _)| k == key)
        .map_or("", |(_, value)| value)
}

fn tempfile(bytes: &[u8]) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tidegate-mpegts-{}-{number}.ts", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).expect("the temporary folder is writable");
    path
}
