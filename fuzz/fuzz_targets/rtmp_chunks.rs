//! A chunk stream in pieces: the first byte says how long a piece is. What comes out can be
//! written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_rtmp::{ChunkReader, ChunkWriter, Message};

fuzz_target!(|data: &[u8]| {
    let Some((&piece, bytes)) = data.split_first() else {
        return;
    };
    let mut reader = ChunkReader::new();
    let mut messages = Vec::new();
    'all: for mut piece in bytes.chunks(1 + usize::from(piece)) {
        loop {
            match reader.read(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => break 'all,
            }
        }
        assert!(piece.is_empty(), "everything is taken");
    }
    again(&messages);
});

fn again(messages: &[Message]) {
    let mut bytes = Vec::new();
    let mut writer = ChunkWriter::new();
    for message in messages {
        let (kind, time, stream) = (message.kind, message.timestamp, message.stream_id);
        writer.write(kind, time, stream, &[&message.body], &mut bytes);
    }
    let mut rest = &*bytes;
    let mut reader = ChunkReader::new();
    for message in messages {
        let read = reader.read(&mut rest).expect("what was written is right");
        assert_eq!(read.as_ref(), Some(message));
    }
}
