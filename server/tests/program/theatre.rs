//! Publishers and viewers that are programs of others, over SRT, and the program between them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;
use tidegate_testkit::peers::{ffmpeg, srt_to_file};
use tidegate_testkit::{Answer, LossyRelay, Process, Tidegate, eventually};

use crate::audience::{complaints, whole};
use crate::measured::{Measured, probed};

/// Longer than any test, on a busy machine too.
const SECONDS: u32 = 90;
/// What a viewer has in hand before something happens, and behind it: some seconds.
const A_WHILE_BYTES: u64 = 150_000;

/// Two cameras, a switch, a reader that records, and a decoder that takes nothing amiss.
pub(crate) struct Theatre {
    pub(crate) tidegate: Tidegate,
    /// What is watched.
    stream: &'static str,
    file: PathBuf,
    recorder: Process,
    decoder: Option<Process>,
    received: Vec<u8>,
}

/// A camera's programme: ffmpeg's options for its picture, its sound, and its encoders.
#[derive(Clone, Copy)]
pub(crate) struct Film {
    pub(crate) name: &'static str,
    pub(crate) picture: &'static str,
    pub(crate) sound: &'static str,
    pub(crate) codecs: &'static str,
}

const TONE: &str = "sine=frequency=440:sample_rate=48000";
const H264: &str =
    "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 500k -c:a aac -ac 2 -b:a 96k";

pub(crate) const MAIN: Film = Film {
    name: "main-film",
    picture: "testsrc2=s=320x180:r=25",
    sound: TONE,
    codecs: H264,
};
pub(crate) const BACKUP: Film = Film {
    name: "backup-film",
    picture: "mandelbrot=s=320x180:r=25",
    ..MAIN
};

impl Film {
    /// Made once for all tests of this run that show it.
    pub(crate) fn file(&self, folder: &Path) -> PathBuf {
        static MADE: Mutex<Vec<(&str, Vec<u8>)>> = Mutex::new(Vec::new());
        let file = folder.join(format!("{}.ts", self.name));
        if file.exists() {
            return file;
        }
        let mut made = MADE.lock().unwrap();
        if let Some((_, bytes)) = made.iter().find(|(name, _)| *name == self.name) {
            std::fs::write(&file, bytes).unwrap();
            return file;
        }
        let status = Command::new("ffmpeg")
            .args("-hide_banner -nostdin -v error -y -f lavfi -i".split(' '))
            .args([self.picture, "-f", "lavfi", "-i", self.sound])
            .args(["-t", &SECONDS.to_string()])
            .args(self.codecs.split_whitespace())
            .args(["-f", "mpegts"])
            .arg(&file)
            .status();
        assert!(status.unwrap().success(), "{} is made", self.name);
        made.push((self.name, std::fs::read(&file).unwrap()));
        file
    }
}

impl Theatre {
    /// With these settings of the switch, and more sources or outputs.
    pub(crate) fn open(settings: &str, more: &str) -> Self {
        Self::watching("out/program", settings, more)
    }

    /// With viewers of that stream.
    pub(crate) fn watching(stream: &'static str, settings: &str, more: &str) -> Self {
        let mut theatre = Self::recording(stream, settings, more);
        let mut command = Command::new("ffmpeg");
        command.args("-hide_banner -nostdin -v warning -xerror -err_detect explode -i".split(' '));
        command.args([&theatre.watched(), "-f", "null", "-"]);
        let folder = theatre.tidegate.folder();
        theatre.decoder = Some(Process::start("decoder", &mut command, folder));
        theatre.has_viewers(2);
        theatre
    }

    pub(crate) fn without_decoder(settings: &str, more: &str) -> Self {
        Self::recording("out/program", settings, more)
    }

