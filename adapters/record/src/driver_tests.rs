use super::*;
use crate::disk::SegmentFile;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use tidegate_engine::{Clock, Engine, EngineConfig, EventKind, OutputSpec, OutputState, Span};
use tidegate_testkit::conformance::Feeder;
use tidegate_testkit::media::numbered_ts;

/// A disk that can be filled up and emptied, and that can be made to hang.
#[derive(Clone, Default)]
struct TestDisk {
    full: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
}

impl Disk for TestDisk {
    fn create(&mut self, _: &str) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(self.clone()))
    }

    fn tidy(&mut self, _: Option<&str>) -> io::Result<()> {
        Ok(())
    }
}

impl SegmentFile for TestDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        while self.hangs.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.written
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn recorder(disk: &TestDisk) -> Engine {
    let engine = Engine::start(EngineConfig {
        clock: Clock::start(),
        data_dir: "/tmp".into(),
    });
    let segment = Span::from_secs(60);
    let settings = OutputSettings {
        format: crate::Format::Ts,
        segment,
        keep: None,
    };
    let disk = disk.clone();
    let driver = RecordOutput::on(settings, move |_, _| Ok(Box::new(disk.clone())));
    let spec = OutputSpec {
        source: "cam1".into(),
        driver: Arc::new(driver),
    };
    engine.set_output("archive", spec).await.unwrap();
    engine
}

async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let began = Instant::now();
    while !look() {
        assert!(began.elapsed() < Duration::from_secs(40), "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_raises_an_alarm_and_recording_resumes_by_itself() {
    let disk = TestDisk::default();
    let engine = recorder(&disk).await;
    let mut events = engine.events().subscribe();
    let mut neighbour = engine.feed("cam1").read_ts(ReaderOptions {
        max_batches: tidegate_engine::limits::READER_BATCHES_MAX,
        max_bytes: tidegate_engine::limits::READER_BYTES_MAX,
        ..ReaderOptions::default()
    });
    let feeder = Feeder::start(
        engine.feed("cam1"),
        numbered_ts(7 * 100),
        Duration::from_millis(2),
    );
    let status = || engine.output_status("archive").unwrap();
    until("it records", || status().delivering).await;
    disk.full.store(true, Ordering::Relaxed);
    until("it pauses", || status().state == OutputState::Reconnecting).await;
    assert_eq!(engine.alarms()[0].alarm.text, "Disk full");
    assert!(status().last_error.unwrap().contains("resumes by itself"));
    let before = disk.written.load(Ordering::Relaxed);
    disk.full.store(false, Ordering::Relaxed);
    until("it resumes", || {
        disk.written.load(Ordering::Relaxed) > before
    })
    .await;
    until("the alarm is cleared", || engine.alarms().is_empty()).await;
    let mut raised = 0;
    while let Ok(event) = events.try_recv() {
        raised += usize::from(matches!(event.kind, EventKind::AlarmRaised(_)));
    }
    assert_eq!(raised, 1, "one alarm, however often it was tried");
    let chunks = feeder.chunks();
    let mut read = 0;
    while let Some(batch) = neighbour.try_next() {
        read += batch.items().len() as u64;
    }
    assert!(
        read >= chunks && neighbour.lost() == 0,
        "the live path did not notice"
    );
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_holds_up_nobody_and_the_queue_bridges_it() {
    let disk = TestDisk::default();
    let engine = recorder(&disk).await;
    let feeder = Feeder::start(
        engine.feed("cam1"),
        numbered_ts(7 * 100),
        Duration::from_millis(2),
    );
    until("it records", || disk.written.load(Ordering::Relaxed) > 0).await;
    disk.hangs.store(true, Ordering::Relaxed);
    let during = feeder.chunks();
    until("a second of media", || feeder.chunks() > during + 300).await;
    assert!(feeder.longest() < Duration::from_millis(200));
    disk.hangs.store(false, Ordering::Relaxed);
    let all = feeder.chunks() * Feeder::CHUNK_BYTES as u64;
    until("it catches up", || {
        disk.written.load(Ordering::Relaxed) >= all
    })
    .await;
    assert_eq!(engine.output_status("archive").unwrap().lost_packets, 0);
    engine.shutdown().await;
}
