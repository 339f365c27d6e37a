//! OBS Studio: a real window on a virtual screen, sending its scene.

use crate::{Process, eventually};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The programs it takes.
pub const PROGRAMS: [&str; 3] = ["obs", "Xvfb", "ffmpeg"];
/// The size of its picture.
pub const WIDTH: u32 = 640;
/// As [`WIDTH`].
pub const HEIGHT: u32 = 360;

/// OBS with its screen; both end with it.
#[derive(Debug)]
pub struct Obs {
    process: Process,
    _screen: Process,
}

impl Obs {
    /// Starts OBS showing `inputs` (settings of media sources) side by side, and sends that to
    /// `server`, with `key` where the protocol has one.
    ///
    /// # Panics
    /// If its folder cannot be written or it cannot be started.
    #[must_use]
    pub fn start(name: &str, inputs: &[Value], server: &str, key: &str, folder: &Path) -> Self {
        let home = folder.join(format!("{name}-home"));
        let config = home.join(".config/obs-studio");
        let profile = config.join("basic/profiles/Test");
        let scenes = config.join("basic/scenes");
        for path in [&profile, &scenes] {
            std::fs::create_dir_all(path).expect("a folder for OBS");
        }
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&home, private).expect("its home is its own");
        let service = json!({ "type": "rtmp_custom", "settings":
            { "server": server, "key": key, "use_auth": false, "bwtest": false } });
        for (path, text) in [
            (config.join("global.ini"), GLOBAL.to_owned()),
            (profile.join("basic.ini"), BASIC.to_owned()),
            (profile.join("service.json"), service.to_string()),
            (scenes.join("Test.json"), collection(inputs).to_string()),
        ] {
            std::fs::write(path, text).expect("OBS's settings");
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

    /// OBS itself.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }
}

/// Settings of a media source that plays a file again and again.
#[must_use]
pub fn file_input(clip: &Path) -> Value {
    json!({ "is_local_file": true, "local_file": clip, "looping": true, "hw_decode": false })
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
