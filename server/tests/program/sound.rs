//! Sound that is transcoded behind a switch goes on over its cuts, whatever its inputs' codecs.

use std::path::Path;
use std::process::Command;

use tidegate_testkit::peers::have;

use crate::theatre::{Film, Theatre};

/// A flash and a beep in the middle of each second, far from any key frame.
const FLASHES: &str = "color=c=black:s=320x180:r=25,\
    drawbox=w=iw:h=ih:color=white:t=fill:enable='lt(mod(t+0.501,1),0.2)'";
const BEEPS: &str = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t+0.501,1),0.2)':s=48000";
const AAC: Film = Film {
    name: "flashes-aac",
    picture: FLASHES,
    sound: BEEPS,
    codecs: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 400k -minrate 400k \
             -maxrate 400k -bufsize 200k -x264-params nal-hrd=cbr:filler=1 -c:a aac -ac 2 -b:a 96k",
};
const MP2: Film = Film {
    name: "flashes-mp2",
    codecs: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 400k -minrate 400k \
             -maxrate 400k -bufsize 200k -x264-params nal-hrd=cbr:filler=1 -c:a mp2 -ac 2 -b:a 128k",
    ..AAC
};

/// Sound and picture of the inputs are as far apart as that in the output.
const TOGETHER_SECONDS: f64 = 0.020;

/// Behind the switch, its sound in one codec.
const TRANSCODED: &str = "\
    - { name: sound, transcode: { source: program, audio: aac stereo 128k } }\n\
    outputs:\n\
    - { name: final, source: sound, srt: { listener: ingest, stream_id: out/sound, open: true } }\n";

/// By how many seconds each beep is later than its flash; of all flashes but the last.
fn offsets(file: &Path) -> Vec<f64> {
    let found = Command::new("ffmpeg")
        .args("-hide_banner -nostdin -copyts -i".split(' '))
        .arg(file)
        .args("-vf blackdetect=d=0.2:pix_th=0.5 -af silencedetect=noise=-20dB:d=0.2".split(' '))
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&found.stderr).into_owned();
    let times = |word: &str| -> Vec<f64> {
        let all = said.split(word).skip(1);
        all.filter_map(|rest| rest.split_whitespace().next()?.parse().ok())
            .collect()
    };
    let (mut flashes, beeps) = (times("black_end:"), times("silence_end: "));
    // Both filters also say so where the file ends, which picture and sound need not do together.
    flashes.pop();
    let nearest = |flash: &f64| {
        let offs = beeps.iter().map(|beep| beep - flash);
        offs.min_by(|one, other| one.abs().total_cmp(&other.abs()))
    };
    let offs = flashes.iter().filter_map(nearest);
    // What is cut in the middle has no partner.
    offs.filter(|off| off.abs() < 0.3).collect()
}

fn goes_on_over_takes(backup: &Film) {
    if !have(&["ffmpeg", "ffprobe", "srt-live-transmit"]) {
        return;
    }
    let mut theatre = Theatre::recording("out/sound", "", TRANSCODED);
    let _cameras = theatre.cameras(&AAC, backup);
    for input in ["backup", "main", "backup"] {
        theatre.take(input);
        theatre.goes_on();
    }
    let mut measured = theatre.ends();
    if backup.name == AAC.name {
        measured.is_seamless();
    }
    // Another codec needs another ffmpeg, which on a busy machine takes longer to start than sound
    // is waited for: some of it may come late, or be missing.
    measured
        .faults
        .retain(|fault| !fault.contains("ahead of the clock"));
    assert_eq!(measured.faults, [""; 0]);
    let offs = offsets(theatre.file());
    let (least, most) = (
        offs.iter().copied().fold(f64::MAX, f64::min),
        offs.iter().copied().fold(f64::MIN, f64::max),
    );
    assert!(
        offs.len() >= 6 && most - least < TOGETHER_SECONDS,
        "{offs:?}"
    );
}

#[test]
fn transcoded_sound_goes_on_over_takes() {
    goes_on_over_takes(&AAC);
}

#[test]
fn transcoded_sound_goes_on_over_takes_between_inputs_with_different_sound() {
    goes_on_over_takes(&MP2);
}
