//! Media messages of RTMP, legacy and enhanced, in a row, and what is made of them written
//! again. Each message: a byte with its kind, two with its length, then its body.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_flv::{Event, OutFrame, Reader, Writer};

fuzz_target!(|input: &[u8]| {
    let (mut reader, mut writer, mut messages) = (Reader::new(), Writer::new(), Vec::new());
    let mut rest = input;
    while let [kind, high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(behind.len());
        let (body, behind) = behind.split_at(length);
        rest = behind;
        let body = Bytes::copy_from_slice(body);
        let time = u32::from(*kind) << 24;
        // Whether a message is refused does not matter here.
        let _ = if kind & 1 == 0 {
            reader.video(time, &body)
        } else {
            reader.audio(time, &body)
        };
        while let Some(event) = reader.next_event() {
            match event {
                Event::Tracks(tracks) => {
                    assert!(tracks.len() <= 2 * tidegate_flv::TRACKS_MAX);
                    let known = tracks.iter();
                    let known = known.filter_map(|track| Some((track.id, track.config.as_ref()?)));
                    writer.set_tracks(known);
                }
                Event::Frame(frame) => {
                    assert!(frame.data.len() <= body.len() * 5 / 2 + 8, "much of little");
                    let frame = OutFrame {
                        track: frame.track,
                        pts: frame.pts,
                        dts: frame.dts,
                        key: frame.key,
                        data: &frame.data,
                    };
                    messages.clear();
                    writer.frame(&frame, &mut messages);
                }
            }
        }
    }
});
