//! MP4 files and segments. The first two bytes say where a segment is cut from its
//! initialisation, the rest is the file.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_mp4::{Event, FileReader, SegmentReader, Step};

/// Steps after which a reader that goes on for ever is looked at no more.
const STEPS: usize = 10_000;

fuzz_target!(|input: &[u8]| {
    let Some((cut, file)) = input.split_first_chunk() else {
        return;
    };
    read_file(file);
    let cut = usize::from(u16::from_be_bytes(*cut));
    let (init, segment) = file.split_at(cut.min(file.len()));
    read_segments(
        &Bytes::copy_from_slice(init),
        &Bytes::copy_from_slice(segment),
    );
    let all = Bytes::copy_from_slice(file);
    read_segments(&all, &all);
});

fn read_file(file: &[u8]) {
    let mut reader = FileReader::new(file.len() as u64);
    for _ in 0..STEPS {
        match reader.step() {
            Ok(Step::Read { at, bytes }) => {
                let at = at as usize;
                // It asks only for what the file has.
                reader.supply(Bytes::copy_from_slice(&file[at..at + bytes]));
            }
            Ok(Step::Event(Event::Sample(sample))) => {
                assert!(
                    sample.data.len() <= 3 * file.len() + 8,
                    "{}",
                    sample.data.len()
                );
            }
            Ok(Step::Event(Event::Tracks(_))) => {}
            Ok(Step::End) | Err(_) => return,
        }
    }
}

fn read_segments(init: &Bytes, segment: &Bytes) {
    let mut reader = SegmentReader::new();
    if reader.init(init).is_err() {
        return;
    }
    for _ in 0..2 {
        reader
            .segment(segment.clone())
            .expect("there is an initialisation segment");
        for _ in 0..STEPS {
            if !matches!(reader.next_event(), Ok(Some(_))) {
                break;
            }
        }
    }
}
