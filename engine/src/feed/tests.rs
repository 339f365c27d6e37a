use super::*;
use crate::limits;
use bytes::Bytes;
use core::sync::atomic::AtomicUsize;
use std::thread;

fn chunk(number: u64) -> TsChunk {
    let mut bytes = vec![0_u8; 188];
    bytes[0] = 0x47;
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    let now = Instant::from_micros(number * 1000);
    TsChunk {
        bytes: Bytes::from(bytes),
        origin: now,
        arrived: now,
        due: now,
        lost_before: 0,
    }
}

fn key_chunk(number: u64) -> TsChunk {
    let mut chunk = chunk(number);
    let mut bytes = chunk.bytes.to_vec();
    bytes[3..6].copy_from_slice(&[0x30, 7, 0x50]);
    chunk.bytes = bytes.into();
    chunk
}

fn number(chunk: &TsChunk) -> u64 {
    u64::from_be_bytes(chunk.bytes[8..16].try_into().unwrap())
}

fn drain(reader: &mut Reader<TsChunk>) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(batch) = reader.try_next() {
        numbers.extend(batch.items().iter().map(number));
    }
    numbers
}

fn write(writer: &mut FeedWriter<TsChunk>, numbers: core::ops::Range<u64>) {
    for number in numbers {
        writer.push(chunk(number));
        writer.seal();
    }
}

fn small(max_batches: usize) -> ReaderOptions {
    ReaderOptions {
        max_batches,
        ..ReaderOptions::default()
    }
}

