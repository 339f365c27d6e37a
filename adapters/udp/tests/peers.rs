//! Real programs at the other end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use core::time::Duration;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use tidegate_engine::{Connection, Feed, OutputDriver, TsChunk};
use tidegate_mpegts::Inspector;
use tidegate_testkit::vlc::{self, Film, Vlc};
use tidegate_testkit::{Process, media, peers};
use tidegate_units::Instant;

/// What GStreamer is told of RTP with MPEG-TS in it.
const CAPS: &str = "application/x-rtp,media=video,clock-rate=90000,encoding-name=MP2T,payload=33";

const SUM_CAPS: &str = "application/x-rtp,payload=96";

fn gst(name: &str, pipeline: &str, folder: &Path) -> Process {
    let mut command = Command::new("gst-launch-1.0");
    command.arg("-q").args(pipeline.split_whitespace());
    Process::start(name, &mut command, folder)
}

/// Passes datagrams on from one port to another, and loses some of them.
struct Lossy {
    /// The payloads of all that came, lost or not.
    came: Arc<Mutex<Vec<u8>>>,
    lost: Arc<Mutex<u64>>,
    stop: Arc<AtomicBool>,
}

impl Lossy {
    /// Media loses runs of four of forty datagrams, sums none.
    fn start(from: u16, to: u16) -> Self {
        let came = Arc::<Mutex<Vec<u8>>>::default();
        let lost = Arc::<Mutex<u64>>::default();
        let stop = Arc::new(AtomicBool::new(false));
        for above in [0, 2, 4] {
            let socket = UdpSocket::bind(("127.0.0.1", from + above)).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_millis(50)))
                .unwrap();
            let (came, lost) = (Arc::clone(&came), Arc::clone(&lost));
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    let Ok(bytes) = socket.recv(&mut buffer) else {
                        continue;
                    };
                    let datagram = &buffer[..bytes];
                    if above == 0 {
                        number += 1;
                        let mut came = came.lock().unwrap();
                        came.extend_from_slice(&datagram[12..]);
                        if (60..400).contains(&number) && number % 40 < 4 {
                            *lost.lock().unwrap() += 1;
                            continue;
                        }
                    }
                    // Nobody there yet is no reason to stop.
                    drop(socket.send_to(datagram, ("127.0.0.1", to + above)));
                }
            });
        }
        Self { came, lost, stop }
    }

    fn came(&self) -> Vec<u8> {
        self.came.lock().unwrap().clone()
    }

    fn lost(&self) -> u64 {
        *self.lost.lock().unwrap()
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Fills a feed with a file, at the file's own pace as its clock tells it.
fn play(feed: Feed, file: Vec<u8>, time: Duration) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut writer = feed.ts_writer();
        let chunks = file.chunks(DATAGRAM);
        let began = std::time::Instant::now();
        let distance = time / u32::try_from(chunks.len()).unwrap();
        for (chunk, number) in chunks.zip(0_u32..) {
            let due = distance * number;
            thread::sleep(due.saturating_sub(began.elapsed()));
            let now = tidegate_engine::Clock::start().now();
            writer.push(TsChunk::live(chunk.to_vec().into(), now));
            writer.seal();
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ffmpegs_pro_mpeg_sender_loses_on_the_way_is_rebuilt() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = media::h264_aac(folder.path(), 3);
    let (far, near) = (ports_in_a_row(), ports_in_a_row());
    let lossy = Lossy::start(far, near);
    let settings = format!(r#"{{"from":"127.0.0.1:{near}","fec":true,"buffer":"3s"}}"#);
    let (engine, mut reader) = receiving(rtp_source(&settings)).await;
    let to = format!("rtp://127.0.0.1:{far}?pkt_size=1328");
    let arguments = [
        "-re",
        "-i",
        file.to_str().unwrap(),
        "-c",
        "copy",
        "-f",
        "rtp_mpegts",
        "-fec",
        "prompeg=l=5:d=5",
        &to,
    ];
    let mut sender = peers::ffmpeg("sender", &arguments, folder.path());
    let mut got = Vec::new();
    let mut given_up = 0;
    let recovered = until("all of it has come", || {
        given_up += drain(&mut reader, &mut got);
        let is_done = sender.ended().is_some() && got.len() >= lossy.came().len();
        let recovered = detail(&engine, "/rtp/fec/recovered");
        is_done.then_some(recovered)
    })
    .await;
    assert!(got == lossy.came(), "bit by bit");
    assert_eq!(given_up, 0);
    assert!(
        lossy.lost() > 20 && recovered == lossy.lost(),
        "{recovered} of {}",
        lossy.lost()
    );
    assert_eq!(detail(&engine, "/rtp/fec/rows"), 5);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_rebuilds_what_our_fec_protects() {
    if !peers::have(&["ffmpeg", "gst-launch-1.0"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::read(media::h264_aac(folder.path(), 4)).unwrap();
    let (far, near) = (ports_in_a_row(), ports_in_a_row());
    let lossy = Lossy::start(far, near);
    let out = folder.path().join("out.ts");
    let input = |above: u16, caps: &str, pad: &str| {
        let port = near + above;
        format!("udpsrc address=127.0.0.1 port={port} caps={caps} ! rtp.{pad} ")
    };
    let decoder = "fec,0=\"rtpst2022-1-fecdec\\ size-time\\=3000000000\";";
    let mut command = Command::new("gst-launch-1.0");
    let inputs = input(0, CAPS, "recv_rtp_sink_0")
        + &input(2, SUM_CAPS, "recv_fec_sink_0_0")
        + &input(4, SUM_CAPS, "recv_fec_sink_0_1");
    let bin = format!("fec-decoders={decoder}");
    command
        .args([
            "-q",
            "rtpbin",
            "name=rtp",
            "latency=1000",
            "do-lost=true",
            &bin,
        ])
        .args(inputs.split_whitespace())
        .args([
            "rtp.",
            "!",
            "rtpmp2tdepay",
            "!",
            "filesink",
            "buffer-mode=2",
        ])
        .arg(format!("location={}", out.display()));
    let receiver = Process::start("gst", &mut command, folder.path());
    until("GStreamer listens", || {
        UdpSocket::bind(("127.0.0.1", near)).err()
    })
    .await;
    let settings = format!(r#"{{"to":"127.0.0.1:{far}","fec":{{"columns":5,"rows":5}}}}"#);
    let (engine, feed) = sending(rtp_output(&settings)).await;
    let player = play(feed, file.clone(), Duration::from_secs(4));
    player.join().unwrap();
    // Behind the last loss, and without the end, which GStreamer holds back.
    let enough = 500 * DATAGRAM;
    let written = until("it has written them", || {
        let written = std::fs::read(&out).ok()?;
        (written.len() >= enough).then_some(written)
    })
    .await;
    assert!(lossy.lost() > 20);
    assert!(written[..enough] == file[..enough], "{}", receiver.output());
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gstreamer_protects_is_rebuilt() {
    if !peers::have(&["ffmpeg", "gst-launch-1.0"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = media::h264_aac(folder.path(), 3);
    let (far, near) = (ports_in_a_row(), ports_in_a_row());
    let lossy = Lossy::start(far, near);
    let settings = format!(r#"{{"from":"127.0.0.1:{near}","fec":true,"buffer":"5s"}}"#);
    let (engine, mut reader) = receiving(rtp_source(&settings)).await;
    let sink = |above: u16| format!("udpsink host=127.0.0.1 port={} sync=false", far + above);
    let pipeline = format!(
        "filesrc blocksize=1316 location={} ! video/mpegts,packetsize=188,systemstream=true ! \
         identity sleep-time=2500 ! rtpmp2tpay mtu=1328 ssrc=0 ! \
         rtpst2022-1-fecenc name=fec rows=5 columns=5 ! {} \
         fec.fec_0 ! {} async=false fec.fec_1 ! {} async=false",
        file.display(),
        sink(0),
        sink(2),
        sink(4),
    );
    let mut sender = gst("sender", &pipeline, folder.path());
    let mut got = Vec::new();
    let recovered = until("all of it has come", || {
        drain(&mut reader, &mut got);
        let is_done = sender.ended().is_some() && got.len() >= lossy.came().len();
        is_done.then(|| detail(&engine, "/rtp/fec/recovered"))
    })
    .await;
    assert!(got == lossy.came(), "bit by bit");
    assert!(
        lossy.lost() > 20 && recovered == lossy.lost(),
        "{recovered} of {}",
        lossy.lost()
    );
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_takes_our_rtp_bit_by_bit() {
    if !peers::have(&["ffmpeg", "gst-launch-1.0"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::read(media::h264_aac(folder.path(), 2)).unwrap();
    let (port, out) = (ports_in_a_row(), folder.path().join("out.ts"));
    let pipeline = format!(
        "udpsrc address=127.0.0.1 port={port} caps={CAPS} ! rtpmp2tdepay ! \
         filesink buffer-mode=2 location={}",
        out.display()
    );
    let _receiver = gst("receiver", &pipeline, folder.path());
    until("GStreamer listens", || {
        UdpSocket::bind(("127.0.0.1", port)).err()
    })
    .await;
    let (engine, feed) = sending(rtp_output(&format!(r#"{{"to":"127.0.0.1:{port}"}}"#))).await;
    play(feed, file.clone(), Duration::from_secs(2))
        .join()
        .unwrap();
    until("all of it is written", || {
        let written = std::fs::read(&out).ok()?;
        (written.len() >= file.len()).then(|| assert!(written == file))
    })
    .await;
    engine.shutdown().await;
}

/// What ffmpeg writes when it copies what comes from a URL, complaints apart.
async fn ffmpeg_copies(url: &str, driver: Arc<dyn OutputDriver>) {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::read(media::h264_aac(folder.path(), 4)).unwrap();
    let out = folder.path().join("out.ts");
    let arguments = [
        "-analyzeduration",
        "1000000",
        "-i",
        url,
        "-t",
        "2",
        "-c",
        "copy",
        "-f",
        "mpegts",
        out.to_str().unwrap(),
    ];
    let mut receiver = peers::ffmpeg("receiver", &arguments, folder.path());
    let port = url.rsplit(':').next().unwrap();
    let port: u16 = port.split('?').next().unwrap().parse().unwrap();
    until("ffmpeg listens", || {
        UdpSocket::bind(("127.0.0.1", port)).err()
    })
    .await;
    let (engine, feed) = sending(driver).await;
    let player = play(feed, file, Duration::from_secs(4));
    let status = until("ffmpeg has enough", || receiver.ended()).await;
    assert!(status.success(), "{}", receiver.output());
    let complaints = receiver.output();
    assert!(
        !complaints.contains("missed") && !complaints.contains("orrupt"),
        "{complaints}"
    );
    assert_eq!(peers::decode_errors(out.to_str().unwrap()), "");
    player.join().unwrap();
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_takes_our_udp_at_a_constant_rate() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let port = ports_in_a_row();
    let driver = udp_output(&format!(r#"{{"to":"127.0.0.1:{port}","cbr":"6M"}}"#));
    ffmpeg_copies(&format!("udp://127.0.0.1:{port}?fifo_size=100000"), driver).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_takes_our_rtp() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let port = ports_in_a_row();
    let driver = rtp_output(&format!(r#"{{"to":"127.0.0.1:{port}"}}"#));
    ffmpeg_copies(&format!("rtp://127.0.0.1:{port}"), driver).await;
}

/// VLC shows what comes to the bit.
async fn vlc_plays(scheme: &str, driver: impl Fn(u16) -> Arc<dyn OutputDriver>) {
    if !peers::have(&vlc::PROGRAMS) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = Film::make(folder.path(), 8);
    let port = ports_in_a_row();
    let url = format!("{scheme}://@127.0.0.1:{port}");
    let vlc = Vlc::play("vlc", &url, folder.path());
    until("VLC listens", || UdpSocket::bind(("127.0.0.1", port)).err()).await;
    let (engine, feed) = sending(driver(port)).await;
    let player = play(feed, film.bytes(), Duration::from_secs(8));
    vlc.watches(&film, 75);
    player.join().unwrap();
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vlc_plays_our_udp() {
    vlc_plays("udp", |port| {
        udp_output(&format!(r#"{{"to":"127.0.0.1:{port}"}}"#))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vlc_plays_our_rtp() {
    vlc_plays("rtp", |port| {
        rtp_output(&format!(r#"{{"to":"127.0.0.1:{port}"}}"#))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ffmpeg_and_gstreamer_send_comes_whole() {
    if !peers::have(&["ffmpeg", "gst-launch-1.0"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whole.ts");
    let settings = "-t 2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -b:v 2M -c:a aac -ac 2";
    media::encode("testsrc2=s=640x360:r=25", settings, &file);
    let path = file.to_str().unwrap();
    let port = ports_in_a_row();
    // ffmpeg's own datagrams are 1472 bytes long, which cuts packets in two.
    let ffmpeg = |format: &str, to: &str| {
        let arguments = ["-re", "-i", path, "-c", "copy", "-f", format, to];
        peers::ffmpeg("ffmpeg", &arguments, folder.path())
    };
    let pipeline = format!(
        "filesrc blocksize=1316 location={path} ! video/mpegts,packetsize=188,systemstream=true ! \
         identity sleep-time=2500 ! rtpmp2tpay ! udpsink host=127.0.0.1 port={port} sync=false"
    );
    let at = |settings: String| receiving(udp_source(&settings));
    for sender in 0..3 {
        let (engine, mut reader) = at(format!(r#"{{"from":"127.0.0.1:{port}"}}"#)).await;
        let mut process = match sender {
            0 => ffmpeg("mpegts", &format!("udp://127.0.0.1:{port}")),
            1 => ffmpeg("rtp_mpegts", &format!("rtp://127.0.0.1:{port}")),
            _ => gst("gst", &pipeline, folder.path()),
        };
        let ended = until("it has sent all", || process.ended()).await;
        assert!(ended.success(), "{}", process.output());
        let mut got = Vec::new();
        until("nothing more comes", || {
            drain(&mut reader, &mut got);
            let is_gone = status(&engine).connection != Connection::Connected;
            (is_gone && !got.is_empty()).then_some(())
        })
        .await;
        assert!(got.len() as u64 > std::fs::metadata(&file).unwrap().len() * 9 / 10);
        let mut inspector = Inspector::new();
        inspector.push(Instant::ZERO, &got);
        let report = inspector.report(Instant::ZERO);
        assert_eq!(
            (report.continuity_errors, report.tracks.len()),
            (0, 2),
            "sender {sender}"
        );
        engine.shutdown().await;
    }
}
