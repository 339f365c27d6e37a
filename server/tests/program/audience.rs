//! Programs that watch, and what is to be said of what they got.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measured::{probed, pts};
use tidegate_testkit::peers::ffmpeg;
use tidegate_testkit::{Process, Tidegate, eventually};

const MODULES: &str = "/usr/lib/nginx/modules";

/// A player of an HLS output, which says what it dislikes.
pub(crate) fn hls_player(tidegate: &Tidegate, output: &str) -> Process {
    let path = format!("/hls/{output}/index.m3u8");
    eventually("a playlist with segments", || {
        let answer = tidegate.http().get(&path);
        (answer.status == 200 && answer.text().starts_with("#EXTM3U")).then_some(())
    });
    let credential = format!("Authorization: Bearer {}\r\n", tidegate.token());
    let playlist = format!("{}{path}", tidegate.http().base());
    let words = [
        "-headers",
        &credential,
        "-re",
        "-i",
        &playlist,
        "-f",
        "null",
        "-",
    ];
    ffmpeg("player", &words, tidegate.folder())
}

/// What an HLS output serves in one format: a playlist may hold several, one after the other.
pub(crate) struct Period {
    pub(crate) streams: String,
    pub(crate) complaints: String,
}

/// Everything that a playlist lists, each format beginning with its initialisation section, as a
/// player in a browser takes it.
pub(crate) fn hls_periods(tidegate: &Tidegate, output: &str) -> Vec<Period> {
    let fetched = |name: &str| {
        let answer = tidegate.http().get(&format!("/hls/{output}/{name}"));
        assert_eq!(answer.status, 200, "{name}");
        answer.bytes
    };
    let playlist = String::from_utf8(fetched("media.m3u8")).unwrap();
    let mut all: Vec<Vec<u8>> = Vec::new();
    for line in playlist.lines() {
        if let Some((_, map)) = line.split_once("MAP:URI=\"") {
            all.push(fetched(map.trim_end_matches('"')));
        } else if !line.starts_with('#') && !line.is_empty() {
            all.last_mut().unwrap().extend(fetched(line));
        }
    }
    let of = |(number, bytes): (usize, Vec<u8>)| {
        let file = tidegate.folder().join(format!("period-{number}.mp4"));
        std::fs::write(&file, bytes).unwrap();
        let (streams, said) = probed(&file);
        let complaints = format!("{said}{}", complaints(&file));
        Period {
            streams,
            complaints,
        }
    };
    all.into_iter().enumerate().map(of).collect()
}

/// nginx with its RTMP module, which records each publication into a file of its own.
pub(crate) struct Platform {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    _process: Process,
}

impl Platform {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        drop(held);
        let root = folder.path().display();
        let config = format!(
            "load_module {MODULES}/ngx_rtmp_module.so;
            daemon off; master_process off; pid {root}/pid; error_log stderr error;
            events {{ worker_connections 64; }}
            rtmp {{ access_log off; server {{ listen 127.0.0.1:{port}; application live {{
                live on; record all; record_path {root}; record_unique on;
            }} }} }}"
        );
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command.args(["-e", "stderr", "-p"]).arg(folder.path());
        command.args(["-c", "nginx.conf"]);
        let process = Process::start("nginx", &mut command, folder.path());
        eventually("nginx listens", || {
            TcpStream::connect(("127.0.0.1", port)).ok().map(drop)
        });
        Self {
            folder,
            port,
            _process: process,
        }
    }

    pub(crate) fn recordings(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let is_recording = |path: &PathBuf| path.extension().is_some_and(|it| it == "flv");
        paths.filter(is_recording).collect()
    }
}

/// A transport stream up to the last picture before which all that are shown earlier have come: the
/// very last one may not be whole, and B-frames come later than what is shown after them.
pub(crate) fn whole(bytes: &[u8]) -> Vec<u8> {
    let (packets, _) = bytes.as_chunks::<188>();
    let pid = |packet: &[u8; 188]| u16::from_be_bytes([packet[1], packet[2]]) & 0x1FFF;
    let begins = |packet: &[u8; 188]| packet[1] & 0x40 != 0;
    let stream = |packet: &[u8; 188]| {
        // Behind the adaptation field, if there is one.
        let at = if packet[3] & 0x20 == 0 {
            4
        } else {
            5 + usize::from(packet[4])
        };
        packet.get(at..at + 4) == Some(&[0, 0, 1, 0xE0])
    };
    let is_picture = |packet: &[u8; 188]| begins(packet) && stream(packet);
    let (mut end, mut latest) = (0, None);
    for (index, packet) in packets.iter().enumerate().filter(|(_, it)| is_picture(it)) {
        let shown_at = pts(packet);
        if shown_at > latest {
            (end, latest) = (index, shown_at);
        }
    }
    let packets = &packets[..end];
    let mut cut = std::collections::HashMap::new();
    for (index, packet) in packets.iter().enumerate().filter(|(_, it)| begins(it)) {
        cut.insert(pid(packet), index);
    }
    let picture = packets.iter().rfind(|it| is_picture(it)).map(pid).unwrap();
    let kept = packets.iter().enumerate().filter(|(index, packet)| {
        // The last unit of the other tracks may lack its end.
        pid(packet) == picture || cut.get(&pid(packet)).is_none_or(|last| index < last)
    });
    kept.flat_map(|(_, packet)| *packet).collect()
}

/// What a decoder that takes nothing amiss says of a file.
pub(crate) fn complaints(file: &Path) -> String {
    let output = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-hide_banner",
            "-v",
            "warning",
            "-err_detect",
            "explode",
            "-i",
        ])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}
