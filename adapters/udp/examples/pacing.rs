//! How evenly a UDP output sends: `cargo run --release --example pacing [SECONDS [FILE.ts]]`.
//!
//! A stream is handed over in bursts, everything up to the next PCR at once, as it comes from RTMP
//! or a muxer that does not pace. A receiver on this machine notes when each datagram comes, and
//! compares with the stream's own clock. Without a file, ffmpeg makes one of 8 Mbit/s.

#![allow(clippy::unwrap_used, reason = "a measurement may panic")]
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use core::time::Duration;
use std::net::UdpSocket;
use std::thread;
use tidegate_adapter_udp::{Adapter, OutputSettings};
use tidegate_engine::{
    Clock, Engine, EngineConfig, Feed, NoSecrets, OutputAdapter, OutputSpec, TsChunk,
};
use tidegate_mpegts::{PACKET_BYTES, Packet, Pcr};

/// Datagrams before the schedule has settled are not counted.
const SETTLE: Duration = Duration::from_secs(2);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(20, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = arguments.next().map_or_else(
        || {
            let file = folder.path().join("8M.ts");
            let settings = "-t 10 -c:v libx264 -preset ultrafast -g 50 -b:v 8M -minrate 8M \
                            -maxrate 8M -bufsize 8M -c:a aac -ac 2";
            tidegate_testkit::media::encode("testsrc2=s=1280x720:r=25", settings, &file);
            file
        },
        Into::into,
    );
    let stream = std::fs::read(file).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = socket.local_addr().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (engine, feed) = runtime.block_on(start(to));
    let receiver = thread::spawn(move || receive(&socket, Duration::from_secs(seconds)));
    let player = thread::spawn(move || play(&feed, &stream));
    let came = receiver.join().unwrap();
    report(&came);
    let status = engine.output_status("out").unwrap();
    println!(
        "the output says: {}",
        serde_json::to_string(&status).unwrap()
    );
    drop(player);
}

async fn start(to: std::net::SocketAddr) -> (Engine, Feed) {
    let settings: OutputSettings = serde_json::from_str(&format!(r#"{{"to":"{to}"}}"#)).unwrap();
    let engine = Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: "/tmp".into(),
    });
    let driver = Adapter::new().output("out", &settings, &NoSecrets).unwrap();
    let source = "cam1".into();
    let spec = OutputSpec { source, driver };
    engine.set_output("out", spec).await.unwrap();
    let feed = engine.feed("cam1");
    while feed.reader_count() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (engine, feed)
}

/// Everything up to the next PCR at once, when that PCR says, again and again.
fn play(feed: &Feed, stream: &[u8]) {
    let (packets, _) = stream.as_chunks::<PACKET_BYTES>();
    let clocks: Vec<_> = (0..)
        .zip(packets)
        .filter_map(|(at, packet)| Some((at, pcr(packet)?)))
        .collect();
    let mut writer = feed.ts_writer();
    let mut due = std::time::Instant::now();
    loop {
        for pair in clocks.windows(2) {
            let [(begin, pcr), (end, next)] = *pair else {
                return;
            };
            thread::sleep(due.saturating_duration_since(std::time::Instant::now()));
            let bytes = packets[begin..end].as_flattened().to_vec();
            writer.push(TsChunk::live(bytes.into(), Clock::start().now()));
            writer.seal();
            due += Duration::from_nanos(next.since(pcr) * 1000 / 27);
        }
    }
}

fn pcr(packet: &[u8; PACKET_BYTES]) -> Option<Pcr> {
    Packet::new(packet)?.adaptation()?.pcr
}

struct Came {
    at: std::time::Instant,
    packets: Vec<Option<Pcr>>,
}

fn receive(socket: &UdpSocket, time: Duration) -> Vec<Came> {
    let _ = tidegate_udp::wake_precisely();
    let began = std::time::Instant::now();
    let (mut buffer, mut came) = ([0; 65_536], Vec::new());
    while began.elapsed() < time {
        let bytes = socket.recv(&mut buffer).unwrap();
        let at = std::time::Instant::now();
        let (packets, _) = buffer[..bytes].as_chunks::<PACKET_BYTES>();
        let packets = packets.iter().map(pcr).collect();
        came.push(Came { at, packets });
    }
    came
}

fn report(came: &[Came]) {
    let first = came.first().unwrap().at;
    let counted = came.iter().skip_while(|came| came.at - first < SETTLE);
    let most = came.iter().map(|came| came.packets.len()).max().unwrap();
    let mut gaps = Vec::new();
    let mut last = None;
    for came in counted.clone() {
        gaps.extend(
            last.replace(came.at)
                .map(|last| (came.at - last).as_micros()),
        );
    }
    gaps.sort_unstable();
    let mut deviations = deviations(counted, first);
    deviations.sort_unstable();
    let middle = deviations[deviations.len() / 2];
    let mut off: Vec<u64> = deviations.iter().map(|at| at.abs_diff(middle)).collect();
    off.sort_unstable();
    let at = |share: usize| off[(off.len() - 1) * share / 1000];
    println!("datagrams: {}, packets in the largest: {most}", came.len());
    println!(
        "deviation from the PCRs' schedule, µs: p50 {} p99 {} p99.9 {} max {}",
        at(500),
        at(990),
        at(999),
        at(1000)
    );
    let close = gaps.iter().filter(|gap| **gap < 50).count();
    println!(
        "distance of datagrams, µs: min {} p1 {}; closer than 50 µs: {close}",
        gaps[0],
        gaps[gaps.len() / 100]
    );
}

/// Of each datagram: when it came, less when its first packet was to come by the PCRs before
/// and behind it. Discontinuities of the repeated file begin anew.
fn deviations<'a>(came: impl Iterator<Item = &'a Came>, first: std::time::Instant) -> Vec<i64> {
    let (mut all, mut waiting, mut number) = (Vec::new(), Vec::new(), 0_u64);
    let mut last: Option<(u64, Pcr)> = None;
    let (mut media, mut span) = (0_i64, 0);
    for came in came {
        let at = i64::try_from((came.at - first).as_micros()).unwrap();
        waiting.push((number, at));
        for pcr in &came.packets {
            if let Some(pcr) = *pcr {
                if let Some((begin, before)) = last {
                    let ticks = pcr.since(before);
                    // The repeated file's clock jumps back: its packets keep their pace.
                    let jumped = ticks > Pcr::HERTZ;
                    let lasted = if jumped {
                        span
                    } else {
                        i64::try_from(ticks / 27).unwrap()
                    };
                    let packets = i64::try_from(number - begin).unwrap();
                    for (which, at) in waiting.drain(..) {
                        if which >= begin && !jumped {
                            let after = i64::try_from(which - begin).unwrap();
                            all.push(at - media - lasted * after / packets);
                        }
                    }
                    media += lasted;
                    span = lasted;
                }
                waiting.retain(|(which, _)| *which >= number);
                last = Some((number, pcr));
            }
            number += 1;
        }
    }
    all
}
