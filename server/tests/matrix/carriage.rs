//! What goes along with picture and sound: docs/carriage.md says where it survives.

use crate::all_arrive;
use crate::extras::{CAPTION, EXTRAS, rounds, with_extras};
use crate::outputs::Output;
use std::fmt::Write as _;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidegate_testkit::peers::{have, srt_to_file};
use tidegate_testkit::{Particulars, Reference, Tidegate, eventually};

/// Rounds of every stream that a transport stream has to bring in a row.
const ROUNDS: usize = 20;

/// Outputs that carry frames, and so no streams beside picture and sound.
const OF_FRAMES: [&str; 3] = ["rtmp", "rtsp", "hls"];

/// Outputs that carry all of the transport stream, beside SRT and UDP, which are read here.
const OF_PACKETS: [&str; 2] = ["push", "record"];

#[test]
fn what_goes_along_survives_in_transport_streams_and_breaks_nothing_elsewhere() {
    if !have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = Reference::make(
        folder.path(),
        Particulars {
            seconds: 30,
            ..Particulars::default()
        },
    );
    let mut outputs = Output::all(folder.path());
    outputs.retain(|output| OF_FRAMES.contains(&output.name) || OF_PACKETS.contains(&output.name));
    for output in &mut outputs {
        output.listen();
    }
    let udp = Receiver::start();
    let file = with_extras(&clip, folder.path());
    let server = start(&file, &outputs, &udp);
    server.source_becomes("cam", "is live", |view| view["health"] == "ok");
    for output in &mut outputs {
        output.call(&server);
    }
    let by_srt = folder.path().join("by-srt.ts");
    let from = format!("srt://127.0.0.1:{}?streamid=raw", server.port("ingest"));
    let mut reader = srt_to_file("reader", &from, &by_srt);
    all_arrive(&clip, &server, &outputs);
    for output in &outputs {
        let received = output.received(&server).unwrap();
        let captions = received
            .windows(CAPTION.len())
            .filter(|bytes| *bytes == CAPTION);
        assert!(captions.count() > 1, "{}: captions are gone", output.name);
    }
    for name in ["rtmp", "rtsp"] {
        let said = server.output_status(name).to_string();
        for extra in EXTRAS.iter().filter(|extra| !extra.name.is_empty()) {
            assert!(
                said.contains(extra.name),
                "{name} says nothing of {}: {said}",
                extra.name
            );
        }
    }
    let of_packets = outputs.iter().filter(|it| OF_PACKETS.contains(&it.name));
    for output in of_packets {
        holds_all(output.name, &output.received(&server).unwrap());
    }
    holds_all("udp", &udp.received());
    eventually("enough by SRT", || {
        let bytes = std::fs::metadata(&by_srt).ok()?.len();
        (bytes > 400_000).then_some(())
    });
    reader.stop();
    holds_all("srt", &std::fs::read(&by_srt).unwrap());
}

fn start(file: &Path, outputs: &[Output], udp: &Receiver) -> Tidegate {
    let mut config = format!(
        "listeners:\n\
         - {{ name: ingest, srt: {{ bind: \"127.0.0.1:0\" }} }}\n\
         - {{ name: rtsp, rtsp: {{ bind: \"127.0.0.1:0\" }} }}\n\
         sources:\n\
         - {{ name: cam, file: {{ path: \"{}\" }} }}\n\
         outputs:\n\
         - {{ name: raw-srt, source: cam, srt: {{ listener: ingest, stream_id: raw, open: true }} }}\n\
         - {{ name: raw-udp, source: cam, udp: {{ to: \"{}\" }} }}\n",
        file.display(),
        udp.address,
    );
    for output in outputs {
        writeln!(
            config,
            "- {{ name: {}, source: cam, {} }}",
            output.name, output.config
        )
        .unwrap();
    }
    Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), &config).start()
}

/// Every stream came, whole and in order.
fn holds_all(target: &str, received: &[u8]) {
    for extra in &EXTRAS {
        let rounds = rounds(extra, received);
        assert!(
            rounds.len() >= ROUNDS,
            "{target}: PID {:#x} came {} times",
            extra.pid,
            rounds.len()
        );
        let gap = rounds.windows(2).find(|pair| pair[1] != pair[0] + 1);
        assert_eq!(gap, None, "{target}: PID {:#x} is not whole", extra.pid);
    }
}

/// Takes datagrams down.
struct Receiver {
    address: std::net::SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Receiver {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::downgrade(&received);
        std::thread::spawn(move || {
            let mut datagram = [0; 2048];
            while let Some(all) = all.upgrade() {
                if let Ok(length) = socket.recv(&mut datagram) {
                    all.lock().unwrap().extend_from_slice(&datagram[..length]);
                }
            }
        });
        Self { address, received }
    }

    fn received(&self) -> Vec<u8> {
        self.received.lock().unwrap().clone()
    }
}
