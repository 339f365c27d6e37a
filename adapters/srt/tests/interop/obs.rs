//! OBS Studio: a real window on a virtual screen, sending its scene and showing feeds.

use std::path::Path;

use serde_json::{Value, json};
use tidegate_testkit::obs::{HEIGHT, Obs, PROGRAMS, WIDTH, file_input};
use tidegate_testkit::{eventually, peers};

use super::address::{Address, KEYS, LatencyUnit, Mode};
use super::common::Bed;
use super::stage::{Cell, LISTENER, clip};

/// Starts OBS, which sends to `to`.
fn start(name: &str, inputs: &[Value], to: &Address, folder: &Path) -> Obs {
    let server = to.url(LatencyUnit::Microseconds) + "&pkt_size=1316";
    Obs::start(name, inputs, &server, "", folder)
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
        let obs = start(
            &cell.name,
            &[file_input(&clip)],
            &cell.address,
            bed.folder(),
        );
        cell.becomes_healthy(&bed, obs.process());
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
    let obs = start("viewer", &inputs, &to("seen"), bed.folder());
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
            obs.process().output()
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
