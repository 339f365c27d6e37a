//! Publishers that behave, and what becomes of their media.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Bed, KEY, Publisher};
use tidegate_engine::{Frame, Health, Reader, ReaderOptions, Track};
use tidegate_rtmp::MediaKind;
use tidegate_testkit::{eventually, peers};

fn frames(reader: &mut Reader<Frame>, into: &mut Vec<Frame>) {
    while let Some(batch) = reader.try_next() {
        into.extend(batch.items().iter().cloned());
    }
}

/// Waits for so many frames.
fn gather(reader: &mut Reader<Frame>, count: usize) -> Vec<Frame> {
    let mut gathered = Vec::new();
    eventually("the frames come", || {
        frames(reader, &mut gathered);
        (gathered.len() >= count).then_some(())
    });
    gathered
}

fn read(bed: &Bed) -> Reader<Frame> {
    let feed = bed.engine.feed("studio");
    feed.read_frames(ReaderOptions::default())
}

#[test]
fn every_message_becomes_a_frame_at_once_and_in_order() {
    let bed = Bed::new();
    bed.studio();
    let mut reader = read(&bed);
    let mut publisher = bed.publish("live", KEY).unwrap();
    for number in 0..50 {
        publisher.sound(number * 21, number);
        // One at a time: nothing waits for what comes later.
        let came = gather(&mut reader, 1);
        assert_eq!(came.len(), 1);
        assert_eq!(came[0].data[1..5], number.to_be_bytes());
    }
    let status = bed.shown("studio");
    assert_eq!(status["rtmp"]["app"], "live");
    assert_eq!(status["rtmp"]["messages_unusable"], 0, "{status:#}");
    bed.keeps_the_key();
}

#[test]
fn a_publisher_without_media_is_connected_and_not_green() {
    let bed = Bed::new();
    bed.studio();
    let publisher = bed.publish("live", KEY).unwrap();
    eventually("it is connected", || {
        bed.is_connected("studio").then_some(())
    });
    eventually("its silence is an error", || {
        (bed.status("studio").health == Health::Error).then_some(())
    });
    assert!(bed.is_connected("studio"));
    drop(publisher);
    eventually("it is gone", || {
        let reason = bed.status("studio").connection_reason?;
        reason.contains("closed the connection").then_some(())
    });
}

#[test]
fn who_comes_back_with_times_from_zero_goes_on_in_the_same_feed() {
    let bed = Bed::new();
    bed.studio();
    let mut reader = read(&bed);
    for round in 0..3 {
        let mut publisher = bed.publish("live", KEY).unwrap();
        for number in 0..10 {
            publisher.sound(1_000_000 * (2 - round) + number * 21, number);
        }
        assert_eq!(gather(&mut reader, 10).len(), 10);
        publisher.unpublish();
        eventually("the source waits again", || {
            (!bed.is_connected("studio")).then_some(())
        });
    }
    assert_eq!(reader.lost(), 0);
    assert!(bed.rejections().is_empty(), "{:?}", bed.rejections());
}

#[test]
fn time_stamps_that_begin_again_in_mid_stream_are_told_and_marked() {
    let bed = Bed::new();
    bed.studio();
    let mut reader = read(&bed);
    let mut publisher = bed.publish("live", KEY).unwrap();
    publisher.sound(500_000, 0);
    publisher.sound(500_021, 1);
    publisher.sound(0, 2);
    publisher.sound(21, 3);
    let marks: Vec<bool> = gather(&mut reader, 4)
        .iter()
        .map(|frame| frame.discontinuity)
        .collect();
    assert_eq!(marks, [false, false, true, false]);
    eventually("the jump shows", || {
        let status = bed.shown("studio");
        (status["rtmp"]["timestamp_jumps"]["backward"] == 1).then_some(())
    });
}

