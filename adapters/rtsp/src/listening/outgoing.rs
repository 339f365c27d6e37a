//! What goes to one player: answers and packets on its connection, packets in datagrams.

use core::time::Duration;
use std::net::SocketAddr;

use tidegate_rtsp::{Lower, interleaved_header};
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::{sleep, timeout};

use super::datagrams::Datagrams;
use crate::player::Packets;

/// A player that takes nothing for so long is gone.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// Datagrams that leave at once; then there is a pause, so that no buffer on the way
/// overflows at a key frame.
const BURST_DATAGRAMS: usize = 16;
const BURST_PAUSE: Duration = Duration::from_millis(1);

/// Packets that were made and have not been sent yet.
#[derive(Default)]
pub(super) struct Outgoing {
    /// For the connection, with what stands in front of each.
    stream: Vec<u8>,
    /// For datagrams: where each ends in the buffer, and how it goes.
    datagrams: Vec<(usize, u16, bool)>,
    buffer: Vec<u8>,
    /// Something was written to the connection in part.
    is_torn: bool,
}

impl Packets for Outgoing {
    fn packet(&mut self, lower: Lower, is_report: bool, packet: &[u8]) {
        match lower {
            Lower::Interleaved(media, reports) => {
                let channel = if is_report { reports } else { media };
                // An Opus packet may be long, but never that long.
                let Ok(bytes) = u16::try_from(packet.len()) else {
                    return;
                };
                self.stream
                    .extend_from_slice(&interleaved_header(channel, bytes));
                self.stream.extend_from_slice(packet);
            }
            Lower::Datagrams(media, reports) => {
                let port = if is_report { reports } else { media };
                self.buffer.extend_from_slice(packet);
                self.datagrams.push((self.buffer.len(), port, is_report));
            }
        }
    }
}

impl Outgoing {
    /// Sends answers and then everything else; how many bytes of media, or `None` when the
    /// player is gone.
    pub(super) async fn send(
        &mut self,
        answers: &[u8],
        connection: &mut OwnedWriteHalf,
        datagrams: &Datagrams,
        peer: SocketAddr,
    ) -> Option<u64> {
        self.is_torn = true;
        write(connection, answers).await?;
        let mut sent = self.stream.len() as u64;
        write(connection, &self.stream).await?;
        self.stream.clear();
        self.is_torn = false;
        let mut start = 0;
        for (count, &(end, port, is_report)) in self.datagrams.iter().enumerate() {
            if count > 0 && count % BURST_DATAGRAMS == 0 {
                sleep(BURST_PAUSE).await;
            }
            let to = SocketAddr::new(peer.ip(), port);
            if datagrams
                .send(is_report, to, &self.buffer[start..end])
                .await
            {
                sent += (end - start) as u64;
            }
            start = end;
        }
        self.datagrams.clear();
        self.buffer.clear();
        Some(sent)
    }

    /// Whether the connection has been left in the middle of something.
    pub(super) const fn is_torn(&self) -> bool {
        self.is_torn
    }
}

/// Writes all of it, as long as the far side takes anything at all.
async fn write(connection: &mut OwnedWriteHalf, mut bytes: &[u8]) -> Option<()> {
    while !bytes.is_empty() {
        let wrote = timeout(WRITE_PATIENCE, connection.write(bytes)).await;
        let count = wrote.ok()?.ok().filter(|count| *count > 0)?;
        bytes = &bytes[count..];
    }
    Some(())
}
