//! A client session and a server that says what it likes. The first byte is how long pieces
//! are; the handshake is left out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_rtmp::{
    Capabilities, ClientError, ClientEvent, ClientSession, MediaKind, PublishTarget, StreamKey,
};

const KEY: &str = "canary-key";

fuzz_target!(|data: &[u8]| {
    let Some((&first, bytes)) = data.split_first() else {
        return;
    };
    let target = PublishTarget {
        app: "live".into(),
        tc_url: "rtmp://host/live".into(),
        key: StreamKey::new(KEY),
        capabilities: Capabilities {
            video: &["hvc1"],
            audio: &[],
            caps_ex: 0,
        },
    };
    let mut session = ClientSession::new(target, 0);
    let greeting = [3; 1 + 2 * 1536];
    session.read(&mut &greeting[..]).expect("a handshake");
    for mut piece in bytes.chunks(1 + usize::from(first)) {
        loop {
            match session.read(&mut piece) {
                Ok(Some(ClientEvent::Publishing)) => {
                    assert!(session.send_media(MediaKind::Video, 0, &[&[1, 2], &[3]]));
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(ClientError::Refused(refusal)) => {
                    assert!(!refusal.to_string().contains(KEY));
                    return;
                }
                Err(ClientError::Protocol(_)) => return,
            }
        }
        drop(session.take_output());
    }
});
