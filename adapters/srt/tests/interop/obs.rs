//! OBS Studio: a real window on a virtual screen, sending its scene and showing feeds.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tidegate_testkit::{Process, eventually, peers};

use super::address::{Address, KEYS, LatencyUnit, Mode};
use super::common::Bed;
use super::stage::{Cell, LISTENER, clip};

const PROGRAMS: [&str; 3] = ["obs", "Xvfb", "ffmpeg"];
const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;

/// OBS with its screen; both end with it.
struct Obs {
    process: Process,
    _screen: Process,
}

impl Obs {
    /// Starts OBS showing `inputs` side by side, and sends that to `to`.
    fn start(name: &str, inputs: &[Value], to: &Address, folder: &Path) -> Self {
        let home = folder.join(format!("{name}-home"));
        let config = home.join(".config/obs-studio");
        let profile = config.join("basic/profiles/Test");
        let scenes = config.join("basic/scenes");
        for path in [&profile, &scenes] {
            std::fs::create_dir_all(path).unwrap();
        }
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
        let url = to.url(LatencyUnit::Microseconds) + "&pkt_size=1316";
        let service = json!({ "type": "rtmp_custom", "settings":
            { "server": url, "key": "", "use_auth": false, "bwtest": false } });
        for (path, text) in [
            (config.join("global.ini"), GLOBAL.to_owned()),
            (profile.join("basic.ini"), BASIC.to_owned()),
            (profile.join("service.json"), service.to_string()),
            (scenes.join("Test.json"), collection(inputs).to_string()),
        ] {
            std::fs::write(path, text).unwrap();
        }
        let (screen, display) = screen(name, folder);
        let mut command = Command::new("obs");
        command
            .env("HOME", &home)
            .env("XDG_RUNTIME_DIR", &home)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("QT_QPA_PLATFORM", "xcb")
            .env("DISPLAY", display)
            .env_remove("XDG_CONFIG_HOME")
            .args(["--multi", "--profile", "Test", "--collection", "Test"])
            .args(["--startstreaming", "--verbose"]);
        Self {
            process: Process::start(name, &mut command, folder),
            _screen: screen,
        }
    }
}

/// A virtual screen with a number that was free.
fn screen(name: &str, folder: &Path) -> (Process, String) {
    let mut command = Command::new("Xvfb");
    command.args([
        "-displayfd",
        "1",
        "-screen",
        "0",
        "1024x768x24",
        "-nolisten",
        "tcp",
    ]);
    let process = Process::start(&format!("{name}-screen"), &mut command, folder);
    let number = eventually("the screen is there", || {
        let output = process.output();
        let line = output
            .lines()
            .find(|line| !line.is_empty() && line.bytes().all(|c| c.is_ascii_digit()));
        line.map(str::to_owned)
    });
    (process, format!(":{number}"))
}

const GLOBAL: &str = "\
[General]
FirstRun=true
LastVersion=486539266
EnableAutoUpdates=false
[Basic]
Profile=Test
ProfileDir=Test
SceneCollection=Test
SceneCollectionFile=Test
[BasicWindow]
PreviewEnabled=false
[OBSWebSocket]
FirstLoad=false
ServerEnabled=false
";

const BASIC: &str = "\
[General]
Name=Test
[Output]
Mode=Simple
Reconnect=true
RetryDelay=1
[SimpleOutput]
StreamEncoder=x264
Preset=ultrafast
VBitrate=800
ABitrate=96
UseAdvanced=true
x264Settings=keyint=25
[Video]
BaseCX=640
BaseCY=360
OutputCX=640
OutputCY=360
FPSType=0
FPSCommon=25 PAL
[Audio]
SampleRate=48000
";

/// A scene with `inputs`, settings of media sources, one per quarter; a single one fills it.
fn collection(inputs: &[Value]) -> Value {
    let scale = if inputs.len() == 1 { 1.0 } else { 0.5 };
    let items: Vec<Value> = (0..inputs.len())
        .map(|index| {
            let (column, row) = (index % 2, index / 2);
            json!({ "name": format!("input{index}"), "id": index + 1, "visible": true, "locked": false,
                "pos": { "x": column as f64 * f64::from(WIDTH) / 2.0, "y": row as f64 * f64::from(HEIGHT) / 2.0 },
                "scale": { "x": scale, "y": scale }, "align": 5, "bounds_type": 0, "bounds_align": 0,
                "bounds": { "x": 0.0, "y": 0.0 }, "rot": 0.0 })
        })
        .collect();
    let mut sources = vec![
        json!({ "name": "Scene", "id": "scene", "versioned_id": "scene",
        "settings": { "custom_size": false, "id_counter": inputs.len(), "items": items } }),
    ];
    for (index, settings) in inputs.iter().enumerate() {
        sources.push(
            json!({ "name": format!("input{index}"), "id": "ffmpeg_source",
            "versioned_id": "ffmpeg_source", "settings": settings, "volume": 1.0, "mixers": 255 }),
        );
    }
    json!({ "name": "Test", "current_scene": "Scene", "current_program_scene": "Scene",
        "scene_order": [{ "name": "Scene" }], "sources": sources })
}

