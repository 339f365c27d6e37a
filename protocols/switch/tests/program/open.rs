//! Cuts into H.264 with open groups: key frames that are no IDR pictures, and that pictures lead
//! which refer to what was before.

use crate::real::{SOUND, decoded, made, switched};
use std::process::Command;

/// What a stream has of pictures.
#[derive(Debug, Default)]
struct Pictures {
    count: usize,
    /// Those that have a slice of an IDR picture.
    instantaneous: usize,
    /// Presentation times, as they are shown.
    shown: Vec<i64>,
    /// Decoding times that do not rise, or come behind the presentation.
    mistimed: usize,
    /// How often a decoder is told something else of what it decodes.
    formats: usize,
}

fn pictures(stream: &[u8]) -> Pictures {
    let mut demux = tidegate_mpegts::Demux::new();
    demux.push(tidegate_mpegts::Stamp::default(), stream);
    demux.flush();
    let mut found = Pictures::default();
    let mut last_dts = None;
    let mut format = None;
    while let Some(event) = demux.next_event() {
        let unit = match event {
            tidegate_mpegts::Event::Unit(unit) => unit,
            tidegate_mpegts::Event::Tracks(tracks) => {
                let configs = tracks.iter().filter_map(|track| track.config.clone());
                let video = configs.into_iter().find(|config| config.video().is_some());
                found.formats += usize::from(video.is_some() && video != format);
                format = video.or(format);
                continue;
            }
        };
        if unit.data.starts_with(&[0, 0, 0, 1]) {
            found.count += 1;
            let mut types = unit.data.windows(4).filter(|it| it.starts_with(&[0, 0, 1]));
            found.instantaneous += usize::from(types.any(|it| it[3] & 0x1F == 5));
            found.shown.push(unit.pts);
            let rises = last_dts.is_none_or(|last| last < unit.dts);
            found.mistimed += usize::from(!rises || unit.dts > unit.pts);
            last_dts = Some(unit.dts);
        }
    }
    found.shown.sort_unstable();
    found
}

/// What each picture of a stream looks like, as a decoder shows them.
fn looks(stream: &[u8]) -> Vec<String> {
    let thread = std::thread::current().id();
    let name = format!("tidegate-switch-looks-{}-{thread:?}.ts", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, stream).expect("the temporary folder is writable");
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(&path)
        .args(["-map", "0:v", "-fps_mode", "passthrough"])
        .args(["-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg is installed");
    let _ = std::fs::remove_file(&path);
    let text = String::from_utf8_lossy(&run.stdout);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let looks = lines.filter_map(|line| line.rsplit(',').next());
    looks.map(|look| look.trim().to_owned()).collect()
}

fn of_x264(options: &str) -> Option<Vec<u8>> {
    let picture = "-f lavfi -i testsrc2=s=320x180:r=25";
    made(&format!(
        "{picture} {SOUND} -t 12 -pix_fmt yuv420p -c:v libx264 -preset veryfast \
         -b_strategy 0 -sc_threshold 0 -c:a aac {options}"
    ))
}

/// Recovery points alone but for the first picture, so many pictures apart.
fn open(distance: u32, more: &str) -> String {
    format!("-x264-params open-gop=1:keyint={distance}:min-keyint={distance}{more}")
}

#[test]
fn a_decoder_begins_without_a_complaint_and_shows_every_picture_behind_an_open_entry() {
    let pairs = [
        (
            "-bf 2 -g 50".to_owned(),
            format!("-bf 3 {}", open(40, ":b-pyramid=none")),
        ),
        (
            "-bf 0 -g 50".to_owned(),
            format!(
                "-bf 2 -refs 4 {} -output_ts_offset 95438",
                open(40, ":b-pyramid=none")
            ),
        ),
        (
            format!("-bf 3 {}", open(40, "")),
            format!("-bf 2 {} -coder vlc", open(40, ":b-pyramid=none")),
        ),
    ];
    for (a, b) in pairs {
        let (Some(a_ts), Some(b_ts)) = (of_x264(&a), of_x264(&b)) else {
            return;
        };
        let alone = pictures(&b_ts);
        assert_eq!((alone.count, alone.instantaneous), (300, 1), "{b}");
        for (takes, cuts) in [(&[2_500, 5_200, 8_100][..], &[][..]), (&[], &[4_321])] {
            let out = switched([&a_ts, &b_ts], 500, takes, cuts);
            let (complaints, shown) = decoded(&out);
            assert_eq!(complaints, "", "{a} | {b} | {takes:?} {cuts:?}");
            assert_eq!(
                shown,
                pictures(&out).count,
                "{a} | {b} | {takes:?} {cuts:?}"
            );
        }
    }
}

#[test]
fn pictures_behind_an_open_entry_look_as_they_do_without_a_switch() {
    let inputs = [
        // References among what leads the entry, that frames are forgotten for.
        format!("-bf 3 -refs 5 {}", open(35, ":slices=4")),
        format!("-bf 2 -refs 3 {} -coder vlc", open(40, "")),
        format!("-bf 3 {}", open(40, ":b-pyramid=strict")),
        // Every other entry has the number zero, or all have.
        format!("-bf 2 {}", open(24, ":b-pyramid=none")),
        format!("-bf 1 -refs 2 {}", open(32, ":direct=temporal")),
        // Frames of fields.
        format!("-bf 2 -refs 3 -flags +ildct+ilme {}", open(33, ":tff=1")),
    ];
    let Some(before) = of_x264("-bf 2 -g 50") else {
        return;
    };
    for input in inputs {
        let Some(stream) = of_x264(&input) else {
            return;
        };
        let alone = looks(&stream);
        assert_eq!(alone.len(), 300, "{input}");
        for take in [2_500, 4_200, 5_800] {
            let out = switched([&before, &stream], 300, &[take], &[]);
            let (complaints, shown) = decoded(&out);
            assert_eq!(complaints, "", "{input}, {take}");
            let switched = looks(&out);
            assert_eq!(switched.len(), shown, "{input}, {take}");
            let pairs = switched.iter().rev().zip(alone.iter().rev());
            let same = pairs.take_while(|(one, other)| one == other).count();
            assert!(same > 100, "{input}, {take}: {same}");
            // In front of the entry there is the entry again, but where it begins by itself.
            let entry = &alone[alone.len() - same];
            let is_twice = switched[switched.len() - same - 1] == *entry;
            assert!(is_twice || input.contains("keyint=24") || input.contains("keyint=32"));
            let found = pictures(&out);
            let steps = found.shown.windows(2).map(|pair| pair[1] - pair[0]);
            let uneven: Vec<i64> = steps.filter(|&step| step != 3_600).collect();
            assert_eq!(uneven, [0; 0], "{input}, {take}");
            assert_eq!((found.mistimed, found.formats), (0, 2), "{input}, {take}");
        }
    }
}
