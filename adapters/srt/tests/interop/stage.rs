//! What every peer goes through.

use std::path::{self, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_testkit::{LossyRelay, Process, eventually, free_udp_port, peers};

use super::address::{Address, KEYS, LATENCY_MILLIS, Mode, cipher};
use super::common::{Bed, Gathered, PASSPHRASE};

/// Enough of a stream to be judged: several seconds of picture.
const ENOUGH_BYTES: usize = 400_000;
/// Less latency than this is not judged by what got lost: that would judge the test machine.
const TIGHT_MILLIS: u32 = 100;
/// Cells ask for more latency than this.
pub(crate) const LISTENER: &str = r#"{ "bind": "127.0.0.1:0", "latency": "20ms" }"#;
/// How long the clip is; a peer that sends it must be seen within.
const CLIP_SECONDS: u32 = 60;

/// A program that speaks SRT.
pub(crate) struct Peer {
    /// Programs it needs.
    pub(crate) programs: &'static [&'static str],
    /// Sends the clip in real time.
    pub(crate) send:
        fn(name: &str, address: &Address, clip: &path::Path, folder: &path::Path) -> Process,
    /// Writes what it receives, untouched or not, into the file.
    pub(crate) receive:
        fn(name: &str, address: &Address, file: &path::Path, folder: &path::Path) -> Process,
    /// It hands on the very bytes it gets.
    pub(crate) is_transparent: bool,
}

impl Peer {
    /// The peer sends, calling us or being called.
    pub(crate) fn sends(&self, mode: Mode) {
        let cells = |bed: &Bed| KEYS.map(|key| Cell::new(bed, mode, key, "publish")).into();
        self.sends_in(cells);
    }

    /// The peer sends in each of the cells, all at once.
    pub(crate) fn sends_in(&self, cells: impl FnOnce(&Bed) -> Vec<Cell>) {
        if !peers::have(self.programs) {
            return;
        }
        let bed = Bed::with_listener(LISTENER);
        let clip = clip(bed.folder());
        let cells = cells(&bed);
        let sending: Vec<Process> = cells
            .iter()
            .map(|cell| {
                bed.source(&cell.name, &cell.settings());
                (self.send)(&cell.name, &cell.address, &clip, bed.folder())
            })
            .collect();
        for (cell, sender) in cells.iter().zip(&sending) {
            cell.becomes_healthy(&bed, sender);
        }
        assert!(!bed.has_rejections());
    }

    /// The peer receives, calling us or being called.
    pub(crate) fn receives(&self, mode: Mode) {
        let cells = |bed: &Bed| KEYS.map(|key| Cell::new(bed, mode, key, "request")).into();
        self.receives_in(cells);
    }

    /// The peer receives in each of the cells, all at once.
    pub(crate) fn receives_in(&self, cells: impl FnOnce(&Bed) -> Vec<Cell>) {
        if !peers::have(self.programs) || !peers::have(&["ffmpeg"]) {
            return;
        }
        let bed = Bed::with_listener(LISTENER);
        let clip = clip(bed.folder());
        bed.source("cam", r#"{ "listener": "ingest", "stream_id": "cam" }"#);
        let sent = bed.gather("cam");
        let camera = Address::plain(bed.port, "cam");
        let _camera = super::ffmpeg::send("camera", &camera, &clip, bed.folder());
        bed.wait_connected("cam");
        let cells = cells(&bed);
        let mut receiving: Vec<(PathBuf, Process)> = cells
            .iter()
            .map(|cell| {
                bed.output(&cell.name, "cam", &cell.output_settings());
                let file = bed.folder().join(format!("{}.ts", cell.name));
                let process = (self.receive)(&cell.name, &cell.address, &file, bed.folder());
                (file, process)
            })
            .collect();
        for (cell, (file, process)) in cells.iter().zip(&mut receiving) {
            cell.delivers(&bed, file, process);
            if cell.is_tight() {
                continue;
            }
            if self.is_transparent {
                assert_part_of(&std::fs::read(&*file).unwrap(), &sent, &cell.name);
            } else {
                assert_decodes(file, &cell.name);
            }
        }
        assert!(!bed.has_rejections());
    }
}

/// What is between us and the peer.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub(crate) latency_millis: u32,
    pub(crate) loss_per_mille: u64,
    /// More options for the peer's address.
    pub(crate) more: &'static str,
    /// So many changes of keys are waited for.
    pub(crate) key_changes: u64,
}