#[test]
fn every_reader_gets_every_packet_in_order() {
    let feed = Feed::new("cam1");
    let mut readers = [(); 3].map(|()| feed.read_ts(ReaderOptions::default()));
    write(&mut feed.ts_writer(), 0..100);
    for reader in &mut readers {
        assert_eq!(drain(reader), (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_slow_reader_loses_its_own_packets_and_nobody_elses() {
    let feed = Feed::new("cam1");
    let mut slow = feed.read_ts(small(10));
    let mut quick = feed.read_ts(ReaderOptions::default());
    write(&mut feed.ts_writer(), 0..100);
    assert_eq!(drain(&mut slow), (0..10).collect::<Vec<_>>());
    assert_eq!(slow.lost(), 90);
    assert_eq!(drain(&mut quick).len(), 100);
    assert_eq!(quick.lost(), 0);
}

#[test]
fn after_an_overflow_a_reader_begins_again_at_a_key_frame() {
    let feed = Feed::new("cam1");
    let mut reader = feed.read_ts(small(4));
    let mut writer = feed.ts_writer();
    write(&mut writer, 0..8);
    assert_eq!(drain(&mut reader), [0, 1, 2, 3]);
    write(&mut writer, 8..12);
    assert_eq!(drain(&mut reader), [] as [u64; 0]);
    writer.push(key_chunk(12));
    writer.seal();
    write(&mut writer, 13..14);
    let batch = reader.try_next().unwrap();
    assert_eq!(number(&batch[0]), 12);
    assert_eq!(
        reader.gap(),
        Gap {
            lost: 8,
            restarted: false
        }
    );
    assert_eq!(drain(&mut reader), [13]);
    assert_eq!(reader.gap(), Gap::default());
}

#[test]
fn a_stream_that_marks_no_key_frames_is_not_waited_for_for_ever() {
    let feed = Feed::new("cam1");
    let mut reader = feed.read_ts(small(4));
    let mut writer = feed.ts_writer();
    write(&mut writer, 0..5);
    drain(&mut reader);
    let wait = u64::try_from(limits::RESYNC_WAIT.as_millis()).unwrap();
    write(&mut writer, wait..wait + 8);
    assert_eq!(drain(&mut reader)[0], wait + 4);
}

#[test]
fn bytes_are_limited_as_well_as_batches() {
    let feed = Feed::new("cam1");
    let options = ReaderOptions {
        max_bytes: 188 * 5,
        ..ReaderOptions::default()
    };
    let mut reader = feed.read_ts(options);
    write(&mut feed.ts_writer(), 0..20);
    assert_eq!(drain(&mut reader).len(), 5);
    assert_eq!(reader.lost(), 15);
}

#[test]
fn readers_stay_when_the_sender_comes_back_and_are_told() {
    let feed = Feed::new("cam1");
    let mut reader = feed.read_ts(ReaderOptions::default());
    let mut first = feed.ts_writer();
    write(&mut first, 0..2);
    drop(first);
    assert_eq!(drain(&mut reader), [0, 1]);
    assert!(!reader.gap().restarted);
    write(&mut feed.ts_writer(), 2..3);
    assert_eq!(drain(&mut reader), [2]);
    assert!(reader.gap().restarted);
}

#[test]
fn the_newest_writer_takes_over_and_the_old_one_falls_silent() {
    let feed = Feed::new("cam1");
    let mut reader = feed.read_ts(ReaderOptions::default());
    let (mut old, mut new) = (feed.ts_writer(), feed.ts_writer());
    old.push(chunk(1));
    assert!(!old.seal());
    new.push(chunk(2));
    assert!(new.seal());
    assert_eq!(drain(&mut reader), [2]);
}

#[test]
fn a_reader_is_woken_once_until_it_has_looked() {
    struct Count(AtomicUsize);
    impl crate::Wake for Count {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let feed = Feed::new("cam1");
    let wakes = Arc::new(Count(AtomicUsize::new(0)));
    let wake = Some(Arc::clone(&wakes) as Arc<dyn crate::Wake>);
    let mut reader = feed.read_ts(ReaderOptions {
        wake,
        ..ReaderOptions::default()
    });
    let mut writer = feed.ts_writer();
    write(&mut writer, 0..50);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    assert_eq!(drain(&mut reader).len(), 50);
    write(&mut writer, 50..60);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 2);
}

#[test]
fn re_pointing_moves_the_routes_readers_and_leaves_others_alone() {
    let (one, two) = (Feed::new("one"), Feed::new("two"));
    let route = Route::new(one.clone());
    let mut moved = route.read_ts(ReaderOptions::default());
    let mut stays = one.read_ts(ReaderOptions::default());
    let (mut writer_one, mut writer_two) = (one.ts_writer(), two.ts_writer());
    write(&mut writer_one, 0..2);
    route.point_at(&two);
    write(&mut writer_one, 2..4);
    write(&mut writer_two, 100..102);
    assert_eq!(drain(&mut moved), [0, 1, 100, 101]);
    assert_eq!(drain(&mut stays), [0, 1, 2, 3]);
    assert_eq!((one.reader_count(), two.reader_count()), (1, 1));
    drop(moved);
    assert_eq!(two.reader_count(), 0);
}

#[test]
fn a_thousand_readers_coming_and_going_cost_a_neighbour_no_packet() {
    const PACKETS: u64 = 20_000;
    let feed = Feed::new("cam1");
    let mut neighbour = feed.read_ts(ReaderOptions {
        max_batches: limits::READER_BATCHES_MAX,
        max_bytes: limits::READER_BYTES_MAX,
        ..ReaderOptions::default()
    });
    thread::scope(|scope| {
        scope.spawn(|| write(&mut feed.ts_writer(), 0..PACKETS));
        scope.spawn(|| {
            for _ in 0..1000 {
                drain(&mut feed.read_ts(small(16)));
            }
        });
    });
    assert_eq!(drain(&mut neighbour), (0..PACKETS).collect::<Vec<_>>());
    assert_eq!(neighbour.lost(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_reader_never_sleeps_through_a_batch() {
    const PACKETS: u64 = 50_000;
    let feed = Feed::new("cam1");
    let mut reader = feed.read_ts(ReaderOptions {
        max_batches: limits::READER_BATCHES_MAX,
        ..ReaderOptions::default()
    });
    let writing = feed.clone();
    let writer = thread::spawn(move || write(&mut writing.ts_writer(), 0..PACKETS));
    let mut expected = 0;
    while expected < PACKETS {
        for chunk in reader.next().await.items() {
            assert_eq!(number(chunk), expected);
            expected += 1;
        }
    }
    writer.join().unwrap();
}

/// Reads until the writer has ended and nothing is left; how many packets came.
fn read_to_the_end(reader: &mut Reader<TsChunk>, ended: &AtomicBool) -> u64 {
    let mut received = 0;
    let mut last = None;
    loop {
        let over = ended.load(Ordering::SeqCst);
        while let Some(batch) = reader.try_next() {
            for chunk in batch.items() {
                let number = number(chunk);
                assert!(last.is_none_or(|last| number > last), "out of order");
                last = Some(number);
                received += 1;
            }
        }
        if over {
            return received;
        }
        thread::yield_now();
    }
}

#[test]
fn every_packet_is_either_delivered_or_counted_as_lost() {
    const PACKETS: u64 = 60_000;
    let feed = Feed::new("cam1");
    let sizes = [1, 2, 7, 64, 4096];
    let readers = sizes.map(|size| feed.read_ts(small(size)));
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for mut reader in readers {
            let ended = &ended;
            scope.spawn(move || {
                let received = read_to_the_end(&mut reader, ended);
                assert_eq!(received + reader.lost(), PACKETS);
            });
        }
        let mut writer = feed.ts_writer();
        for number in 0..PACKETS {
            writer.push(if number % 50 == 0 {
                key_chunk(number)
            } else {
                chunk(number)
            });
            if number % 3 == 0 {
                writer.seal();
            }
        }
        writer.seal();
        ended.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_route_pointed_to_and_fro_under_load_leaves_every_neighbour_whole() {
    const PACKETS: u64 = 20_000;
    let feeds = [Feed::new("one"), Feed::new("two")];
    let large = || ReaderOptions {
        max_batches: limits::READER_BATCHES_MAX,
        ..ReaderOptions::default()
    };
    let mut neighbours = feeds.each_ref().map(|feed| feed.read_ts(large()));
    let route = Route::new(feeds[0].clone());
    let mut moved = route.read_ts(large());
    thread::scope(|scope| {
        for feed in &feeds {
            scope.spawn(|| write(&mut feed.ts_writer(), 0..PACKETS));
        }
        for turn in 0..2000 {
            route.point_at(&feeds[turn % 2]);
            drain(&mut moved);
        }
    });
    for neighbour in &mut neighbours {
        assert_eq!(drain(neighbour), (0..PACKETS).collect::<Vec<_>>());
    }
    drop(moved);
    assert_eq!(feeds.each_ref().map(Feed::reader_count), [1, 1]);
}

#[test]
fn writers_that_take_over_from_one_another_never_mix_their_packets() {
    let feed = Feed::new("cam1");
    let mut reader = feed.read_ts(small(limits::READER_BATCHES_MAX));
    thread::scope(|scope| {
        for encoder in 0..4_u64 {
            let feed = &feed;
            scope.spawn(move || {
                let base = encoder * 1_000_000;
                write(&mut feed.ts_writer(), base..base + 3000);
            });
        }
    });
    let mut sessions = std::collections::BTreeMap::<u32, u64>::new();
    while let Some(batch) = reader.try_next() {
        let encoder = number(&batch[0]) / 1_000_000;
        assert_eq!(*sessions.entry(batch.session()).or_insert(encoder), encoder);
    }
    assert!(!sessions.is_empty());
}
