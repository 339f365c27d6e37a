//! From an address to a connection that takes media.

use bytes::Bytes;
use tidegate_engine::RunError;
use tidegate_net::{CallOptions, Probe, Stream};
use tidegate_rtmp::{
    Capabilities, ClientEvent, ClientSession, PublishTarget, Stage, StreamKey, caps,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::time::timeout;

use super::RtmpOutput;
use super::limits::{CONNECT_TIME, PUBLISH_TIME, READ_BYTES, SEND_TIME};
use super::target::Target;
use super::words;

const VIDEO: &[&str] = &["avc1", "hvc1", "av01"];
const AUDIO: &[&str] = &["mp4a", "Opus", "ac-3", "ec-3", ".mp3"];

/// A connection on which media may be sent.
pub(crate) struct Line {
    pub(crate) session: ClientSession,
    pub(crate) from: ReadHalf<Stream>,
    pub(crate) to: WriteHalf<Stream>,
    pub(crate) probe: Probe,
}

/// Calls, greets, and asks to publish. What the far side learns of us beyond the key is what
/// encoders say.
pub(crate) async fn publish(output: &RtmpOutput, seed: u64) -> Result<Line, RunError> {
    let target = &output.target;
    let options = CallOptions {
        ca: output.settings.ca.clone(),
        patience: CONNECT_TIME,
        unacknowledged_for: Some(SEND_TIME),
        ..CallOptions::default()
    };
    let stream = tidegate_net::connect(&target.place, &options).await?;
    let probe = stream.probe();
    let (from, to) = tokio::io::split(stream);
    let multitrack = if output.settings.multitrack {
        caps::MULTITRACK
    } else {
        0
    };
    let wanted = PublishTarget {
        app: target.app.clone(),
        tc_url: target.url.clone(),
        key: StreamKey::new(output.key.expose()),
        capabilities: Capabilities {
            video: VIDEO,
            audio: AUDIO,
            caps_ex: multitrack,
        },
    };
    let mut line = Line {
        session: ClientSession::new(wanted, seed),
        from,
        to,
        probe,
    };
    let greeted = timeout(PUBLISH_TIME, greet(&mut line, target)).await;
    greeted.unwrap_or_else(|_| Err(words::no_answer(target)))?;
    Ok(line)
}

async fn greet(line: &mut Line, target: &Target) -> Result<(), RunError> {
    let mut stage = Stage::Connect;
    let mut buffer = [0; READ_BYTES];
    loop {
        let out: Bytes = line.session.take_output();
        let written = async {
            line.to.write_all(&out).await?;
            line.to.flush().await?;
            line.from.read(&mut buffer).await
        };
        let count = match written.await {
            Ok(0) | Err(_) => return Err(words::hung_up(target, stage)),
            Ok(count) => count,
        };
        let mut input = &buffer[..count];
        loop {
            match line.session.read(&mut input) {
                Ok(Some(ClientEvent::Publishing)) => return Ok(()),
                Ok(Some(ClientEvent::Connected(_))) => stage = Stage::Publish,
                Ok(None) => break,
                Err(error) => return Err(words::of_session(target, &error)),
            }
        }
    }
}
