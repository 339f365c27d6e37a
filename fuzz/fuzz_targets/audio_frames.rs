//! Audio elementary streams of every codec, cut anywhere.
//! The first byte chooses the codec, the second where the stream is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_codecs::{AudioFramer, Codec};

const CODECS: [Codec; 6] = [
    Codec::Aac,
    Codec::AacLatm,
    Codec::MpegAudio,
    Codec::Ac3,
    Codec::Eac3,
    Codec::Opus,
];

fuzz_target!(|input: &[u8]| {
    let [codec, cut, stream @ ..] = input else {
        return;
    };
    let codec = CODECS[usize::from(*codec) % CODECS.len()];
    let Some(mut framer) = AudioFramer::new(codec, None) else {
        return;
    };
    let (head, tail) = stream.split_at(usize::from(*cut).min(stream.len()));
    let mut frames = 0;
    for (part, pts) in [(head, Some(9_000)), (tail, None), (stream, Some(18_000))] {
        framer.push(pts, part);
        while framer.next_frame().is_some() {
            frames += 1;
            assert!(frames <= 2 * stream.len() + 4, "frames out of nothing");
        }
    }
    let _ = framer.config().and_then(|config| config.rfc6381());
});
