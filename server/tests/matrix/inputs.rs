//! How a clip gets into a source, by kind.

use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_testkit::peers::ffmpeg;
use tidegate_testkit::{Process, Reference, Tidegate, free_udp_port};

const KEY: &str = "matrix-key-0123456789";

/// A kind of input.
pub(crate) struct Input {
    /// What it needs beside ffmpeg.
    pub(crate) programs: &'static [&'static str],
    /// B-frames of its clip: cameras of some kinds send none.
    pub(crate) b_frames: u32,
    /// Prepares it.
    pub(crate) place: fn(&Reference, &Path) -> Place,
}

/// Starts who feeds a source of this Tidegate.
type Sender = Box<dyn FnOnce(&Tidegate) -> Process>;

/// A source's settings, and who feeds it.
pub(crate) struct Place {
    pub(crate) source: String,
    /// Starts the sender once Tidegate is there; `None` where Tidegate fetches by itself.
    sender: Option<Sender>,
    running: Vec<Process>,
}

impl Place {
    pub(crate) fn begin(&mut self, server: &Tidegate) {
        if let Some(sender) = self.sender.take() {
            self.running.push(sender(server));
        }
    }
}

pub(crate) const SRT: Input = Input {
    programs: &[],
    b_frames: 2,
    place: |clip, folder| {
        let to = |server: &Tidegate| {
            let port = server.port("ingest");
            format!("srt://127.0.0.1:{port}?streamid=cam&pkt_size=1316")
        };
        sent(
            "srt: { listener: ingest, stream_id: cam }",
            clip,
            folder,
            "mpegts",
            to,
        )
    },
};

pub(crate) const UDP: Input = Input {
    programs: &[],
    b_frames: 2,
    place: |clip, folder| {
        let port = free_udp_port();
        let source = format!("udp: {{ from: \"127.0.0.1:{port}\" }}");
        let to = move |_: &Tidegate| format!("udp://127.0.0.1:{port}?pkt_size=1316");
        sent(&source, clip, folder, "mpegts", to)
    },
};

pub(crate) const RTP: Input = Input {
    programs: &[],
    b_frames: 2,
    place: |clip, folder| {
        let port = free_udp_port();
        let source = format!("rtp: {{ from: \"127.0.0.1:{port}\" }}");
        let to = move |_: &Tidegate| format!("rtp://127.0.0.1:{port}?pkt_size=1328");
        sent(&source, clip, folder, "rtp_mpegts", to)
    },
};

pub(crate) const RTMP: Input = Input {
    programs: &[],
    b_frames: 2,
    place: |clip, folder| {
        let source = format!("rtmp: {{ listener: rtmp, key: {KEY} }}");
        let to = |server: &Tidegate| format!("rtmp://127.0.0.1:{}/live/{KEY}", server.port("rtmp"));
        sent(&source, clip, folder, "flv", to)
    },
};

pub(crate) const RTSP: Input = Input {
    programs: &["python3", "gst-launch-1.0"],
    b_frames: 0,
    place: |clip, folder| {
        let file = clip.remuxed("mp4");
        // Debian's own, which has GStreamer's bindings.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(script("camera.py")).arg(file);
        let camera = Process::start("camera", &mut command, folder);
        let url = printed(&camera);
        Place {
            source: format!("rtsp: {{ url: \"{url}\" }}"),
            sender: None,
            running: vec![camera],
        }
    },
};

pub(crate) const HLS: Input = Input {
    programs: &["python3"],
    b_frames: 2,
    place: |clip, folder| {
        let site = folder.join("site");
        std::fs::create_dir(&site).unwrap();
        let file = path(clip.file());
        let arguments = [
            "-re",
            "-i",
            &file,
            "-c",
            "copy",
            "-f",
            "hls",
            "-hls_time",
            "1",
            "-hls_list_size",
            "6",
            "-hls_flags",
            "delete_segments",
            &path(&site.join("live.m3u8")),
        ];
        let packager = ffmpeg("packager", &arguments, folder);
        let mut command = Command::new("python3");
        command.arg(script("site.py")).arg(&site);
        let origin = Process::start("origin", &mut command, folder);
        let url = printed(&origin);
        tidegate_testkit::eventually("a playlist", || {
            site.join("live.m3u8").is_file().then_some(())
        });
        Place {
            source: format!("hls: {{ url: \"{url}/live.m3u8\" }}"),
            sender: None,
            running: vec![packager, origin],
        }
    },
};

pub(crate) const FILE_TS: Input = Input {
    programs: &[],
    b_frames: 2,
    place: |clip, _| file(clip.file()),
};

pub(crate) const FILE_MP4: Input = Input {
    programs: &[],
    b_frames: 2,
    place: |clip, _| file(&clip.remuxed("mp4")),
};

fn file(file: &Path) -> Place {
    Place {
        source: format!("file: {{ path: \"{}\" }}", file.display()),
        sender: None,
        running: Vec::new(),
    }
}

/// ffmpeg sends the clip in real time.
fn sent(
    source: &str,
    clip: &Reference,
    folder: &Path,
    format: &'static str,
    to: impl FnOnce(&Tidegate) -> String + 'static,
) -> Place {
    let (clip, folder) = (path(clip.file()), folder.to_owned());
    let sender = move |server: &Tidegate| {
        let to = to(server);
        let arguments = [
            "-re", "-i", &clip, "-map", "0", "-c", "copy", "-f", format, &to,
        ];
        ffmpeg("sender", &arguments, &folder)
    };
    Place {
        source: source.to_owned(),
        sender: Some(Box::new(sender)),
        running: Vec::new(),
    }
}

/// The line in which a peer says where it is.
fn printed(peer: &Process) -> String {
    tidegate_testkit::eventually("the peer says where it is", || {
        let output = peer.output();
        let (whole, _) = output.rsplit_once('\n')?;
        let is_address = |line: &&str| line.starts_with("rtsp://") || line.starts_with("http://");
        whole.lines().find(is_address).map(str::to_owned)
    })
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/matrix")
        .join(name)
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
