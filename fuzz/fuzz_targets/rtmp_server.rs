//! A server session and a peer that says what it likes. The first byte: bit 0 leaves out the
//! handshake, which would cost the fuzzer 3 kB, bit 1 refuses to let it publish, the rest is
//! how long pieces are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_rtmp::{Capabilities, PublishRefusal, ServerEvent, ServerSession, caps};

const CAPABILITIES: Capabilities = Capabilities {
    video: &["hvc1"],
    audio: &["Opus"],
    caps_ex: caps::MULTITRACK,
};

fuzz_target!(|data: &[u8]| {
    let Some((&first, bytes)) = data.split_first() else {
        return;
    };
    let mut session = ServerSession::new(0, CAPABILITIES);
    if first & 1 != 0 {
        let greeting = [3; 1 + 2 * 1536];
        session.read(&mut &greeting[..]).expect("a handshake");
        assert!(session.is_open());
    }
    let mut answered = 0;
    for mut piece in bytes.chunks(1 + usize::from(first >> 2)) {
        loop {
            match session.read(&mut piece) {
                Ok(Some(ServerEvent::Publish(_))) if first & 2 != 0 => {
                    session.refuse_publish(PublishRefusal::Denied, "no");
                    assert!(!session.is_publishing());
                }
                Ok(Some(ServerEvent::Publish(_))) => {
                    session.accept_publish();
                    assert!(session.is_publishing());
                }
                Ok(Some(ServerEvent::Media(_) | ServerEvent::Data(_))) => {
                    assert!(session.is_publishing());
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        answered += session.take_output().len();
    }
    // Nobody is answered at much more length than he asked.
    assert!(
        answered <= 8192 + 1024 * bytes.len(),
        "{answered} bytes of answers"
    );
});
