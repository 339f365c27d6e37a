//! The last word to a peer that acknowledges nothing.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use tidegate_srt::wire::{
    Control, ControlPacket, ExtensionBlocks, ExtensionCommand, ExtensionWriter, Handshake,
    HsExtension, HsFlags, Packet, RequestType, SequenceNumber, SocketId, SrtVersion, Timestamp,
    WireAddress,
};
use tidegate_srt::{ConnectionConfig, ConnectionRequest};
use tidegate_srt_io::{Admission, AdmissionReply, ListenOptions, Role, Shards};

use common::{Numbers, shards};

struct Readers;

impl Admission for Readers {
    fn admit(&self, _request: ConnectionRequest, reply: AdmissionReply) {
        let role = Role::Reader(Box::new(Numbers::new(100_000)));
        drop(reply.accept(None, ConnectionConfig::default(), role));
    }
}

/// A caller made by hand, which never acknowledges anything.
struct Deaf(UdpSocket);

impl Deaf {
    fn connect(to: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(to).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let deaf = Self(socket);
        deaf.send(RequestType::Induction, 0, ExtensionBlocks::NONE);
        let mut cookie = 0;
        deaf.hear(|control| {
            if let Control::Handshake(reply) = control {
                cookie = reply.cookie;
            }
            cookie != 0
        });
        let mut extensions = ExtensionWriter::new();
        let hello = HsExtension {
            version: SrtVersion::OURS,
            flags: HsFlags::LIVE,
            receive_latency_millis: 2000,
            send_latency_millis: 0,
        };
        extensions.push(ExtensionCommand::HANDSHAKE_REQUEST, &hello.to_bytes());
        deaf.send(RequestType::Conclusion, cookie, extensions.blocks());
        deaf.hear(|control| matches!(control, Control::Handshake(_)));
        deaf
    }

    fn send(&self, request: RequestType, cookie: u32, extensions: ExtensionBlocks<'_>) {
        let handshake = Handshake {
            version: Handshake::VERSION_5,
            encryption_field: 0,
            extension_field: 1,
            initial_sequence: SequenceNumber::new(1000),
            segment_bytes: 1500,
            flow_window_packets: 8192,
            request,
            socket: SocketId::new(77),
            cookie,
            peer_address: WireAddress::from(std::net::IpAddr::from([127, 0, 0, 1])),
            extensions,
        };
        let packet = ControlPacket::new(Timestamp::new(0), SocketId::LISTENER, handshake);
        self.0.send(&packet.to_vec()).unwrap();
    }

    /// Listens until a control packet is what was waited for.
    fn hear(&self, mut is_it: impl FnMut(&Control<'_>) -> bool) {
        let mut bytes = [0; 2048];
        loop {
            let length = self.0.recv(&mut bytes).unwrap();
            if let Ok(Packet::Control(packet)) = Packet::parse(&bytes[..length])
                && is_it(&packet.control)
            {
                return;
            }
        }
    }

    fn hears_the_end(&self) {
        self.hear(|control| matches!(control, Control::Shutdown(_)));
    }
}

async fn deaf_reader(shards: &Shards) -> (tidegate_srt_io::ListenerHandle, Deaf) {
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = shards
        .listen(address, &ListenOptions::default(), Arc::new(Readers))
        .unwrap();
    let to = listener.local_addr();
    let deaf = tokio::task::spawn_blocking(move || Deaf::connect(to)).await;
    (listener, deaf.unwrap())
}

#[tokio::test]
async fn a_closed_listener_tells_even_a_reader_that_acknowledges_nothing() {
    let shards = shards(2);
    let (listener, deaf) = deaf_reader(&shards).await;
    listener.close().await;
    deaf.hears_the_end();
    shards.stop().await;
}

#[tokio::test]
async fn stopping_tells_even_a_reader_that_acknowledges_nothing() {
    let shards = shards(2);
    let (_listener, deaf) = deaf_reader(&shards).await;
    shards.stop().await;
    deaf.hears_the_end();
}
