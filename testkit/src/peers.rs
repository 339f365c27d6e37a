//! Real programs to test against, and the command lines that work with them.

use crate::Process;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether all of `programs` are installed; says loudly which are not.
#[must_use]
pub fn have(programs: &[&str]) -> bool {
    let missing: Vec<&&str> = programs
        .iter()
        .filter(|program| !installed(program))
        .collect();
    if missing.is_empty() {
        return true;
    }
    let mut err = std::io::stderr().lock();
    let _ = writeln!(
        err,
        "SKIPPED: {missing:?} not installed on this machine (`make setup-test` installs every peer)"
    );
    assert!(
        std::env::var_os("TIDEGATE_REQUIRE_PEERS").is_none(),
        "TIDEGATE_REQUIRE_PEERS is set and {missing:?} are missing"
    );
    false
}

/// A program that no package brings, at the path the environment variable `name` gives; says
/// loudly when it does not. `what` describes it, like "an srt-live-transmit of libsrt 1.5.4 or
/// later with AES-GCM".
#[must_use]
pub fn from_environment(name: &str, what: &str) -> Option<PathBuf> {
    let path = std::env::var_os(name).map(PathBuf::from);
    let found = path.filter(|path| path.is_file());
    if found.is_none() {
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "SKIPPED: {name} does not name {what}");
    }
    found
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// `srt-live-transmit` from `from` to `to`. Its latency is in milliseconds.
#[must_use]
pub fn srt_live_transmit(name: &str, from: &str, to: &str, folder: &Path) -> Process {
    let mut command = Command::new("srt-live-transmit");
    command.args(["-q", "-a:no", from, to]);
    Process::start(name, &mut command, folder)
}

/// `srt-live-transmit` that writes what it receives into `file`.
///
/// It block-buffers its standard output, so the file is complete only after it ended.
///
/// # Panics
/// If it cannot be started.
#[must_use]
pub fn srt_to_file(name: &str, from: &str, file: &Path) -> Process {
    let out = std::fs::File::create(file).expect("the received file can be created");
    let mut command = Command::new("srt-live-transmit");
    command.args(["-q", "-a:no", from, "file://con"]);
    Process::with_output(name, &mut command, out)
}

/// An `srt-live-transmit file://con TO` that is fed from here. Its pipe stays open until it
/// is dropped: end of file would close the connection before the far side has played
/// everything out.
///
/// What it is given before its connection stands it throws away, so wait for that first.
#[derive(Debug)]
pub struct PacedSender {
    process: Process,
    input: std::process::ChildStdin,
}

impl PacedSender {
    /// Starts the program; nothing is sent yet.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(name: &str, to: &str, folder: &Path) -> Self {
        let mut command = Command::new("srt-live-transmit");
        command.args(["-q", "-a:no", "-chunk:1316", "file://con", to]);
        let (process, input) = Process::with_input(name, &mut command, folder);
        Self { process, input }
    }

    /// Sends `bytes` at `bps`, 1316 at a time, and returns when all are handed over.
    ///
    /// # Panics
    /// If the program ends before it has taken everything.
    pub fn send(&mut self, bytes: &[u8], bps: u64) {
        let started = std::time::Instant::now();
        for (index, chunk) in bytes.chunks(1316).enumerate() {
            let due = std::time::Duration::from_micros(index as u64 * 1316 * 8_000_000 / bps);
            if let Some(early) = due.checked_sub(started.elapsed()) {
                std::thread::sleep(early);
            }
            if let Err(error) = self.input.write_all(chunk) {
                panic!(
                    "the sender took {index} packets, then: {error}\n{}",
                    self.process.output()
                );
            }
        }
    }
}

/// ffmpeg with `arguments`, quiet but for errors.
#[must_use]
pub fn ffmpeg(name: &str, arguments: &[&str], folder: &Path) -> Process {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-nostdin", "-v", "error", "-y"])
        .args(arguments);
    Process::start(name, &mut command, folder)
}

/// ffmpeg's moving test picture with a tone, H.264 and AAC in MPEG-TS, sent to `to` in
/// real time until dropped.
#[must_use]
pub fn test_picture(name: &str, to: &str, folder: &Path) -> Process {
    let arguments = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x360:r=25",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=48000",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-profile:v",
        "main",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "25",
        "-b:v",
        "1M",
        "-c:a",
        "aac",
        "-ac",
        "2",
        "-b:a",
        "96k",
        "-f",
        "mpegts",
        to,
    ];
    ffmpeg(name, &arguments, folder)
}

/// What ffmpeg complains about when it decodes all of `input`; empty when all is well.
///
/// # Panics
/// If ffmpeg cannot be run.
#[must_use]
pub fn decode_errors(input: &str) -> String {
    complaints(input, &[])
}

/// The same about its first `seconds` alone.
///
/// # Panics
/// If there is no ffmpeg.
#[must_use]
pub fn decode_errors_of_start(input: &str, seconds: u32) -> String {
    complaints(input, &["-t", &seconds.to_string()])
}

fn complaints(input: &str, limits: &[&str]) -> String {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-v", "error", "-i", input])
        .args(limits)
        .args(["-f", "null", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