/// The media messages of a short clip.
fn clip(folder: &Path, size: &str) -> Vec<(MediaKind, u32, Vec<u8>)> {
    let file = folder.join(format!("{size}.flv"));
    let made = Command::new("ffmpeg")
        .args("-hide_banner -nostdin -v error -y -f lavfi -i".split(' '))
        .arg(format!("testsrc2=s={size}:r=25"))
        .args("-f lavfi -i sine -t 1 -c:v libx264 -preset ultrafast -g 25 -pix_fmt".split(' '))
        .args("yuv420p -c:a aac -f flv".split(' '))
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    let bytes = std::fs::read(file).unwrap();
    // After the header of nine bytes every tag is preceded by the size of the one before.
    let mut rest = &bytes[9 + 4..];
    let mut messages = Vec::new();
    while let Some((&[kind, a, b, c, t2, t1, t0, t3, ..], _)) = rest.split_first_chunk::<11>() {
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let timestamp = u32::from_be_bytes([t3, t2, t1, t0]);
        let body = rest[11..11 + length].to_vec();
        rest = &rest[11 + length + 4..];
        match kind {
            8 => messages.push((MediaKind::Audio, timestamp, body)),
            9 => messages.push((MediaKind::Video, timestamp, body)),
            _ => {}
        }
    }
    messages
}

fn send(publisher: &mut Publisher, clip: &[(MediaKind, u32, Vec<u8>)], from_ms: u32) {
    for (kind, timestamp, body) in clip {
        publisher.send(*kind, from_ms + timestamp, body);
    }
}

#[test]
fn a_picture_of_another_size_in_mid_stream_goes_on_with_new_tracks() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    bed.studio();
    let mut reader = read(&bed);
    let clips = ["320x180", "640x360"].map(|size| clip(bed.folder(), size));
    let mut publisher = bed.publish("live", KEY).unwrap();
    send(&mut publisher, &clips[0], 0);
    send(&mut publisher, &clips[1], 1000);
    let mut sizes = Vec::new();
    let mut pictures = 0;
    eventually("both clips come", || {
        while let Some(batch) = reader.try_next() {
            pictures += batch.iter().filter(|frame| frame.video).count();
            let picture = batch.tracks().and_then(|tracks| width(tracks));
            if picture.is_some() && sizes.last() != Some(&picture) {
                sizes.push(picture);
            }
        }
        (pictures >= 50).then_some(())
    });
    assert_eq!(sizes, [Some(320), Some(640)]);
    assert_eq!(pictures, 50);
    eventually("the status shows the size of now", || {
        (bed.shown("studio")["media"]["video"]["width"] == 640).then_some(())
    });
    assert!(bed.is_connected("studio"));
}

fn width(tracks: &[Track]) -> Option<u32> {
    let picture = tracks.iter().find(|track| track.is_video())?;
    match picture.config.as_deref()? {
        tidegate_codecs::StreamConfig::Video(video) => Some(video.format.width),
        tidegate_codecs::StreamConfig::Audio(_) => None,
    }
}

#[test]
fn what_is_not_carried_is_told_and_the_rest_goes_on() {
    let bed = Bed::new();
    bed.studio();
    let mut reader = read(&bed);
    let mut publisher = bed.publish("live", KEY).unwrap();
    // Sorenson's H.263 of 1998.
    publisher.send(MediaKind::Video, 0, &[0x12, 0, 0, 0]);
    publisher.sound(0, 1);
    assert_eq!(gather(&mut reader, 1).len(), 1);
    let problem = eventually("the problem shows", || {
        let status = bed.shown("studio");
        status["rtmp"]["problem"].as_str().map(str::to_owned)
    });
    assert!(problem.contains("not carried"), "{problem}");
}

#[test]
fn a_second_publisher_is_refused_while_the_first_is_live_and_then_takes_over() {
    let bed = Bed::new();
    bed.studio();
    let mut first = bed.publish("live", KEY).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                first.sound(number * 20, number);
                number += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let refused = bed.publish("live", KEY);
        stop.store(true, Ordering::Relaxed);
        assert!(refused.is_err());
    });
    let rejection = bed.rejection("already_publishing");
    assert_eq!(rejection.stream_id, "live/•••");
    // The first has stopped sending without a word: its connection still stands.
    let mut second = bed.publish("live", KEY).unwrap();
    eventually("the first is sent away", || first.is_closed().then_some(()));
    let mut reader = read(&bed);
    second.sound(0, 1);
    assert_eq!(gather(&mut reader, 1).len(), 1);
    assert!(bed.is_connected("studio"));
    bed.keeps_the_key();
}

#[test]
fn a_source_that_is_removed_sends_its_publisher_away() {
    let bed = Bed::new();
    bed.studio();
    let mut publisher = bed.publish("live", KEY).unwrap();
    bed.runtime
        .block_on(bed.engine.remove_source("studio"))
        .unwrap();
    eventually("it is sent away", || publisher.is_closed().then_some(()));
    assert!(bed.publish("live", KEY).is_err());
}
