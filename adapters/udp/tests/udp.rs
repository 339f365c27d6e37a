//! UDP and RTP outputs against real sockets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use tidegate_adapter_udp::{Adapter, OutputSettings, RtpAdapter, RtpOutputSettings};
use tidegate_engine::{
    Clock, Engine, EngineConfig, Feed, NoSecrets, OutputAdapter, OutputDriver, OutputSpec,
    OutputState, TsChunk,
};
use tidegate_testkit::conformance::{Feeder, OutputSubject, Refusal, check_output, check_settings};
use tidegate_testkit::{free_udp_port, media::numbered_ts};
use tidegate_units::Instant;

fn settings(to: SocketAddr) -> OutputSettings {
    OutputSettings {
        to: to.to_string(),
        ttl: None,
        interface: None,
        tos: None,
        cbr: None,
    }
}

fn driver(to: SocketAddr) -> Arc<dyn OutputDriver> {
    Adapter::new()
        .output("out", &settings(to), &NoSecrets)
        .unwrap()
}

fn rtp_settings(to: SocketAddr) -> RtpOutputSettings {
    let settings = serde_json::json!({ "to": to, "fec": { "columns": 5, "rows": 5 } });
    serde_json::from_value(settings).unwrap()
}

fn rtp_driver(to: SocketAddr) -> Arc<dyn OutputDriver> {
    RtpAdapter::new()
        .output("out", &rtp_settings(to), &NoSecrets)
        .unwrap()
}

/// A decoder: a socket that counts what comes.
struct Decoder {
    /// What sends to an address.
    driver: fn(SocketAddr) -> Arc<dyn OutputDriver>,
    address: SocketAddr,
    received: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Decoder {
    fn start(driver: fn(SocketAddr) -> Arc<dyn OutputDriver>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        let received = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (counted, asked) = (Arc::clone(&received), Arc::clone(&stop));
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !asked.load(Ordering::Relaxed) {
                if let Ok(bytes) = socket.recv(&mut buffer) {
                    counted.fetch_add(bytes as u64, Ordering::Relaxed);
                }
            }
        });
        Self {
            driver,
            address,
            received,
            stop,
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl OutputSubject for Decoder {
    fn driver(&self) -> Arc<dyn OutputDriver> {
        (self.driver)(self.address)
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    fn data_dir(&self) -> &Path {
        Path::new("/tmp")
    }

    fn refused(&self) -> Option<(Arc<dyn OutputDriver>, Refusal)> {
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, free_udp_port()));
        Some(((self.driver)(nobody), Refusal::Tolerated))
    }

    fn slow(&self) -> Option<Arc<dyn OutputDriver>> {
        // A socket that nobody reads: its buffer is soon full.
        let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = deaf.local_addr().unwrap();
        Box::leak(Box::new(deaf));
        Some((self.driver)(address))
    }
}

const GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 1, 2, 3)), 5000);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn udp_does_what_every_output_must() {
    check_output(&Decoder::start(driver)).await;
    check_settings(&settings(GROUP));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtp_with_fec_does_what_every_output_must() {
    check_output(&Decoder::start(rtp_driver)).await;
    check_settings(&rtp_settings(GROUP));
}

/// An engine with one output to `to`, waiting for its feed.
async fn output_to(to: SocketAddr) -> (Engine, Feed) {
    let engine = Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: "/tmp".into(),
    });
    let spec = OutputSpec {
        source: "cam1".into(),
        driver: driver(to),
    };
    engine.set_output("out", spec).await.unwrap();
    let feed = engine.feed("cam1");
    while feed.reader_count() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (engine, feed)
}

