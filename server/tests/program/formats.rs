//! A backup in another format: what players make of it, and what refuses it.

use serde_json::{Value, json};
use std::process::Command;
use tidegate_testkit::peers::have;
use tidegate_testkit::{Process, eventually, vlc};

use crate::audience::{Platform, complaints, hls_periods, hls_player};
use crate::measured::{Measured, PCR_STEP_MAX, PICTURE};
use crate::theatre::{BACKUP, Film, MAIN, Theatre};

const LARGER: Film = Film {
    name: "larger-film",
    picture: "mandelbrot=s=480x270:r=25",
    ..MAIN
};
const HEVC: Film = Film {
    name: "hevc-film",
    codecs: "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25 -pix_fmt yuv420p \
             -b:v 400k -c:a aac -ac 2 -b:a 96k",
    ..BACKUP
};
const MP2: Film = Film {
    name: "mp2-film",
    codecs: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 500k -c:a mp2 -ac 2 -b:a 128k",
    ..BACKUP
};

/// A theatre with a platform and web viewers, whose backup is in another format.
struct Mixed {
    theatre: Theatre,
    platform: Platform,
    _cameras: [Process; 2],
}

impl Mixed {
    /// `None` if this machine lacks a program.
    fn begin(film: &Film, open: fn(&str, &str) -> Theatre) -> Option<Self> {
        if !have(&["ffmpeg", "ffprobe", "srt-live-transmit", "nginx"]) || !have(&vlc::PROGRAMS) {
            return None;
        }
        let platform = Platform::start();
        let outputs = format!(
            "outputs:\n\
             - {{ name: viewers, source: program, hls: {{ segment: 1s, window: 40 }} }}\n\
             - {{ name: live, source: program, rtmp: {{ url: \"rtmp://127.0.0.1:{}/live\", key: it }} }}\n",
            platform.port
        );
        let theatre = open("", &outputs);
        let cameras = theatre.cameras(&MAIN, film);
        let switch = theatre.switch();
        assert_eq!(switch["inputs"][1]["same_format"], false, "{switch}");
        let publishes = |view: &Value| view["delivering"] == true;
        theatre
            .tidegate
            .output_becomes("live", "publishes", publishes);
        Some(Self {
            theatre,
            platform,
            _cameras: cameras,
        })
    }

    /// Once there and back; what the platform was sent in between.
    fn there_and_back(&self, tracks: &[&str]) {
        self.theatre.take("backup");
        self.theatre.goes_on();
        self.live_has(tracks);
        self.theatre.take("main");
        self.theatre.goes_on();
        self.live_has(&["h264 320x180", "aac 48000 Hz"]);
    }

    fn live_has(&self, tracks: &[&str]) {
        let are = |view: &Value| view["detail"]["rtmp"]["tracks"] == json!(tracks);
        let server = &self.theatre.tidegate;
        let view = server.output_becomes("live", "sends these tracks", are);
        assert_eq!(
            (&view["reconnects"], &view["delivering"]),
            (&json!(0), &json!(true))
        );
    }

    /// What web viewers get: each format with a beginning of its own, each without a fault.
    fn web_viewers_get(&self, formats: &[&str]) {
        let periods = eventually("web viewers have all of it", || {
            let periods = hls_periods(&self.theatre.tidegate, "viewers");
            (periods.len() == formats.len()).then_some(periods)
        });
        for (period, format) in periods.iter().zip(formats) {
            assert_eq!(
                (period.streams.as_str(), period.complaints.as_str()),
                (*format, "")
            );
        }
    }

    /// Nobody left, and nothing is wrong with packets and clock.
    fn ends(&mut self) -> Measured {
        assert_eq!(self.platform.recordings().len(), 1, "it was published once");
        let measured = self.theatre.ends();
        assert_eq!(measured.faults, [""; 0]);
        let picture = measured
            .tracks
            .values()
            .find(|steps| steps.usual == PICTURE);
        let picture = picture.expect("pictures");
        assert!((picture.most - PICTURE).abs() <= 2, "{measured:#?}");
        measured
    }
}

/// VLC watches the program by SRT, and says which decoders it uses.
fn vlc_watches(theatre: &Theatre) -> Process {
    let mut command: Command = vlc::command("vlc", theatre.tidegate.folder());
    command
        .args("-vv -I dummy --vout dummy --aout dummy --avcodec-hw=none".split(' '))
        .arg(theatre.watched());
    let watches = Process::start("vlc", &mut command, theatre.tidegate.folder());
    theatre.has_viewers(2);
    watches
}

/// VLC says this, so many times at least.
#[track_caller]
fn said(vlc: &Process, words: &str, times: usize) {
    eventually(&format!("VLC says {words} {times} times"), || {
        (vlc.output().matches(words).count() >= times).then_some(())
    });
}

const USUAL: &str = "aac,48000 h264,320,180";

