//! Which shard a datagram gets to: by the socket ID in it, and where a new connection lives.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use bytes::Bytes;
use tidegate_srt::wire::{
    Control, ControlPacket, ExtensionCommand, ExtensionFlags, ExtensionWriter, Handshake,
    HsExtension, HsFlags, Packet, RequestType, SocketId, Timestamp, WireAddress,
};
use tidegate_srt::{CallerConfig, CloseReason, SequenceNumber, SrtVersion};
use tidegate_srt_io::{
    CallOptions, ConnectionHandle, EndReason, ListenerHandle, PortStatus, Role, Shards,
};
use tidegate_udp::{Options, Run, Socket};
use tokio::time::timeout;

use common::*;

const GROUP_SIZES: [usize; 4] = [2, 4, 8, 64];

/// Something of every shard's share of a port.
fn each(listener: &ListenerHandle, figure: impl Fn(&PortStatus) -> u64) -> Vec<u64> {
    let status = listener.status();
    status.iter().map(|status| figure(status)).collect()
}

fn stranger(to: SocketAddr) -> UdpSocket {
    let any = SocketAddr::new(to.ip(), 0);
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect(to).unwrap();
    socket
}

/// A datagram that names `id` where SRT does.
fn naming(first: u8, id: u32, bytes: usize) -> Vec<u8> {
    let mut datagram = vec![0; bytes.max(16)];
    datagram[0] = first;
    datagram[12..16].copy_from_slice(&id.to_be_bytes());
    datagram.truncate(bytes);
    datagram
}

#[tokio::test]
async fn the_kernel_itself_brings_every_socket_id_to_its_shard() {
    for (count, address) in GROUP_SIZES
        .into_iter()
        .flat_map(|count| [(count, "127.0.0.1:0"), (count, "[::1]:0")])
    {
        let (shards, house) = (shards(count), Arc::new(House::default()));
        let listener = listen(&shards, &house, address);
        let stranger = stranger(listener.local_addr());
        for shard in 0..count as u32 {
            for id in 0..=shard {
                let data = naming(0, (id + 7) << 6 | shard, 1332);
                stranger.send(&data).unwrap();
            }
        }
        let wanted: Vec<u64> = (1..=count as u64).collect();
        until("every shard has its own", || {
            each(&listener, |s| s.endpoint.unknown_socket) == wanted
        })
        .await;
        assert_eq!(each(&listener, |s| s.handed_over), vec![0; count]);
        shards.stop().await;
    }
}

#[tokio::test]
async fn what_names_no_shard_is_spread_by_its_address_and_nothing_is_lost() {
    for count in GROUP_SIZES {
        let (shards, house) = (shards(count), Arc::new(House::default()));
        let listener = listen(&shards, &house, "127.0.0.1:0");
        let strangers: Vec<_> = (0..32).map(|_| stranger(listener.local_addr())).collect();
        for stranger in &strangers {
            // Too short for a header, though an ID's first bytes are there; no ID; SRTLA's own
            // packets, which have something else where the ID would be.
            stranger.send(&naming(0x80, 0x0100_0041, 15)).unwrap();
            stranger.send(&[0x80]).unwrap();
            stranger.send(&naming(0x80, 0, 64)).unwrap();
            for first in 0x90..=0x92 {
                stranger.send(&naming(first, 0x0100_0041, 64)).unwrap();
            }
        }
        let sent = 32 * 6;
        until("everything has come in", || {
            each(&listener, |s| s.endpoint.datagrams)
                .iter()
                .sum::<u64>()
                == sent
        })
        .await;
        let on_each = each(&listener, |s| s.endpoint.datagrams);
        assert!(
            on_each.iter().all(|datagrams| datagrams % 6 == 0),
            "all of one address belong together: {on_each:?}"
        );
        let busy = on_each.iter().filter(|datagrams| **datagrams > 0).count();
        assert!(busy > 1, "{on_each:?}");
        shards.stop().await;
    }
}

#[tokio::test]
async fn an_id_of_a_shard_that_is_not_there_is_nobodys_but_is_counted() {
    let (shards, house) = (shards(3), Arc::new(House::default()));
    let listener = listen(&shards, &house, "127.0.0.1:0");
    let stranger = stranger(listener.local_addr());
    for shard in 3..64 {
        stranger.send(&naming(0, 1 << 20 | shard, 1332)).unwrap();
    }
    until("all are counted", || {
        each(&listener, |s| s.endpoint.unknown_socket)
            .iter()
            .sum::<u64>()
            == 61
    })
    .await;
    shards.stop().await;
}

