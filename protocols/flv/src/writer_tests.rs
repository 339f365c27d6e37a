use super::*;
use crate::{Event, Reader};
use tidegate_codecs::{Record, StreamReader, VideoConfig, VideoHeaders};

fn avc() -> Arc<StreamConfig> {
    let record = [
        0x01, 0x64, 0x00, 0x28, 0xFF, 0xE1, 0x00, 0x0C, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40,
        0x78, 0x02, 0x27, 0xE5, 0x84, 0x01, 0x00, 0x04, 0x68, 0xEB, 0xE3, 0xCB,
    ];
    Record::parse(Codec::H264, &record).unwrap().config
}

fn hevc() -> Arc<StreamConfig> {
    let unit = [
        &[0, 0, 0, 1, 0x40, 1, 2, 0, 0, 0, 1][..],
        &[
            0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
            0x00, 0x03, 0x00, 0x3F, 0xA0, 0x05, 0x02, 0x01, 0x69, 0x65, 0x95, 0x9A, 0x49, 0x32,
            0xBC, 0x05, 0xA0, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21,
        ],
        &[0, 0, 0, 1, 0x44, 1, 3, 0, 0, 1, 0x26, 1, 9],
    ];
    let mut reader = StreamReader::new(Codec::H265);
    reader.read(&unit.concat());
    Arc::clone(reader.config().unwrap())
}

fn av1() -> Arc<StreamConfig> {
    let record = [
        0x81, 0x01, 0x0C, 0x00, 0x0A, 0x0C, 0x02, 0x00, 0x00, 0x0D, 0x26, 0x27, 0xFB, 0x38, 0x05,
        0xF0, 0x00, 0x80,
    ];
    Record::parse(Codec::Av1, &record).unwrap().config
}

fn aac(record: &[u8]) -> Arc<StreamConfig> {
    Record::parse(Codec::Aac, record).unwrap().config
}

fn opus() -> Arc<StreamConfig> {
    let head = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
    Record::parse(Codec::Opus, head).unwrap().config
}

/// What a reader makes of messages.
fn read_back(messages: &[Message]) -> Vec<Event> {
    let mut reader = Reader::new();
    for message in messages {
        let taken = match message.kind {
            MessageKind::Video => reader.video(message.timestamp_ms, &message.body),
            MessageKind::Audio => reader.audio(message.timestamp_ms, &message.body),
        };
        taken.unwrap();
    }
    std::iter::from_fn(|| reader.next_event()).collect()
}

#[test]
fn every_codec_comes_back_as_it_was_written() {
    let nal = Bytes::from_static(&[0, 0, 0, 1, 0x65, 1, 2, 3]);
    let hevc_nal = Bytes::from_static(&[0, 0, 0, 1, 0x26, 1, 9]);
    let obu = Bytes::from_static(&[0x32, 2, 0x10, 9]);
    let sound = Bytes::from_static(&[0xFC, 1, 2]);
    let cases = [
        (avc(), nal, 7200),
        (hevc(), hevc_nal.clone(), 7200),
        (hevc(), hevc_nal, 0),
        (av1(), obu, 0),
        (aac(&[0x11, 0x90]), sound.clone(), 0),
        (opus(), sound, 0),
    ];
    for (config, data, composition) in cases {
        // Number 1 of its kind is written as one of several tracks.
        for number in 0..2 {
            let mut writer = Writer::new();
            let twice = [(7, &config), (8, &config)];
            writer.set_tracks(twice);
            let mut messages = Vec::new();
            writer.frame(
                &OutFrame {
                    track: 7 + number,
                    pts: 90_000 + composition,
                    dts: 90_000,
                    key: true,
                    data: &data,
                },
                &mut messages,
            );
            assert!(messages[0].header && !messages[1].header);
            let events = read_back(&messages);
            let [Event::Tracks(tracks), Event::Frame(frame)] = &events[..] else {
                panic!("{events:?}");
            };
            assert_eq!(tracks[0].config.as_ref(), Some(&config));
            assert_eq!(tracks[0].id & 0xFF, number);
            assert_eq!(frame.data, data);
            assert_eq!((frame.pts, frame.dts), (90_000 + composition, 90_000));
            assert!(frame.key);
        }
    }
}

#[test]
fn the_first_tracks_are_written_as_every_receiver_knows_them() {
    let mut writer = Writer::new();
    writer.set_tracks([(1, &avc()), (2, &aac(&[0x11, 0x90])), (3, &opus())]);
    let mut messages = Vec::new();
    writer.headers(0, &mut messages);
    let begins: Vec<_> = messages
        .iter()
        .map(|message| message.body[..2].to_vec())
        .collect();
    assert_eq!(begins, [[0x17, 0x00], [0xAF, 0x00], [0x95, 0x00]]);
    writer.headers(0, &mut messages);
    assert_eq!(messages.len(), 3, "headers are written once");
}

#[test]
fn a_changed_configuration_is_told_before_its_first_frame() {
    let mut writer = Writer::new();
    let data = Bytes::from_static(b"x");
    let frame = OutFrame {
        track: 5,
        pts: 0,
        dts: 0,
        key: true,
        data: &data,
    };
    let mut messages = Vec::new();
    writer.set_tracks([(5, &aac(&[0x11, 0x90]))]);
    writer.frame(&frame, &mut messages);
    writer.set_tracks([(5, &aac(&[0x11, 0x90]))]);
    writer.frame(&frame, &mut messages);
    writer.set_tracks([(5, &aac(&[0x12, 0x10]))]);
    writer.frame(&frame, &mut messages);
    let headers: Vec<_> = messages.iter().map(|message| message.header).collect();
    assert_eq!(headers, [true, false, false, true, false]);
}

#[test]
fn what_neither_dialect_carries_is_left_out() {
    let mut config = (*avc()).clone();
    if let StreamConfig::Video(VideoConfig { format, headers }) = &mut config {
        (format.codec, *headers) = (Codec::Mpeg2Video, VideoHeaders::InBand);
    }
    assert_eq!(Dialect::needed(&config), None);
    assert_eq!(Dialect::needed(&avc()), Some(Dialect::Legacy));
    assert_eq!(Dialect::needed(&hevc()), Some(Dialect::Enhanced));
    assert_eq!(Dialect::needed(&opus()), Some(Dialect::Enhanced));
    let mut writer = Writer::new();
    writer.set_tracks([(1, &Arc::new(config))]);
    let mut messages = Vec::new();
    writer.headers(0, &mut messages);
    assert_eq!(messages, []);
}

#[test]
fn parameter_sets_alone_make_no_message() {
    let mut writer = Writer::new();
    writer.set_tracks([(1, &avc())]);
    let mut messages = Vec::new();
    writer.headers(0, &mut messages);
    let data = Bytes::from_static(&[0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 9, 0xF0]);
    let frame = OutFrame {
        track: 1,
        pts: 0,
        dts: 0,
        key: true,
        data: &data,
    };
    writer.frame(&frame, &mut messages);
    assert_eq!(messages.len(), 1);
}