#[test]
fn another_picture_size_is_shown_by_players_that_decode_what_comes() {
    let Some(mut mixed) = Mixed::begin(&LARGER, Theatre::open) else {
        return;
    };
    mixed.there_and_back(&["h264 480x270", "aac 48000 Hz"]);
    mixed.web_viewers_get(&[USUAL, "aac,48000 h264,480,270", USUAL]);
    // Its decoder, which is ffmpeg by SRT, was silent.
    let measured = mixed.ends();
    assert_eq!(measured.discontinuities, 0, "the codecs are the same");
    assert!(measured.pcr_step_max <= PCR_STEP_MAX, "{measured:#?}");
    assert_eq!(complaints(&mixed.platform.recordings()[0]), "");
    assert_eq!(complaints(mixed.theatre.file()), "");
}

#[test]
fn another_picture_codec_gets_another_decoder_in_vlc_and_a_new_beginning_in_hls() {
    let Some(mut mixed) = Mixed::begin(&HEVC, Theatre::without_decoder) else {
        return;
    };
    let mut vlc = vlc_watches(&mixed.theatre);
    said(&vlc, "codec (h264) started", 1);
    let mut player = hls_player(&mixed.theatre.tidegate, "viewers");
    mixed.there_and_back(&["hevc 320x180", "aac 48000 Hz"]);
    said(&vlc, "codec (hevc) started", 1);
    said(&vlc, "killing decoder fourcc `hevc'", 1);
    assert!(vlc.ended().is_none(), "VLC stays");
    assert!(player.ended().is_none(), "ffmpeg's player stays");
    mixed.web_viewers_get(&[USUAL, "aac,48000 hevc,320,180", USUAL]);
    let measured = mixed.ends();
    assert_eq!(measured.discontinuities, 2, "once there and once back");
}

#[test]
fn another_sound_codec_gets_another_decoder_in_vlc_and_is_left_out_where_it_cannot_go() {
    let Some(mut mixed) = Mixed::begin(&MP2, Theatre::without_decoder) else {
        return;
    };
    let mut vlc = vlc_watches(&mixed.theatre);
    said(&vlc, "using audio decoder module", 1);
    mixed.there_and_back(&["h264 320x180"]);
    let live = mixed.theatre.tidegate.output_status("live");
    let error = live["last_error"].as_str().unwrap();
    assert!(error.contains("mp2. Encode it as AAC."), "{error}");
    said(&vlc, "killing decoder fourcc `mpga'", 1);
    assert!(vlc.ended().is_none(), "VLC stays");
    mixed.web_viewers_get(&[USUAL, "h264,320,180", USUAL]);
    let measured = mixed.ends();
    assert!(measured.pcr_step_max <= PCR_STEP_MAX, "{measured:#?}");
    assert_eq!(measured.discontinuities, 2, "once there and once back");
    assert_eq!(complaints(&mixed.platform.recordings()[0]), "");
}

#[test]
fn a_backup_in_another_format_is_refused_where_that_is_wanted() {
    if !have(&["ffmpeg", "ffprobe", "srt-live-transmit"]) {
        return;
    }
    let mut theatre = Theatre::open("on_mismatch: refuse", "");
    theatre.has_films(&[&MAIN, &LARGER, &BACKUP]);
    let mut main = theatre.camera("main", &MAIN);
    theatre.on_air("main");
    let backup = theatre.camera("backup", &LARGER);
    let switch = theatre.becomes("the backup is of another format", |switch| {
        switch["standby"][0]["reasons"][0]["code"] == "format"
    });
    let standby = &switch["standby"][0];
    assert_eq!(
        (&standby["ready"], &switch["preview"]),
        (&json!(false), &json!(null))
    );
    let text = standby["reasons"][0]["text"].as_str().unwrap();
    let (own, its) = (
        "h264 320x180 25 · aac stereo",
        "h264 480x270 25 · aac stereo",
    );
    assert_eq!(text, format!("format differs: {its} instead of {own}"));
    for force in [false, true] {
        let body = json!({ "input": "backup", "force": force });
        let answer = theatre.post("take", &body);
        let problem = answer.json();
        assert_eq!(answer.status, 409, "{problem}");
        assert_eq!(problem["type"], "urn:tidegate:problem:other_format");
        assert!(
            problem["detail"].as_str().unwrap().contains(its),
            "{problem}"
        );
        assert!(
            problem["advice"].as_str().unwrap().contains("on_mismatch"),
            "{problem}"
        );
    }
    // Some seconds of it.
    theatre.goes_on();
    theatre.goes_on();
    theatre.goes_on();
    theatre.ends_well();
    // Nothing goes on air instead of a main that is gone.
    main.kill();
    theatre.becomes("main is gone and stays", |switch| {
        switch["active"] == "main" && switch["inputs"][0]["connected"] == false
    });
    // Set as it should be it is taken, by itself.
    drop(backup);
    let _backup = theatre.camera("backup", &BACKUP);
    theatre.on_air("backup");
    assert_eq!(theatre.switch()["switches"], 1);
}