#[tokio::test]
async fn a_run_with_the_ids_of_eight_shards_is_taken_apart() {
    let (shards, house) = (shards(8), Arc::new(House::default()));
    let listener = listen(&shards, &house, "127.0.0.1:0");
    let any = "127.0.0.1:0".parse().unwrap();
    let stranger = Socket::bind(any, &Options::default()).unwrap();
    let run: Vec<u8> = (0..8)
        .flat_map(|shard| naming(0, 1 << 20 | shard, 32))
        .collect();
    stranger.send(&[Run {
        to: listener.local_addr(),
        from: None,
        bytes: &run,
        segment_bytes: 32,
    }]);
    until("every shard has one", || {
        each(&listener, |s| s.endpoint.unknown_socket) == [1; 8]
    })
    .await;
    assert_eq!(each(&listener, |s| s.hand_over_lost), [0; 8]);
    shards.stop().await;
}

/// A call that shares its socket with others.
fn share_a_socket(near: &Shards, to: SocketAddr, stream: &str, packets: u32) -> ConnectionHandle {
    let caller = CallerConfig {
        stream_id: Bytes::copy_from_slice(stream.as_bytes()),
        ..CallerConfig::default()
    };
    let role = Role::Reader(Box::new(Numbers::new(packets)));
    near.call(to, CallOptions::new(caller, role)).unwrap()
}

#[tokio::test]
async fn callers_from_one_socket_are_spread_evenly_and_each_arrives_once_and_whole() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (near, far, house) = (shards(1), shards(8), Arc::new(House::default()));
        let listener = listen(&far, &house, address);
        let to = listener.local_addr();
        let calls: Vec<_> = (0..64)
            .map(|number| share_a_socket(&near, to, &format!("s{number}"), 100))
            .collect();
        for call in &calls {
            timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
        }
        until("the shards have counted them", || {
            far.connections().iter().sum::<usize>() == 64
        })
        .await;
        assert_eq!(far.connections(), [8; 8]);
        let bytes = expected(100);
        for number in 0..64 {
            let stream = format!("s{number}");
            until("the stream arrives intact", || {
                has_arrived(&house, &stream, &bytes)
            })
            .await;
        }
        assert_eq!(
            house.handles.lock().unwrap().len(),
            64,
            "each is let in once"
        );
        assert_eq!(each(&listener, |s| s.hand_over_lost), [0; 8]);
        near.stop().await;
        until("everybody has gone", || far.connections() == [0; 8]).await;
        let handles = house.handles.lock().unwrap().clone();
        for handle in handles {
            let reason = timeout(PATIENCE, handle.ended()).await.unwrap();
            assert_eq!(reason, EndReason::Closed(CloseReason::Peer));
        }
        far.stop().await;
    }
}

#[tokio::test]
async fn calls_are_spread_over_the_shards_and_fill_the_gaps_that_others_leave() {
    let (near, far, house) = (shards(4), shards(2), Arc::new(House::default()));
    let listener = listen(&far, &house, "127.0.0.1:0");
    let to = listener.local_addr();
    let call = |number: usize| share_a_socket(&near, to, &format!("s{number}"), 1);
    let mut calls: Vec<_> = (0..16).map(call).collect();
    for call in &calls {
        timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
    }
    until("four are on each", || near.connections() == [4; 4]).await;
    // Every fourth was placed on the same shard.
    for call in calls.iter().step_by(4) {
        call.close();
        timeout(PATIENCE, call.ended()).await.unwrap();
    }
    until("one shard is idle", || {
        near.connections().iter().sum::<usize>() == 12
    })
    .await;
    calls.extend((16..20).map(call));
    until("four are on each again", || near.connections() == [4; 4]).await;
    near.stop().await;
    far.stop().await;
}

#[tokio::test]
async fn the_first_few_callers_share_a_shard_and_one_that_leaves_makes_room_there() {
    let (near, far, house) = (shards(1), packing(3, 3), Arc::new(House::default()));
    let listener = listen(&far, &house, "127.0.0.1:0");
    let to = listener.local_addr();
    let mut calls = Vec::new();
    for on_each in [
        [1, 0, 0],
        [2, 0, 0],
        [3, 0, 0],
        [3, 1, 0],
        [3, 2, 0],
        [3, 3, 0],
        [3, 3, 1],
    ] {
        let call = share_a_socket(&near, to, &format!("s{}", calls.len()), 10);
        timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
        calls.push(call);
        until("the shards have counted it", || {
            far.connections() == on_each
        })
        .await;
    }
    calls[0].close();
    until("the first has gone", || far.connections() == [2, 3, 1]).await;
    calls.push(share_a_socket(&near, to, "s7", 10));
    until("its place is taken", || far.connections() == [3, 3, 1]).await;
    for number in 1..calls.len() {
        let stream = format!("s{number}");
        until("the stream arrives intact", || {
            has_arrived(&house, &stream, &expected(10))
        })
        .await;
    }
    assert_eq!(each(&listener, |s| s.hand_over_lost), [0; 3]);
    near.stop().await;
    far.stop().await;
}

