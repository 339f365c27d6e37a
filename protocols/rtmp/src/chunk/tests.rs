use super::*;
use crate::error::ProtocolError;
use crate::limits;
use crate::message::{Message, kind};
use bytes::Bytes;
use proptest::prelude::*;

fn read_all(reader: &mut ChunkReader, bytes: &[u8]) -> Result<Vec<Message>, ProtocolError> {
    let mut rest = bytes;
    let mut messages = Vec::new();
    while let Some(message) = reader.read(&mut rest)? {
        messages.push(message);
    }
    Ok(messages)
}

fn read_once(bytes: &[u8]) -> Result<Vec<Message>, ProtocolError> {
    read_all(&mut ChunkReader::new(), bytes)
}

fn video(timestamp: u32, body: &[u8]) -> Message {
    Message {
        kind: kind::VIDEO,
        timestamp,
        stream_id: 1,
        body: Bytes::copy_from_slice(body),
    }
}

/// The header of a first chunk with everything in it.
fn full_header(chunk_stream: u8, time: u32, length: usize, kind: u8) -> Vec<u8> {
    let mut bytes = vec![chunk_stream];
    bytes.extend(&time.min(EXTENDED).to_be_bytes()[1..]);
    bytes.extend(&(length as u32).to_be_bytes()[1..]);
    bytes.push(kind);
    bytes.extend(1_u32.to_le_bytes());
    if time >= EXTENDED {
        bytes.extend(time.to_be_bytes());
    }
    bytes
}

fn any_message() -> impl Strategy<Value = Message> {
    let kinds = prop_oneof![Just(kind::AUDIO), Just(kind::VIDEO), Just(kind::DATA)];
    let times = prop_oneof![any::<u32>(), 0..1000_u32, 0x00FF_FFF0..0x0100_0010_u32];
    let bodies = prop::collection::vec(any::<u8>(), 0..700);
    (kinds, times, 0..3_u32, bodies).prop_map(|(kind, timestamp, stream_id, body)| Message {
        kind,
        timestamp,
        stream_id,
        body: body.into(),
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        messages in prop::collection::vec(any_message(), 1..12),
        chunk_bytes in prop_oneof![Just(128_usize), 1..600_usize],
        piece in 1..300_usize,
    ) {
        let mut bytes = Vec::new();
        let mut writer = ChunkWriter::new();
        let size = (chunk_bytes as u32).to_be_bytes();
        writer.write(kind::SET_CHUNK_SIZE, 0, 0, &[&size], &mut bytes);
        writer.set_chunk_bytes(chunk_bytes);
        for Message { kind, timestamp, stream_id, body } in &messages {
            let (one, two) = body.split_at(body.len() / 3);
            writer.write(*kind, *timestamp, *stream_id, &[one, two], &mut bytes);
        }
        let mut reader = ChunkReader::new();
        let mut read = Vec::new();
        for bytes in bytes.chunks(piece) {
            read.extend(read_all(&mut reader, bytes).unwrap());
        }
        prop_assert_eq!(read, messages);
    }

    #[test]
    fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read_once(&bytes);
    }
}

#[test]
fn chunks_of_several_messages_may_be_mixed() {
    let mut bytes = full_header(6, 40, 200, kind::VIDEO);
    bytes.extend([1; 128]);
    bytes.extend(full_header(4, 41, 3, kind::AUDIO));
    bytes.extend([2; 3]);
    bytes.push(0xC0 | 6);
    bytes.extend([1; 72]);
    let read = read_once(&bytes).unwrap();
    assert_eq!(read[0].body, [2; 3][..]);
    assert_eq!(read[1], video(40, &[1; 200]));
}

#[test]
fn a_header_of_one_byte_repeats_everything_and_moves_on_in_time() {
    let mut bytes = full_header(6, 23, 1, kind::VIDEO);
    bytes.extend([b'a', 0xC6, b'b', 0x86, 0, 0, 5, b'c', 0xC6, b'd']);
    let times: Vec<_> = read_once(&bytes)
        .unwrap()
        .iter()
        .map(|message| message.timestamp)
        .collect();
    assert_eq!(times, [23, 46, 51, 56]);
}