fn chunk(bytes: &[u8], due: Instant) -> TsChunk {
    let arrived = Clock::start().now();
    TsChunk {
        bytes: bytes.to_vec().into(),
        origin: arrived,
        arrived,
        due,
        lost_before: 0,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_datagram_leaves_as_it_came_bit_by_bit() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let (engine, feed) = output_to(socket.local_addr().unwrap()).await;
    let receiver = thread::spawn(move || {
        let mut buffer = [0; 2048];
        let mut datagrams = Vec::new();
        while datagrams.iter().map(Vec::len).sum::<usize>() < 7 * 300 * 188 {
            let bytes = socket.recv(&mut buffer).expect("another datagram");
            datagrams.push(buffer[..bytes].to_vec());
        }
        datagrams
    });
    let stream = numbered_ts(7 * 300);
    let mut writer = feed.ts_writer();
    let mut sizes = Vec::new();
    // Datagrams of seven packets, now and then of three, and one of fourteen.
    let mut rest = &stream[..];
    for packets in (0..).map(|n| if n == 20 { 14 } else { [7, 7, 3][n % 3] }) {
        let (now, later) = rest.split_at(rest.len().min(packets * 188));
        writer.push(chunk(now, Clock::start().now()));
        writer.seal();
        sizes.extend(now.chunks(1316).map(<[u8]>::len));
        rest = later;
        if rest.is_empty() {
            break;
        }
        thread::sleep(Duration::from_micros(300));
    }
    let received = receiver.join().unwrap();
    assert_eq!(received.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
    assert!(received.concat() == stream, "the stream arrives bit by bit");
    let delivered = || engine.output_status("out").unwrap().delivered_bytes;
    until(|| delivered() == stream.len() as u64).await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_datagram_leaves_when_it_is_due_even_if_all_came_at_once() {
    const SPACING_MICROS: u64 = 5000;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let (engine, feed) = output_to(socket.local_addr().unwrap()).await;
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&arrivals);
    let receiver = thread::spawn(move || {
        let mut buffer = [0; 2048];
        for _ in 0..50 {
            socket.recv(&mut buffer).expect("another datagram");
            noted.lock().unwrap().push(Clock::start().now());
        }
    });
    let first = Clock::start().now() + Duration::from_millis(200);
    let mut writer = feed.ts_writer();
    let stream = numbered_ts(7);
    for number in 0..50 {
        writer.push(chunk(
            &stream,
            first + Duration::from_micros(number * SPACING_MICROS),
        ));
    }
    writer.seal();
    receiver.join().unwrap();
    for (number, arrived) in (0..).zip(arrivals.lock().unwrap().iter()) {
        let due = first + Duration::from_micros(number * SPACING_MICROS);
        assert!(
            arrived.micros_from(due) >= 0,
            "datagram {number} left too early"
        );
        assert!(
            arrived.micros_from(due) < 500_000,
            "datagram {number} left far too late"
        );
    }
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_a_multicast_group_on_this_machine_get_it() {
    let group = Ipv4Addr::new(239, 255, 77, 7);
    let port = free_udp_port();
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
    if socket
        .join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)
        .is_err()
    {
        return;
    }
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let settings = OutputSettings {
        to: format!("{group}:{port}"),
        ttl: Some(1),
        interface: Some("127.0.0.1".into()),
        tos: Some(136),
        cbr: None,
    };
    let driver = Adapter::new().output("out", &settings, &NoSecrets).unwrap();
    let engine = Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: "/tmp".into(),
    });
    engine
        .set_output(
            "out",
            OutputSpec {
                source: "cam1".into(),
                driver,
            },
        )
        .await
        .unwrap();
    let feed = engine.feed("cam1");
    while feed.reader_count() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut writer = feed.ts_writer();
    writer.push(chunk(&numbered_ts(7), Clock::start().now()));
    writer.seal();
    let mut buffer = [0; 2048];
    assert_eq!(socket.recv(&mut buffer).expect("the group gets it"), 1316);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_does_not_resolve_is_said_and_tried_again() {
    let settings = OutputSettings {
        to: "no-such-host.invalid:5000".into(),
        ttl: None,
        interface: None,
        tos: None,
        cbr: None,
    };
    let driver = Adapter::new().output("out", &settings, &NoSecrets).unwrap();
    let engine = Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: "/tmp".into(),
    });
    engine
        .set_output(
            "out",
            OutputSpec {
                source: "cam1".into(),
                driver,
            },
        )
        .await
        .unwrap();
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let status = engine.output_status("out").unwrap();
        if status.state == OutputState::Reconnecting {
            assert!(status.last_error.unwrap().contains("no-such-host.invalid"));
            return engine.shutdown().await;
        }
    }
    panic!("the failure never showed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_not_there_is_said_and_may_come_later() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_udp_port()));
    let (engine, feed) = output_to(address).await;
    let _feeder = Feeder::start(feed, numbered_ts(70), Duration::from_millis(2));
    let status = || engine.output_status("out").unwrap();
    until(|| {
        status()
            .last_error
            .is_some_and(|error| error.contains("refuses"))
    })
    .await;
    until(|| status().state == OutputState::Failed).await;
    let failed = status();
    assert!(failed.state_reason.unwrap().contains("refuses"));
    assert!(!failed.delivering);
    let socket = UdpSocket::bind(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    assert_eq!(
        socket.recv(&mut [0; 2048]).expect("it was not given up"),
        1316
    );
    until(|| status().delivering).await;
    assert_eq!(status().reconnects, 0);
    engine.shutdown().await;
}

async fn until(mut look: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if look() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never happened");
}
