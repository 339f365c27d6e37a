//! VLC and GStreamer watch the program by SRT over takes and a publisher that is killed: they
//! stay, show what is on air, and dislike nothing.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use tidegate_testkit::peers::have;
use tidegate_testkit::{Process, eventually, vlc};

use crate::theatre::{Film, MAIN, Theatre};

/// With B-frames, of which players find out whether something was cut away below them.
const CODECS: &str = "-c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -g 25 -b:v 500k \
                      -minrate 500k -maxrate 500k -bufsize 250k \
                      -x264-params nal-hrd=cbr:filler=1 -c:a aac -ac 2 -b:a 96k";
const RED: Film = Film {
    name: "red-film",
    picture: "color=c=red:s=320x180:r=25",
    codecs: CODECS,
    ..MAIN
};
const BLUE: Film = Film {
    name: "blue-film",
    picture: "color=c=blue:s=320x180:r=25",
    ..RED
};

/// What VLC writes of a picture of 320 x 180 in 4:2:0, and in front of it.
const FRAME: u64 = 6;
const LUMA: u64 = 320 * 180;
/// What GStreamer writes of a picture: one pixel of RGB, in a row that is filled up.
const PIXEL_ROW: u64 = 4;

/// A program that shows, and a file with the pictures that it has shown.
struct Player {
    name: &'static str,
    process: Process,
    file: PathBuf,
    /// The colour of the last of so many bytes.
    last: fn(&mut File, u64) -> Option<&'static str>,
    /// How much it had said when it began to show pictures: it joins in the middle of a group.
    joined: usize,
}

impl Player {
    fn gstreamer(url: &str, folder: &Path) -> Self {
        let name = "gstreamer";
        let file = folder.join("gstreamer.rgb");
        let line = format!(
            "-q srtsrc uri={url} latency=200 ! tsdemux name=parts \
             parts. ! queue ! h264parse ! avdec_h264 ! videoconvert ! videoscale \
             ! video/x-raw,format=RGB,width=1,height=1 \
             ! filesink buffer-mode=unbuffered location={} \
             parts. ! queue ! aacparse ! avdec_aac ! fakesink",
            file.display()
        );
        let mut command = Command::new("gst-launch-1.0");
        // Warnings and errors of all of its elements.
        command.env("GST_DEBUG", "2").env("GST_DEBUG_NO_COLOR", "1");
        command.args(line.split_whitespace());
        Self {
            name,
            process: Process::start(name, &mut command, folder),
            file,
            last: last_pixel,
            joined: 0,
        }
    }

    fn vlc(url: &str, folder: &Path) -> Self {
        let name = "vlc";
        let file = folder.join("vlc.y4m");
        let mut command = vlc::command(name, folder);
        command
            .args("-v -I dummy --no-video-title-show --no-osd --no-spu".split(' '))
            .args(
                "--no-drop-late-frames --no-skip-frames --avcodec-hw=none --network-caching=3000"
                    .split(' '),
            )
            .args("--aout=adummy --vout=yuv --yuv-chroma=I420 --yuv-yuv4mpeg2".split(' '))
            .arg(format!("--yuv-file={}", file.display()))
            .arg(url);
        Self {
            name,
            process: Process::start(name, &mut command, folder),
            file,
            last: last_picture,
            joined: 0,
        }
    }

    /// Waits until it shows that colour.
    #[track_caller]
    fn shows(&mut self, colour: &str) {
        let name = self.name;
        eventually(&format!("{name} shows {colour}"), || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "{name} left: {}", self.process.output());
            let mut file = File::open(&self.file).ok()?;
            let length = file.metadata().ok()?.len();
            ((self.last)(&mut file, length)? == colour).then_some(())
        });
    }

    /// Its demultiplexer, its decoders and its clock found nothing to warn of since it began.
    #[track_caller]
    fn stayed_and_was_silent(&mut self) {
        let (name, said) = (self.name, self.process.output());
        assert!(self.process.ended().is_none(), "{name} left: {said}");
        let said = said.split_at(said.floor_char_boundary(self.joined)).1;
        let warnings: Vec<&str> = said.lines().filter(|it| !is_of_the_machine(it)).collect();
        assert_eq!(warnings, [""; 0], "what {name} warns of");
    }
}

/// What a player is told of the machine that it runs on, which may be busy, and not of the stream.
fn is_of_the_machine(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric());
    words.any(|word| word == "late") || line.trim().is_empty()
}

/// So many bytes at that place.
fn bytes<const N: usize>(file: &mut File, at: u64) -> Option<[u8; N]> {
    let mut found = [0; N];
    file.seek(SeekFrom::Start(at)).ok()?;
    file.read_exact(&mut found).ok()?;
    Some(found)
}

fn last_pixel(file: &mut File, length: u64) -> Option<&'static str> {
    let at = (length / PIXEL_ROW).checked_sub(1)? * PIXEL_ROW;
    match bytes(file, at)? {
        [150..=255, 0..=100, 0..=100] => Some("red"),
        [0..=100, 0..=100, 150..=255] => Some("blue"),
        _ => None,
    }
}

fn last_picture(file: &mut File, length: u64) -> Option<&'static str> {
    let head: [u8; 256] = bytes(file, 0)?;
    let head = head.iter().position(|&byte| byte == b'\n')? as u64 + 1;
    let picture = FRAME + LUMA * 3 / 2;
    let at = head + (length.checked_sub(head)? / picture).checked_sub(1)? * picture;
    let chroma = at + FRAME + LUMA;
    let [blue] = bytes(file, chroma)?;
    let [red] = bytes(file, chroma + LUMA / 4)?;
    match (blue, red) {
        (..=110, 180..) => Some("red"),
        (180.., ..=130) => Some("blue"),
        _ => None,
    }
}

#[test]
fn vlc_and_gstreamer_go_on_over_takes_and_a_publisher_that_is_killed() {
    if !have(&["ffmpeg", "srt-live-transmit", "gst-launch-1.0"]) || !have(&vlc::PROGRAMS) {
        return;
    }
    let mut theatre = Theatre::recording("out/program", "", "");
    let [mut main, _backup] = theatre.cameras(&RED, &BLUE);
    let (url, folder) = (theatre.watched(), theatre.tidegate.folder());
    let mut players = [Player::gstreamer(&url, folder), Player::vlc(&url, folder)];
    theatre.has_viewers(3);
    for player in &mut players {
        player.shows("red");
        player.joined = player.process.output().len();
    }
    let mut see = |colour: &str| players.iter_mut().for_each(|player| player.shows(colour));
    for (input, colour) in [("backup", "blue"), ("main", "red")] {
        theatre.take(input);
        see(colour);
    }
    main.kill();
    theatre.on_air("backup");
    see("blue");
    theatre.goes_on();
    for player in &mut players {
        player.stayed_and_was_silent();
    }
    theatre.ends().is_seamless();
}
