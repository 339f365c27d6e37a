use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use tidegate_engine::{BoxFuture, Ended, RunError, SourceContext, SourceDriver, TsChunk};
use tokio::net::UdpSocket;

/// Largest datagram of IP.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// Datagrams that arrive at `address` (`:PORT` is every local address); a multicast group is
/// joined, on the interface that has the IPv4 address `interface`.
pub(in crate::cli) fn udp(
    address: &str,
    interface: Option<&str>,
) -> anyhow::Result<Arc<dyn SourceDriver>> {
    let everywhere = address
        .strip_prefix(':')
        .map(|port| format!("{}:{port}", Ipv4Addr::UNSPECIFIED));
    let written = everywhere.as_deref().unwrap_or(address);
    let interface = interface.map(str::parse).transpose();
    Ok(Arc::new(UdpFeed {
        address: written
            .parse()
            .with_context(|| format!("{address} is not an address and port"))?,
        interface: interface
            .context("an interface is named by an IPv4 address it has: adapter=192.0.2.1")?
            .unwrap_or(Ipv4Addr::UNSPECIFIED),
    }))
}

struct UdpFeed {
    address: SocketAddr,
    /// Where a multicast group is joined.
    interface: Ipv4Addr,
}

impl SourceDriver for UdpFeed {
    fn kind(&self) -> &'static str {
        "udp"
    }

    fn mode(&self) -> &'static str {
        "receive"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let socket = receive_at(self.address, self.interface)
                .await
                .map_err(|error| {
                    let message = format!("{} cannot be received: {error}", self.address);
                    RunError::configuration(message, "Stop what uses the port, or choose another")
                })?;
            let mut writer = context.feed.ts_writer();
            let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
            let mut connected = false;
            loop {
                let received = tokio::select! {
                    received = socket.recv_from(&mut datagram) => received,
                    () = context.stop.cancelled() => return Ok(Ended::Stopped),
                };
                let (length, from) = received.map_err(|error| {
                    RunError::ours(format!("the socket failed: {error}"), "Try again")
                })?;
                if !connected {
                    context.report.connected(Some(from.to_string()));
                    connected = true;
                }
                let now = context.clock.now();
                let bytes = Bytes::copy_from_slice(&datagram[..length]);
                writer.push(TsChunk::live(bytes, now));
                writer.seal();
            }
        })
    }
}

async fn receive_at(address: SocketAddr, interface: Ipv4Addr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address).await?;
    match address.ip() {
        IpAddr::V4(group) if group.is_multicast() => {
            socket.join_multicast_v4(group, interface)?;
        }
        IpAddr::V6(group) if group.is_multicast() => socket.join_multicast_v6(&group, 0)?,
        _ => {}
    }
    Ok(socket)
}