fn file_input(clip: &Path) -> Value {
    json!({ "is_local_file": true, "local_file": clip, "looping": true, "hw_decode": false })
}

/// OBS sends with one key length after the other: it has one output.
fn sends(mode: Mode) {
    if !peers::have(&PROGRAMS) {
        return;
    }
    let bed = Bed::with_listener(LISTENER);
    let clip = clip(bed.folder());
    for key in KEYS {
        let cell = Cell::new(&bed, mode, key, "publish");
        bed.source(&cell.name, &cell.settings());
        let obs = Obs::start(
            &cell.name,
            &[file_input(&clip)],
            &cell.address,
            bed.folder(),
        );
        cell.becomes_healthy(&bed, &obs.process);
    }
    assert!(!bed.has_rejections());
}

#[test]
fn obs_calls_and_sends() {
    sends(Mode::Caller);
}

#[test]
fn obs_listens_and_sends() {
    sends(Mode::Listener);
}

/// OBS shows four feeds at once, one per key length, and sends what it shows back to us: each
/// quarter of that picture must have come alive.
#[test]
fn obs_calls_and_shows() {
    if !peers::have(&PROGRAMS) {
        return;
    }
    let bed = Bed::with_listener(LISTENER);
    let clip = clip(bed.folder());
    bed.source("cam", r#"{ "listener": "ingest", "stream_id": "cam" }"#);
    bed.source("seen", r#"{ "listener": "ingest", "stream_id": "seen" }"#);
    let to = |stream_id: &str| Address::plain(bed.port, stream_id);
    let _camera = super::ffmpeg::send("camera", &to("cam"), &clip, bed.folder());
    bed.wait_connected("cam");
    let cells: Vec<Cell> = KEYS
        .map(|key| Cell::new(&bed, Mode::Caller, key, "request"))
        .into();
    let inputs: Vec<Value> = cells
        .iter()
        .map(|cell| {
            bed.output(&cell.name, "cam", &cell.output_settings());
            let url = cell.address.url(LatencyUnit::Microseconds);
            json!({ "is_local_file": false, "input": url, "input_format": "mpegts",
                "hw_decode": false, "reconnect_delay_sec": 1, "buffering_mb": 1 })
        })
        .collect();
    let seen = bed.gather("seen");
    let obs = Obs::start("viewer", &inputs, &to("seen"), bed.folder());
    let mut judged = 0;
    eventually("every quarter shows a picture", || {
        let bytes = seen.bytes();
        // Decoding is dear: only when a second or so has been added.
        (bytes.len() > judged + 100_000).then_some(())?;
        judged = bytes.len();
        let lively = lively_quarters(&bytes, bed.folder())?;
        assert!(
            bed.source_status("seen").is_some(),
            "{}",
            obs.process.output()
        );
        (lively == [true; 4]).then_some(())
    });
    for cell in &cells {
        assert_eq!(bed.output_status(&cell.name).readers, 1, "{}", cell.name);
    }
}

/// Which quarters of the last picture have contrast: an empty one is black.
fn lively_quarters(stream: &[u8], folder: &Path) -> Option<[bool; 4]> {
    let file = folder.join("seen.ts");
    // The last two seconds or so hold a key frame.
    let from = stream.len().saturating_sub(400_000) / 188 * 188;
    std::fs::write(&file, &stream[from..]).unwrap();
    let picture = last_picture(&file, folder)?;
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let quarter = |index: usize| {
        let (column, row) = (index % 2, index / 2);
        let pixel =
            |x: usize, y: usize| picture[(row * height / 2 + y) * width + column * width / 2 + x];
        let values = (0..height / 2)
            .step_by(4)
            .flat_map(|y| (0..width / 2).step_by(4).map(move |x| (x, y)));
        let (low, high) = values.fold((255, 0), |(low, high), (x, y)| {
            let value = pixel(x, y);
            (value.min(low), value.max(high))
        });
        high - low > 100
    };
    Some([0, 1, 2, 3].map(quarter))
}

/// Its grey values, row by row.
fn last_picture(file: &Path, folder: &Path) -> Option<Vec<u8>> {
    let raw = folder.join("seen.gray");
    let arguments = [
        "-i",
        file.to_str()?,
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        raw.to_str()?,
    ];
    peers::ffmpeg("decode", &arguments, folder).finished_within(std::time::Duration::from_secs(30));
    let frames = std::fs::read(raw).ok()?;
    let size = (WIDTH * HEIGHT) as usize;
    frames.rchunks_exact(size).next().map(<[u8]>::to_vec)
}