/// One way of one peer with one key length.
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) address: Address,
    relay: Option<LossyRelay>,
    key_changes: u64,
}

impl Cell {
    pub(crate) fn new(bed: &Bed, mode: Mode, key_bytes: Option<u16>, access: &str) -> Self {
        let name = cipher(key_bytes);
        Self {
            address: Address {
                mode,
                port: match mode {
                    Mode::Caller => bed.port,
                    Mode::Listener => free_udp_port(),
                },
                stream_id: format!("#!::r=live/{name},m={access},u=alice"),
                key_bytes,
                latency_millis: LATENCY_MILLIS,
                more: "",
            },
            name,
            relay: None,
            key_changes: 0,
        }
    }

    /// An encrypted caller over `path`.
    pub(crate) fn over(bed: &Bed, path: Path, access: &str) -> Self {
        let mut cell = Self::new(bed, Mode::Caller, Some(16), access);
        cell.name = format!("{}ms-{}", path.latency_millis, path.loss_per_mille);
        cell.address.stream_id = format!("#!::r=live/{},m={access}", cell.name);
        cell.address.latency_millis = path.latency_millis;
        cell.address.more = path.more;
        cell.key_changes = path.key_changes;
        if path.loss_per_mille > 0 {
            let to = ([127, 0, 0, 1], bed.port).into();
            let relay = LossyRelay::start(to, path.loss_per_mille, 7);
            cell.address.port = relay.port();
            cell.relay = Some(relay);
        }
        cell
    }

    pub(crate) fn settings(&self) -> String {
        let mut settings = match self.address.mode {
            Mode::Caller => {
                json!({ "listener": "ingest", "stream_id": format!("live/{}", self.name) })
            }
            Mode::Listener => json!({ "call": self.call() }),
        };
        if let Some(bytes) = self.address.key_bytes {
            settings["passphrase"] = PASSPHRASE.into();
            if self.address.mode == Mode::Listener {
                settings["pbkeylen"] = bytes.into();
            }
        }
        settings.to_string()
    }

    pub(crate) fn output_settings(&self) -> String {
        let mut settings: Value = serde_json::from_str(&self.settings()).unwrap();
        if self.address.mode == Mode::Caller && self.address.key_bytes.is_none() {
            settings["open"] = true.into();
        }
        settings.to_string()
    }

    /// How we call a peer that listens.
    fn call(&self) -> String {
        let id = self.address.stream_id.replace('#', "%23");
        format!(
            "srt://127.0.0.1:{}?latency=250&streamid={id}",
            self.address.port
        )
    }

