//! Who takes a feed from each kind of output, and writes down what came.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_testkit::{Process, Reference, Tidegate, WebOrigin, eventually, free_udp_port};

/// An output, and the ffmpeg at its far side.
pub(crate) struct Output {
    pub(crate) name: &'static str,
    pub(crate) config: String,
    far: Far,
    folder: PathBuf,
    received: PathBuf,
    running: Option<Process>,
}

/// The far side.
enum Far {
    /// Is there before Tidegate is: ffmpeg's options and the address it receives at.
    Listens(&'static [&'static str], String),
    /// Calls Tidegate when the source is live.
    Calls(&'static [&'static str], fn(&Tidegate) -> String),
    /// A web server that keeps the segments it is given, in this folder.
    Origin(
        PathBuf,
        #[expect(dead_code, reason = "it is there as long as this")] WebOrigin,
    ),
    /// Tidegate's own files.
    Files,
}

impl Output {
    /// One of each kind.
    pub(crate) fn all(folder: &Path) -> Vec<Self> {
        let (udp, rtp, rtmp) = (free_udp_port(), free_udp_port(), free_tcp_port());
        // ffmpeg takes the one above its RTP port, for reports.
        let _ = free_udp_port();
        let kept = folder.join("origin");
        std::fs::create_dir(&kept).unwrap();
        let origin = WebOrigin::start(&kept);
        let pushed_to = origin.url("live.m3u8");
        let of = |name: &'static str, config: String, far: Far| Self {
            name,
            config,
            far,
            folder: folder.to_owned(),
            received: folder.join(format!("{name}.ts")),
            running: None,
        };
        vec![
            of(
                "srt",
                "srt: { listener: ingest, stream_id: out, open: true }".into(),
                Far::Calls(&[], |server| {
                    format!("srt://127.0.0.1:{}?streamid=out", server.port("ingest"))
                }),
            ),
            of(
                "udp",
                format!("udp: {{ to: \"127.0.0.1:{udp}\" }}"),
                Far::Listens(
                    &["-f", "mpegts"],
                    format!("udp://127.0.0.1:{udp}?fifo_size=100000&buffer_size=4000000"),
                ),
            ),
            of(
                "rtp",
                format!("rtp: {{ to: \"127.0.0.1:{rtp}\" }}"),
                Far::Listens(&[], format!("rtp://127.0.0.1:{rtp}?buffer_size=4000000")),
            ),
            of(
                "rtmp",
                format!("rtmp: {{ url: \"rtmp://127.0.0.1:{rtmp}/live\", key: far }}"),
                Far::Listens(
                    &["-f", "flv", "-listen", "1"],
                    format!("rtmp://127.0.0.1:{rtmp}/live/far"),
                ),
            ),
            of(
                "rtsp",
                "rtsp: { path: cam }".into(),
                Far::Calls(&["-rtsp_transport", "tcp"], |server| {
                    format!("rtsp://127.0.0.1:{}/cam", server.port("rtsp"))
                }),
            ),
            of(
                "hls",
                "hls: { segment: 1s }".into(),
                Far::Calls(&[], |server| {
                    format!("{}/hls/hls/index.m3u8", server.http().base())
                }),
            ),
            of(
                "push",
                format!("hls: {{ segment: 1s, push: {{ url: \"{pushed_to}\" }} }}"),
                Far::Origin(kept, origin),
            ),
            of("record", "record: { format: ts }".into(), Far::Files),
        ]
    }

    /// Starts a far side that has to be there first.
    pub(crate) fn listen(&mut self) {
        if let Far::Listens(options, from) = &self.far {
            self.running = Some(self.ffmpeg(options, from, None));
        }
    }

    /// Starts one that calls.
    pub(crate) fn call(&mut self, server: &Tidegate) {
        if let Far::Calls(options, from) = &self.far {
            let from = from(server);
            let credential = from.starts_with("http").then(|| {
                eventually("a playlist", || {
                    let answer = server.http().get("/hls/hls/index.m3u8");
                    (answer.status == 200).then_some(())
                });
                server.token()
            });
            self.running = Some(self.ffmpeg(options, &from, credential));
        }
    }

    fn ffmpeg(&self, options: &[&str], from: &str, credential: Option<&str>) -> Process {
        let mut command = Command::new("ffmpeg");
        command.args("-hide_banner -nostdin -v error -y -copyts -fflags nobuffer".split(' '));
        command.args(["-analyzeduration", "1500000", "-probesize", "500000"]);
        if let Some(token) = credential {
            command
                .arg("-headers")
                .arg(format!("Authorization: Bearer {token}\r\n"));
        }
        command.args(options).args(["-i", from]);
        command.args(
            "-map 0:v -map 0:a -c copy -copyts -flush_packets 1 -pes_payload_size 0 -f mpegts"
                .split(' '),
        );
        command.arg(&self.received);
        Process::start(self.name, &mut command, &self.folder)
    }

    /// What came so far.
    pub(crate) fn received(&self, server: &Tidegate) -> Option<Vec<u8>> {
        match &self.far {
            Far::Files => std::fs::read(recorded(&server.data())?).ok(),
            Far::Origin(kept, _) => Some(pushed(kept)),
            _ => std::fs::read(&self.received).ok(),
        }
    }

    /// What is wrong with what came so far.
    pub(crate) fn fault(
        &self,
        clip: &Reference,
        server: &Tidegate,
        pictures: usize,
    ) -> Option<String> {
        let said = self
            .running
            .as_ref()
            .map(Process::output)
            .unwrap_or_default();
        let Some(received) = self.received(server) else {
            return Some(format!("nothing came; {said}"));
        };
        let fault = clip.compare(&received).fault(pictures)?;
        Some(format!("{fault}; {said}"))
    }
}

/// All segments an origin was given, in the order of their numbers.
fn pushed(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let number = |path: &Path| -> Option<u64> {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("live-")?
            .strip_suffix(".ts")?
            .parse()
            .ok()
    };
    let segments: BTreeMap<u64, PathBuf> = files
        .map(|entry| entry.path())
        .filter_map(|path| Some((number(&path)?, path)))
        .collect();
    let bytes = segments
        .values()
        .filter_map(|path| std::fs::read(path).ok());
    bytes.flatten().collect()
}

/// The only recording below a folder.
fn recorded(folder: &Path) -> Option<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "ts") {
                return Some(path);
            }
        }
    }
    None
}

fn free_tcp_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}