#[tokio::test]
async fn an_address_may_be_refused_as_often_where_there_are_many_shards() {
    for (count, packed) in [(1, 0), (8, 0), (8, 12)] {
        let (near, far, house) = (
            shards(1),
            packing(packed, count),
            Arc::new(House::default()),
        );
        let listener = listen(&far, &house, "127.0.0.1:0");
        // Four seconds' worth of refusals are forgiven at once.
        for _ in 0..15 {
            let call = share_a_socket(&near, listener.local_addr(), "forbidden", 0);
            let refused = timeout(PATIENCE, call.connected()).await.unwrap();
            let reason = refused.unwrap_err();
            assert!(matches!(reason, EndReason::Refused(_)), "{reason:?}");
        }
        let welcome = share_a_socket(&near, listener.local_addr(), "s0", 0);
        timeout(PATIENCE, welcome.connected())
            .await
            .unwrap()
            .unwrap();
        let sum = |figure: fn(&PortStatus) -> u64| each(&listener, figure).iter().sum::<u64>();
        until("all requests are counted", || {
            sum(|s| s.endpoint.requests) == 16
        })
        .await;
        assert_eq!(sum(|s| s.endpoint.requests_throttled), 0);
        near.stop().await;
        far.stop().await;
    }
}

/// A caller spoken by hand, who repeats itself before it has heard anything.
struct Stammerer {
    socket: UdpSocket,
    number: u32,
}

impl Stammerer {
    fn handshake(&self, request: RequestType, cookie: u32, extensions: &ExtensionWriter) {
        let is_conclusion = request == RequestType::Conclusion;
        let flags = ExtensionFlags::HANDSHAKE.with(ExtensionFlags::CONFIGURATION);
        let handshake = Handshake {
            version: if is_conclusion { 5 } else { 4 },
            encryption_field: 0,
            extension_field: if is_conclusion { flags.bits() } else { 2 },
            initial_sequence: SequenceNumber::new(1000),
            segment_bytes: 1500,
            flow_window_packets: 8192,
            request,
            socket: SocketId::new(self.number),
            cookie,
            peer_address: WireAddress::from(std::net::IpAddr::from([127, 0, 0, 1])),
            extensions: extensions.blocks(),
        };
        let packet = ControlPacket::new(Timestamp::new(0), SocketId::LISTENER, handshake);
        self.socket.send(&packet.to_vec()).unwrap();
    }

    /// The cookie and the socket of the next handshake that comes for this caller: others share
    /// its port.
    fn answer(&self) -> (u32, u32) {
        loop {
            let mut buffer = [0; 2048];
            let length = self.socket.recv(&mut buffer).unwrap();
            if let Ok(Packet::Control(ControlPacket {
                control: Control::Handshake(answer),
                destination,
                ..
            })) = Packet::parse(&buffer[..length])
                && destination.value() == self.number
            {
                return (answer.cookie, answer.socket.value());
            }
        }
    }

    fn conclude(&self, cookie: u32) {
        let mut extensions = ExtensionWriter::new();
        let hs = HsExtension {
            version: SrtVersion::OURS,
            flags: HsFlags::LIVE,
            receive_latency_millis: 120,
            send_latency_millis: 120,
        };
        extensions.push(ExtensionCommand::HANDSHAKE_REQUEST, &hs.to_bytes());
        self.handshake(RequestType::Conclusion, cookie, &extensions);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_repeats_itself_gets_one_connection_wherever_that_is() {
    for shards in [shards(8), packing(3, 8)] {
        let house = Arc::new(House::default());
        let listener = listen(&shards, &house, "127.0.0.1:0");
        stammer_24_times(listener.local_addr());
        until("the shards have counted them", || {
            shards.connections().iter().sum::<usize>() == 24
        })
        .await;
        assert_eq!(shards.connections(), [3; 8]);
        until("each has made one request", || {
            let repeated = each(&listener, |s| s.endpoint.repeated_conclusions);
            let requests = each(&listener, |s| s.endpoint.requests);
            repeated.iter().sum::<u64>() == 24 * 5 && requests.iter().sum::<u64>() == 24
        })
        .await;
        shards.stop().await;
    }
}

fn stammer_24_times(to: SocketAddr) {
    let socket = stranger(to);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    for number in 1..=24 {
        let caller = Stammerer {
            socket: socket.try_clone().unwrap(),
            number,
        };
        caller.handshake(RequestType::Induction, 0, &ExtensionWriter::new());
        let (cookie, _) = caller.answer();
        for _ in 0..5 {
            caller.conclude(cookie);
        }
        let (_, ours) = caller.answer();
        // Its answer got lost on the way, it believes.
        caller.conclude(cookie);
        let (_, again) = caller.answer();
        assert_eq!(ours, again);
    }
}