    /// Of that stream, and nobody else watches.
    pub(crate) fn recording(stream: &'static str, settings: &str, more: &str) -> Self {
        // A busy machine lets publishers stand still for 150 ms now and then.
        let patient = if settings.contains("triggers:") {
            ""
        } else {
            "triggers: { no_packets: 300ms }, "
        };
        let mut config = format!(
            "listeners:\n\
             - {{ name: ingest, srt: {{ bind: \"127.0.0.1:0\", latency: 1s }} }}\n\
             sources:\n\
             - {{ name: main, srt: {{ listener: ingest, stream_id: in/main }} }}\n\
             - {{ name: backup, srt: {{ listener: ingest, stream_id: in/backup }} }}\n\
             - {{ name: program, switch: {{ inputs: [main, backup], ready_after: 1s, {patient}{settings} }} }}\n"
        );
        if !more.contains("outputs:") {
            config.push_str("outputs:\n");
        }
        let more = more.replace("    ", "");
        writeln!(
            config,
            "{more}- {{ name: out, source: program, srt: {{ listener: ingest, stream_id: out/program, open: true }} }}"
        )
        .unwrap();
        let tidegate = Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), &config).start();
        let file = tidegate.folder().join("received.ts");
        // There from the first packet on.
        let url = reader_url(&tidegate, stream);
        let recorder = srt_to_file("recorder", &url, &file);
        Self {
            tidegate,
            stream,
            file,
            recorder,
            decoder: None,
            received: Vec::new(),
        }
    }

    /// Where viewers call.
    pub(crate) fn watched(&self) -> String {
        reader_url(&self.tidegate, self.stream)
    }

    #[track_caller]
    pub(crate) fn has_viewers(&self, count: u64) {
        let outputs = self.tidegate.http().get("/api/v1/outputs").json();
        let outputs = outputs.as_array().unwrap();
        let is_watched = |output: &&Value| output["config"]["srt"]["stream_id"] == self.stream;
        let output = outputs.iter().find(is_watched).unwrap();
        let name = output["name"].as_str().unwrap();
        self.tidegate
            .output_becomes(name, "its viewers are there", |view| {
                view["readers"] == count
            });
    }

    /// Both cameras, the main one on air and the backup ready.
    #[track_caller]
    pub(crate) fn cameras(&self, main: &Film, backup: &Film) -> [Process; 2] {
        self.cameras_at(self.tidegate.port("ingest"), main, backup)
    }

    /// The same with the main one by way of a relay.
    #[track_caller]
    pub(crate) fn cameras_at(&self, port: u16, main: &Film, backup: &Film) -> [Process; 2] {
        self.has_films(&[main, backup]);
        let main = self.camera_at(port, "main", main);
        self.on_air("main");
        let backup = self.camera("backup", backup);
        self.begins();
        [main, backup]
    }

    /// Films are made before the first of them begins: on a busy machine that takes so long that
    /// one that is shown could end meanwhile.
    pub(crate) fn has_films(&self, films: &[&Film]) {
        for film in films {
            film.file(self.tidegate.folder());
        }
    }

    /// A camera that shows a film from its beginning, in real time.
    pub(crate) fn camera(&self, input: &str, film: &Film) -> Process {
        self.camera_at(self.tidegate.port("ingest"), input, film)
    }

    /// The same by way of a relay.
    pub(crate) fn camera_at(&self, port: u16, input: &str, film: &Film) -> Process {
        let folder = self.tidegate.folder();
        let film = film.file(folder);
        let to = self.address(port, input);
        let words = [
            "-re",
            "-i",
            film.to_str().unwrap(),
            "-map",
            "0",
            "-c",
            "copy",
            "-f",
            "mpegts",
            &to,
        ];
        ffmpeg(input, &words, folder)
    }

    pub(crate) fn address(&self, port: u16, input: &str) -> String {
        format!("srt://127.0.0.1:{port}?streamid=in/{input}&latency=1000000&pkt_size=1316")
    }

    /// A network before us in which things can go wrong.
    pub(crate) fn relay(&self) -> LossyRelay {
        let port = self.tidegate.port("ingest");
        LossyRelay::start(SocketAddr::from(([127, 0, 0, 1], port)), 0, 6)
    }

    /// Waits until the first input is on air and the other one ready.
    #[track_caller]
    pub(crate) fn begins(&self) -> Value {
        let switch = self.becomes("main on air, backup ready", |switch| {
            switch["active"] == "main" && switch["standby"][0]["ready"] == true
        });
        self.goes_on();
        switch
    }

    #[track_caller]
    pub(crate) fn becomes(&self, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        let is_so = |view: &Value| want(&view["switch"]);
        self.tidegate.source_becomes("program", what, is_so)["switch"].take()
    }

    #[track_caller]
    pub(crate) fn on_air(&self, input: &str) -> Value {
        self.becomes(&format!("{input} on air"), |switch| {
            switch["active"] == input
        })
    }

    pub(crate) fn switch(&self) -> Value {
        self.tidegate.source("program")["switch"].take()
    }

    pub(crate) fn post(&self, command: &str, body: &Value) -> Answer {
        let path = format!("/api/v1/sources/program/{command}");
        self.tidegate.http().post(&path, body)
    }

    /// Commands it, again if what it wants is not ready at that very moment.
    #[track_caller]
    pub(crate) fn obeys(&self, command: &str, body: &Value) {
        eventually(&format!("{command} {body}"), || {
            let answer = self.post(command, body);
            (answer.status == 200).then_some(())
        });
    }

    #[track_caller]
    pub(crate) fn take(&self, input: &str) -> Value {
        self.obeys("take", &serde_json::json!({ "input": input }));
        self.on_air(input)
    }

    /// Waits until viewers have got some seconds more.
    #[track_caller]
    pub(crate) fn goes_on(&self) {
        let size = || std::fs::metadata(&self.file).map_or(0, |data| data.len());
        let wanted = size() + A_WHILE_BYTES;
        eventually("viewers get more", || (size() >= wanted).then_some(()));
    }

    /// Everybody is still there; what the recorder got is a file now.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> Measured {
        assert!(self.recorder.ended().is_none(), "the recorder stayed");
        if let Some(decoder) = &mut self.decoder {
            assert!(decoder.ended().is_none(), "{}", decoder.output());
            assert_eq!(decoder.output(), "", "what the decoder complains about");
        }
        let (_, source) = self.stream.split_once('/').unwrap();
        assert_eq!(self.tidegate.source(source)["reconnects"], 0);
        self.recorder.kill();
        self.received = std::fs::read(&self.file).unwrap();
        let received = whole(&self.received);
        std::fs::write(&self.file, &received).unwrap();
        Measured::of(&received)
    }

    /// The same, and nothing at all is wrong with it.
    #[track_caller]
    pub(crate) fn ends_well(&mut self) {
        self.ends().is_seamless();
        let (streams, complaint) = probed(&self.file);
        assert_eq!((streams.as_str(), complaint.as_str()), (FORMAT, ""));
        assert_eq!(complaints(&self.file), "");
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// All that came, to the last byte.
    pub(crate) fn received(&self) -> &[u8] {
        &self.received
    }
}

/// Of the films above.
const FORMAT: &str = "aac,48000 h264,320,180";

fn reader_url(tidegate: &Tidegate, watched: &str) -> String {
    let port = tidegate.port("ingest");
    format!("srt://127.0.0.1:{port}?streamid={watched}&latency=200&mode=caller")
}
