//! Audio frames keep their own times, wherever the packets that carry them divide.

use tidegate_codecs::{AudioFramer, Codec, Kind, StreamReader};

/// An MPEG layer II frame: 192 kbit/s at 48 kHz, 576 bytes, 24 ms.
fn layer_two_frame(fill: u8) -> Vec<u8> {
    let mut frame = vec![fill; 576];
    frame[..4].copy_from_slice(&[0xFF, 0xFD, 0xA4, 0x04]);
    frame
}

#[test]
fn a_frame_that_straddles_two_packets_keeps_the_time_of_the_first() {
    let stream: Vec<u8> = (0..4).flat_map(layer_two_frame).collect();
    let mut framer = AudioFramer::new(Codec::MpegAudio, None).expect("a known codec");
    framer.push(Some(1_000), &stream[..900]);
    let first = framer.next_frame().expect("one whole frame");
    assert_eq!(
        (first.pts, first.data.len(), first.duration),
        (Some(1_000), 576, 2160)
    );
    assert_eq!(framer.next_frame(), None);
    // The next packet's time belongs to the first frame that begins inside it.
    framer.push(Some(9_000), &stream[900..]);
    let times: Vec<_> = std::iter::from_fn(|| framer.next_frame())
        .map(|f| f.pts)
        .collect();
    assert_eq!(times, [Some(3_160), Some(9_000), Some(11_160)]);
}

#[test]
fn garbage_before_a_frame_is_skipped() {
    let mut stream = vec![0xFF, 0xFD, 0xA4, 1, 2, 3];
    stream.extend((0..2).flat_map(layer_two_frame));
    let mut framer = AudioFramer::new(Codec::MpegAudio, None).expect("a known codec");
    framer.push(None, &stream);
    let frames: Vec<_> = std::iter::from_fn(|| framer.next_frame()).collect();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].pts, None, "no time was ever given");
}

#[test]
fn every_audio_codec_that_is_framed_is_audio() {
    for codec in [Codec::Aac, Codec::Ac3, Codec::Opus, Codec::AacLatm] {
        assert!(AudioFramer::new(codec, None).is_some());
        assert_eq!(codec.kind(), Kind::Audio);
    }
    assert!(AudioFramer::new(Codec::H264, None).is_none());
}

#[test]
fn a_latm_configuration_counts_only_behind_its_sync_word() {
    // 48 kHz stereo LC, and an empty frame.
    let element = [0x20, 0x00, 0x11, 0x90, 0x1F, 0xE0, 0, 0];
    let behind = |header: [u8; 3]| {
        let mut reader = StreamReader::new(Codec::AacLatm);
        let complete = reader.read(&[&header[..], &element].concat()).complete;
        assert_eq!(complete, reader.config().is_some());
        complete
    };
    assert!(behind([0x56, 0xE0, 8]));
    assert!(!behind([0x59, 0x59, 0x59]));
}
