//! Standard input as a source, standard output and files as outputs.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tidegate_engine::{
    BoxFuture, Delivery, Ended, OutputContext, OutputDriver, ReaderOptions, RunError,
    SourceContext, SourceDriver, TsChunk,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// Waiting for whoever reads our standard output: eight seconds at 64 Mbit/s.
const QUEUE_BYTES: usize = 64 << 20;

/// Standard input, `chunk_bytes` to a packet, as fast as it comes.
pub(super) struct StandardInput {
    pub(super) chunk_bytes: usize,
    /// Cancelled at the end of the input.
    pub(super) ended: CancellationToken,
}

impl SourceDriver for StandardInput {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn mode(&self) -> &'static str {
        "console"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context.report.connected(None);
            let mut input = console(&std::io::stdin()).map_err(unreadable)?;
            let mut writer = context.feed.ts_writer();
            loop {
                let chunk = tokio::select! {
                    chunk = next_chunk(&mut input, self.chunk_bytes) => chunk,
                    () = context.stop.cancelled() => return Ok(Ended::Stopped),
                };
                let bytes = chunk.map_err(unreadable)?;
                if bytes.is_empty() {
                    self.ended.cancel();
                    return Ok(Ended::Finished);
                }
                writer.push(TsChunk::live(bytes, context.clock.now()));
                writer.seal();
            }
        })
    }
}

fn unreadable(error: std::io::Error) -> RunError {
    RunError::ours(format!("standard input failed: {error}"), "Start again")
}

/// Standard input or output as a file that is waited for without blocking anybody else.
fn console(end: &impl AsFd) -> std::io::Result<tokio::fs::File> {
    let end = end.as_fd().try_clone_to_owned()?;
    Ok(std::fs::File::from(end).into())
}

/// The next `bytes` of the input, or what is left of it; empty at its end.
async fn next_chunk(input: &mut (impl AsyncRead + Unpin), bytes: usize) -> std::io::Result<Bytes> {
    let mut chunk = vec![0; bytes];
    let mut filled = 0;
    while filled < bytes {
        match input.read(&mut chunk[filled..]).await? {
            0 => break,
            read => filled += read,
        }
    }
    chunk.truncate(filled);
    Ok(chunk.into())
}

/// Where a feed's bytes are written as they are.
pub(super) enum Sink {
    /// Standard output.
    Console,
    /// A file, made anew.
    File(PathBuf),
}

impl Sink {
    async fn open(&self) -> std::io::Result<tokio::fs::File> {
        match self {
            Self::Console => console(&std::io::stdout()),
            Self::File(path) => tokio::fs::File::create(path).await,
        }
    }
}

impl OutputDriver for Sink {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let cannot = |error: std::io::Error| {
                RunError::configuration(
                    format!("what is received cannot be written: {error}"),
                    "Check the file, its folder and the free space, or who reads the pipe",
                )
            };
            let mut sink = self.open().await.map_err(cannot)?;
            let mut reader = context.route.read_ts(ReaderOptions {
                max_bytes: QUEUE_BYTES,
                ..ReaderOptions::default()
            });
            context.report.up();
            let mut lost = 0;
            loop {
                let batch = tokio::select! {
                    batch = reader.next() => batch,
                    () = context.stop.cancelled() => break,
                };
                let mut bytes = 0;
                for chunk in batch.items() {
                    sink.write_all(&chunk.bytes).await.map_err(cannot)?;
                    bytes += chunk.bytes.len() as u64;
                }
                sink.flush().await.map_err(cannot)?;
                context.report.delivered(bytes);
                let now_lost = reader.lost();
                context.report.lost(now_lost - lost);
                lost = now_lost;
                context.report.detail("lost", json!(lost));
            }
            Ok(Ended::Stopped)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_cut_into_whole_packets_and_its_rest() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut input: &[u8] = &[7; 2500];
            let mut lengths = Vec::new();
            loop {
                let chunk = next_chunk(&mut input, 1316).await.unwrap();
                if chunk.is_empty() {
                    break;
                }
                lengths.push(chunk.len());
            }
            assert_eq!(lengths, [1316, 1184]);
        });
    }
}