#[test]
fn long_times_are_repeated_in_every_chunk_or_not() {
    let time = 0x0123_4567;
    for repeats in [true, false] {
        for length in [200, 129, 131, 128] {
            let mut bytes = full_header(6, time, length, kind::VIDEO);
            bytes.extend([1; 128]);
            if length > 128 {
                bytes.push(0xC6);
                if repeats {
                    bytes.extend(time.to_be_bytes());
                }
                bytes.extend(vec![1; length - 128]);
            }
            bytes.extend(full_header(6, 7, 1, kind::VIDEO));
            bytes.push(9);
            let expected = [video(time, &vec![1; length]), video(7, &[9])];
            for piece in [1, 3, 1000] {
                let mut reader = ChunkReader::new();
                let read: Vec<_> = bytes
                    .chunks(piece)
                    .flat_map(|bytes| read_all(&mut reader, bytes).unwrap())
                    .collect();
                assert_eq!(read, expected, "{length} bytes, repeated: {repeats}");
            }
        }
    }
}

#[test]
fn payload_that_begins_like_the_repeated_time_is_not_lost() {
    let time = 0x0123_4567;
    let mut bytes = full_header(6, time, 130, kind::VIDEO);
    bytes.extend([1; 128]);
    bytes.extend([0xC6, 0x01, 0x23]);
    // What follows tells that these two bytes were no time but the rest of the message.
    bytes.extend(full_header(6, 7, 1, kind::VIDEO));
    bytes.push(9);
    let read = read_once(&bytes).unwrap();
    assert_eq!(read[0].body[127..], [1, 0x01, 0x23]);
    assert_eq!(read[1], video(7, &[9]));
}

#[test]
fn an_aborted_message_is_forgotten() {
    let mut bytes = full_header(6, 40, 200, kind::VIDEO);
    bytes.extend([1; 128]);
    bytes.extend(full_header(2, 0, 4, kind::ABORT));
    bytes.extend(6_u32.to_be_bytes());
    bytes.extend(full_header(6, 80, 2, kind::VIDEO));
    bytes.extend([3; 2]);
    assert_eq!(read_once(&bytes).unwrap(), [video(80, &[3; 2])]);
}

#[test]
fn encoders_that_never_divide_a_message_are_understood() {
    let mut bytes = full_header(2, 0, 4, kind::SET_CHUNK_SIZE);
    bytes.extend((128_u32 << 20).to_be_bytes());
    bytes.extend(full_header(6, 40, 200_000, kind::VIDEO));
    bytes.extend(vec![1; 200_000]);
    assert_eq!(read_once(&bytes).unwrap(), [video(40, &[1; 200_000])]);
}

#[test]
fn limits_are_kept() {
    let set_chunk_size = |size: u32| {
        let mut bytes = full_header(2, 0, 4, kind::SET_CHUNK_SIZE);
        bytes.extend(size.to_be_bytes());
        read_once(&bytes).unwrap_err()
    };
    assert_eq!(set_chunk_size(0), ProtocolError::ChunkSize(0));
    let large = (128 << 20) + 1;
    assert_eq!(set_chunk_size(large), ProtocolError::ChunkSize(large));
    let long = full_header(6, 0, limits::MESSAGE_BYTES_MAX + 1, kind::VIDEO);
    assert!(matches!(
        read_once(&long),
        Err(ProtocolError::MessageSize { kind: 9, .. })
    ));
    let command = full_header(3, 0, limits::AMF_BYTES_MAX + 1, kind::COMMAND);
    assert!(matches!(
        read_once(&command),
        Err(ProtocolError::MessageSize { kind: 20, .. })
    ));
    let many: Vec<_> = (3..60)
        .flat_map(|id| [full_header(id, 0, 1, 9), vec![0]].concat())
        .collect();
    assert_eq!(read_once(&many), Err(ProtocolError::ChunkStreams));
    assert_eq!(read_once(&[0xC6]), Err(ProtocolError::NoHeader(6)));
}

#[test]
fn messages_begun_and_not_completed_are_bounded() {
    let mut reader = ChunkReader::new();
    let mut size = full_header(2, 0, 4, kind::SET_CHUNK_SIZE);
    size.extend((64_u32 << 10).to_be_bytes());
    read_all(&mut reader, &size).unwrap();
    let part = vec![0; 64 << 10];
    let mut sent = 0;
    let error = 'sent: loop {
        for id in 3..6 {
            let length = limits::MESSAGE_BYTES_MAX;
            let header = if sent < 3 * part.len() {
                full_header(id, 0, length, kind::VIDEO)
            } else {
                vec![0xC0 | id]
            };
            let bytes = [header, part.clone()].concat();
            if let Err(error) = read_all(&mut reader, &bytes) {
                break 'sent error;
            }
            sent += part.len();
        }
    };
    assert_eq!(error, ProtocolError::Unfinished);
    assert!(sent <= limits::UNFINISHED_BYTES_MAX);
}
