//! What a camera says of itself (SDP), as a source takes it: a camera on loopback describes
//! itself with the input and agrees to all that is asked of it then.
//!
//! The library's parser may panic, which the source catches; whatever the description, a source
//! has streams that it can carry, or says what is wrong.
#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use tidegate_adapter_rtsp::rehearse;
use tidegate_codecs::Codec;
use tidegate_engine::RunError;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// As many streams of a camera as are carried.
const STREAMS_MAX: usize = 8;
/// The longest that is said about a camera, and what to do.
const SAID_BYTES_MAX: usize = 2000;

thread_local! {
    static STAGE: OnceCell<(Runtime, TcpListener, Url)> = const { OnceCell::new() };
}

fuzz_target!(|sdp: &[u8]| {
    STAGE.with(|stage| {
        let (runtime, listener, url) = stage.get_or_init(set);
        let rehearsed = runtime.block_on(async {
            tokio::select! {
                biased;
                rehearsed = rehearse(url.clone()) => rehearsed,
                never = camera(listener, sdp) => never,
            }
        });
        check(rehearsed);
    });
});

fn set() -> (Runtime, TcpListener, Url) {
    // Otherwise libFuzzer ends the process at a panic that is caught; one that is not caught
    // ends it all the same.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("rtsp://{}/cam", listener.local_addr().unwrap());
    (runtime, listener, url.parse().unwrap())
}

fn check(rehearsed: Result<Vec<Codec>, RunError>) {
    match rehearsed {
        Ok(carried) => assert!((1..=STREAMS_MAX).contains(&carried.len()), "{carried:?}"),
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("127.0.0.1"), "{said}");
            assert!(!said.contains(char::is_control), "{said}");
            assert!(said.len() <= SAID_BYTES_MAX, "{said}");
        }
    }
}

/// One call after the other, for ever.
async fn camera<T>(listener: &TcpListener, sdp: &[u8]) -> T {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // Whoever hung up is forgotten at once: no port stays taken.
        stream.set_zero_linger().unwrap();
        // A caller that hangs up ends its call.
        let _ = talk(stream, sdp).await;
    }
}

async fn talk(stream: TcpStream, sdp: &[u8]) -> std::io::Result<()> {
    let mut stream = BufStream::new(stream);
    loop {
        let (mut method, mut cseq, mut transport) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            match line.split_once(": ") {
                _ if line.is_empty() => break,
                Some(("CSeq", value)) => value.clone_into(&mut cseq),
                Some(("Transport", value)) => value.clone_into(&mut transport),
                _ if method.is_empty() => line.clone_into(&mut method),
                _ => {}
            }
        }
        let head = format!("RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n");
        let rest = match method.split(' ').next() {
            Some("DESCRIBE") => format!(
                "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n",
                sdp.len()
            ),
            Some("SETUP") => format!("Session: 1\r\nTransport: {transport}\r\n\r\n"),
            _ => "Session: 1\r\n\r\n".to_owned(),
        };
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(rest.as_bytes()).await?;
        if method.starts_with("DESCRIBE") {
            stream.write_all(sdp).await?;
        }
        stream.flush().await?;
    }
}