    /// The source is connected as asked, and its media is whole.
    pub(crate) fn becomes_healthy(&self, bed: &Bed, sender: &Process) {
        let name = &self.name;
        let seen = std::cell::RefCell::new(Value::Null);
        let healthy = || {
            let status = serde_json::to_value(bed.source_status(name)?).ok()?;
            let video = &status["media"]["video"];
            let is_whole = video["width"] == 640 && status["media"]["audio"][0].is_object();
            let is_measured = status["srt"]["rtt_ms"].is_number();
            let key_changes = status["srt"]["total"]["key_refreshes"].as_u64();
            let is_followed = key_changes >= Some(self.key_changes);
            // Loss that is repaired is worth a warning, and no more.
            let is_well = match &self.relay {
                None if self.is_tight() => status["health"] != "error",
                None => status["health"] == "ok",
                Some(relay) => {
                    let lost = status["srt"]["packets_lost"].as_u64();
                    relay.lost() > 0 && lost > Some(0) && status["health"] != "error"
                }
            };
            let is_healthy = is_well && is_whole && is_measured && is_followed;
            *seen.borrow_mut() = status;
            is_healthy.then_some(())
        };
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(&format!("{name} is healthy"), healthy);
        }));
        let status = seen.borrow();
        assert!(found.is_ok(), "{name}: {status:#}\n{}", sender.output());
        assert_eq!(status["srt"]["encryption"], self.address.cipher(), "{name}");
        let latency = f64::from(self.address.latency_millis);
        assert_eq!(status["srt"]["latency_ms"], latency, "{name}");
        if !self.is_tight() {
            assert_eq!(status["srt"]["packets_dropped"], 0, "{name}");
            assert_eq!(status["media"]["continuity_errors"], 0, "{name}");
        }
        if self.address.mode == Mode::Caller {
            assert_eq!(status["srt"]["stream_id"], format!("live/{name}"));
        }
    }

    /// So little latency that a loaded machine may itself come too late.
    fn is_tight(&self) -> bool {
        self.address.latency_millis < TIGHT_MILLIS
    }

    /// Enough of the stream is in `file`.
    fn delivers(&self, bed: &Bed, file: &path::Path, process: &mut Process) {
        let has_enough = || {
            let bytes = std::fs::metadata(file).ok()?.len();
            (bytes >= ENOUGH_BYTES as u64).then_some(())
        };
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(&format!("{} receives", self.name), has_enough);
        }));
        let status = bed.output_status(&self.name);
        assert!(
            found.is_ok(),
            "{}: {status:?}\n{}",
            self.name,
            process.output()
        );
        process.signal(libc::SIGINT);
        if process.ended().is_none() {
            process.stop();
        }
    }
}

/// A minute of moving picture and tone, made once per test.
pub(crate) fn clip(folder: &path::Path) -> PathBuf {
    let file = folder.join("clip.ts");
    let mut made = peers::ffmpeg(
        "clip",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=640x360:r=25",
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:sample_rate=48000",
            "-t",
            &CLIP_SECONDS.to_string(),
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-bf",
            "0",
            "-g",
            "25",
            "-b:v",
            "1M",
            "-c:a",
            "aac",
            "-ac",
            "2",
            "-f",
            "mpegts",
            file.to_str().unwrap(),
        ],
        folder,
    );
    let status = made.finished_within(Duration::from_secs(60));
    assert!(status.success(), "{}", made.output());
    file
}

/// What was received is one unbroken piece of what was sent.
#[track_caller]
fn assert_part_of(received: &[u8], sent: &Gathered, name: &str) {
    let whole = received.len() / 188 * 188;
    assert!(whole >= ENOUGH_BYTES / 2, "{name}: {whole} bytes");
    let sent = sent.bytes();
    // Several packets together are unique; stuffing and tables repeat.
    let head = &received[..188 * 21];
    let at = sent
        .chunks(188)
        .enumerate()
        .map(|(index, _)| index * 188)
        .find(|at| sent[*at..].starts_with(head));
    let at = at.unwrap_or_else(|| panic!("{name}: its beginning was never sent"));
    let same = sent[at..].len().min(whole);
    super::common::assert_same(&received[..same], &sent[at..at + same]);
}

/// ffmpeg decodes it from its first key frame on without a complaint about missing pieces.
#[track_caller]
fn assert_decodes(file: &path::Path, name: &str) {
    let errors = peers::decode_errors(file.to_str().unwrap());
    let worrying: Vec<&str> = errors
        .lines()
        .filter(|line| {
            ["corrupt", "continuity", "concealing"]
                .iter()
                .any(|word| line.contains(word))
        })
        .collect();
    assert!(worrying.is_empty(), "{name}: {worrying:?}");
}
