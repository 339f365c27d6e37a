use super::*;

/// x264, 1920x1080, High 4.0.
const AVC_HEADER: &[u8] = &[
    0x17, 0x00, 0, 0, 0, 0x01, 0x64, 0x00, 0x28, 0xFF, 0xE1, 0x00, 0x0C, 0x67, 0x64, 0x00, 0x28,
    0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0x01, 0x00, 0x04, 0x68, 0xEB, 0xE3, 0xCB,
];
const AAC_HEADER: &[u8] = &[0xAF, 0x00, 0x11, 0x90];
const AVC_KEY: &[u8] = &[0x17, 0x01, 0, 0, 80, 0, 0, 0, 3, 0x65, 1, 2];

fn drain(reader: &mut Reader) -> Vec<Event> {
    std::iter::from_fn(|| reader.next_event()).collect()
}

fn frames(reader: &mut Reader) -> Vec<Frame> {
    let events = drain(reader).into_iter();
    let frame = |event| match event {
        Event::Frame(frame) => Some(frame),
        Event::Tracks(_) => None,
    };
    events.filter_map(frame).collect()
}

#[test]
fn headers_are_told_once_and_before_the_first_frame() {
    let mut reader = Reader::new();
    reader.video(0, &AVC_HEADER.into()).unwrap();
    reader.audio(0, &AAC_HEADER.into()).unwrap();
    assert_eq!(drain(&mut reader), []);
    reader.video(1000, &AVC_KEY.into()).unwrap();
    reader
        .audio(1010, &b"\xAF\x01aac".as_slice().into())
        .unwrap();
    let events = drain(&mut reader);
    let Event::Tracks(tracks) = &events[0] else {
        panic!("tracks first: {events:?}");
    };
    let codecs: Vec<_> = tracks.iter().map(|track| (track.id, track.codec)).collect();
    assert_eq!(codecs, [(0x100, Codec::H264), (0x200, Codec::Aac)]);
    assert!(tracks.iter().all(|track| track.config.is_some()));
    let Event::Frame(frame) = &events[1] else {
        panic!("then the frame: {events:?}");
    };
    assert_eq!((frame.pts, frame.dts), (97_200, 90_000));
    assert!(frame.key && frame.video);
    assert_eq!(frame.data[..], [0, 0, 0, 1, 0x65, 1, 2]);
    assert_eq!(events.len(), 3);
    // The encoder repeats its headers: nothing new.
    reader.video(2000, &AVC_HEADER.into()).unwrap();
    reader.video(2000, &AVC_KEY.into()).unwrap();
    assert_eq!(drain(&mut reader).len(), 1);
}

#[test]
fn another_header_in_mid_stream_is_told() {
    let mut reader = Reader::new();
    reader.audio(0, &AAC_HEADER.into()).unwrap();
    reader.audio(0, &b"\xAF\x01a".as_slice().into()).unwrap();
    drain(&mut reader);
    reader
        .audio(21, &b"\xAF\x00\x12\x10".as_slice().into())
        .unwrap();
    reader.audio(21, &b"\xAF\x01b".as_slice().into()).unwrap();
    let events = drain(&mut reader);
    let Event::Tracks(tracks) = &events[0] else {
        panic!("tracks first: {events:?}");
    };
    let config = tracks[0].config.as_deref().and_then(StreamConfig::audio);
    assert_eq!(config.unwrap().format.sample_rate_hz, 44_100);
}

#[test]
fn sound_without_its_header_is_refused_and_the_picture_goes_on() {
    let mut reader = Reader::new();
    let refused = reader.audio(0, &b"\xAF\x01a".as_slice().into());
    assert_eq!(refused, Err(FlvError::NoHeader("aac")));
    reader.video(0, &AVC_HEADER.into()).unwrap();
    reader.video(0, &AVC_KEY.into()).unwrap();
    assert_eq!(frames(&mut reader).len(), 1);
}

#[test]
fn one_broken_track_does_not_cost_the_others_of_its_message() {
    let mut reader = Reader::new();
    reader.audio(0, &AAC_HEADER.into()).unwrap();
    let message = b"\x95\x11mp4a\x05\x00\x00\x01x\x00\x00\x00\x02ok";
    let refused = reader.audio(0, &message.as_slice().into());
    assert_eq!(refused, Err(FlvError::NoHeader("aac")));
    let frames = frames(&mut reader);
    assert_eq!(frames.len(), 1);
    assert_eq!((frames[0].track, &frames[0].data[..]), (0x200, &b"ok"[..]));
}

#[test]
fn lengths_that_lie_are_refused() {
    let mut reader = Reader::new();
    reader.video(0, &AVC_HEADER.into()).unwrap();
    let lie = [0x17, 0x01, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x65];
    let refused = reader.video(0, &Bytes::copy_from_slice(&lie));
    assert_eq!(refused, Err(FlvError::BrokenFrame("h264")));
    let refused = reader.video(0, &AVC_HEADER[..20].into());
    assert_eq!(refused, Err(FlvError::BrokenHeader("h264")));
}

#[test]
fn times_go_on_when_the_time_stamps_wrap() {
    let mut reader = Reader::new();
    reader.video(u32::MAX - 39, &AVC_HEADER.into()).unwrap();
    reader.video(u32::MAX - 39, &AVC_KEY.into()).unwrap();
    reader.video(0, &AVC_KEY.into()).unwrap();
    let frames = frames(&mut reader);
    assert_eq!(frames[1].dts - frames[0].dts, 3600);
}
