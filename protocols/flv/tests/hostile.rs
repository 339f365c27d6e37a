//! Messages come from strangers: whatever the bytes, reading them ends and does not panic, and
//! no message makes much of little.

use bytes::Bytes;
use proptest::prelude::*;
use tidegate_flv::{Event, Reader};

/// Bytes in which the first bytes of messages and the names of codecs are common.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let first = prop::sample::select(vec![
        0x17_u8, 0x27, 0x1C, 0x80, 0x90, 0x91, 0x92, 0x93, 0x95, 0x96, 0x97, 0xA1, 0xAF, 0x2F, 0xD1,
    ]);
    let name = prop::sample::select(vec![
        &b""[..],
        b"\x00",
        b"\x01",
        b"avc1",
        b"hvc1",
        b"av01",
        b"mp4a",
        b"Opus",
        b"ac-3",
        b"ec-3",
        b".mp3",
        b"\x01avc1\x00",
        b"\x11mp4a\x00\x00\x00\x04",
        b"\x20",
        b"\x00\x05\x01",
        b"OpusHead",
    ]);
    let tail = prop::collection::vec(
        prop_oneof![3 => any::<u8>(), 2 => Just(0_u8), 1 => Just(1_u8), 1 => Just(0x81)],
        0..120,
    );
    (first, prop::collection::vec(name, 0..4), tail)
        .prop_map(|(first, names, tail)| [&[first][..], &names.concat(), &tail].concat())
}

proptest! {
    #[test]
    fn no_messages_make_a_reader_panic_or_grow(
        messages in prop::collection::vec((any::<u32>(), any::<bool>(), body()), 0..24),
    ) {
        let mut reader = Reader::new();
        for (time, video, body) in messages {
            let body = Bytes::from(body);
            // Whether it is refused does not matter here.
            drop(if video { reader.video(time, &body) } else { reader.audio(time, &body) });
            while let Some(event) = reader.next_event() {
                match event {
                    Event::Frame(frame) => prop_assert!(frame.data.len() <= body.len() * 5 / 2 + 8),
                    Event::Tracks(tracks) => prop_assert!(tracks.len() <= 32),
                }
            }
        }
    }
}
