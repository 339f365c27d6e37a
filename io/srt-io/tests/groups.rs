//! Legs of a bonding group come from several addresses, which the kernel spreads over the
//! shards: they meet in one. And those of a group that is called leave from several.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_srt::wire::{
    Control, ControlPacket, DataHeader, ExtensionCommand, ExtensionFlags, ExtensionWriter,
    GroupExtension, Handshake, HsExtension, HsFlags, MessageNumber, Packet, RequestType, SocketId,
    Timestamp, WireAddress,
};
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionRequest, GroupKind, LegState, SequenceNumber,
    SrtVersion,
};
use tidegate_srt_io::{
    Admission, AdmissionReply, CallError, GroupCallOptions, LegOptions, ListenOptions, Role,
};

use common::*;

const LEGS: u32 = 8;
const FIRST: u32 = 1000;

/// Lets the first leg of each group in as a publisher, and the others join it.
struct Host {
    house: Arc<House>,
    known: Mutex<HashSet<u32>>,
}

impl Admission for Host {
    fn admit(&self, request: ConnectionRequest, reply: AdmissionReply) {
        let group = request.group.unwrap().id;
        let config = ConnectionConfig::default();
        if !self.known.lock().unwrap().insert(group) {
            return reply.join(None, config);
        }
        let sink = Collect {
            house: Arc::clone(&self.house),
            stream: format!("{group}"),
            turn: Vec::new(),
        };
        let handle = reply.accept(None, config, Role::Publisher(Box::new(sink)));
        self.house.handles.lock().unwrap().push(handle);
    }
}

/// One leg, from a port of its own, spoken by hand.
struct Leg {
    socket: UdpSocket,
    ours: SocketId,
    theirs: SocketId,
}

impl Leg {
    fn connect(to: SocketAddr, number: u32, group: u32) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut leg = Self {
            socket,
            ours: SocketId::new(number),
            theirs: SocketId::LISTENER,
        };
        let (cookie, _) = leg.ask(RequestType::Induction, 4, 2, 0, &ExtensionWriter::new());
        let mut extensions = ExtensionWriter::new();
        let hs = HsExtension {
            version: SrtVersion::OURS,
            flags: HsFlags::LIVE,
            receive_latency_millis: 2000,
            send_latency_millis: 2000,
        };
        extensions.push(ExtensionCommand::HANDSHAKE_REQUEST, &hs.to_bytes());
        let body = GroupExtension {
            group,
            kind: GroupExtension::BROADCAST,
            flags: 0,
            weight: 0,
        };
        extensions.push(ExtensionCommand::GROUP, &body.to_bytes());
        let flags = ExtensionFlags::HANDSHAKE.with(ExtensionFlags::CONFIGURATION);
        let asked = RequestType::Conclusion;
        let (_, theirs) = leg.ask(asked, 5, flags.bits(), cookie, &extensions);
        leg.theirs = theirs;
        leg
    }

    /// Sends a handshake; the cookie and the socket of the answer.
    fn ask(
        &self,
        request: RequestType,
        version: u32,
        field: u16,
        cookie: u32,
        extensions: &ExtensionWriter,
    ) -> (u32, SocketId) {
        let handshake = Handshake {
            version,
            encryption_field: 0,
            extension_field: field,
            initial_sequence: SequenceNumber::new(FIRST),
            segment_bytes: 1500,
            flow_window_packets: 8192,
            request,
            socket: self.ours,
            cookie,
            peer_address: WireAddress::from(std::net::IpAddr::from([127, 0, 0, 1])),
            extensions: extensions.blocks(),
        };
        let packet = ControlPacket::new(Timestamp::new(0), SocketId::LISTENER, handshake);
        self.socket.send(&packet.to_vec()).unwrap();
        let mut buffer = [0; 2048];
        let length = self.socket.recv(&mut buffer).unwrap();
        let Ok(Packet::Control(ControlPacket {
            control: Control::Handshake(answer),
            ..
        })) = Packet::parse(&buffer[..length])
        else {
            panic!("no handshake")
        };
        assert_eq!(answer.request, request);
        (answer.cookie, answer.socket)
    }

    fn send(&self, number: u32) {
        let header = DataHeader::live(
            SequenceNumber::new(FIRST + number),
            MessageNumber::new(number + 1),
            Timestamp::new(number * 1000),
            self.theirs,
        );
        let mut bytes = vec![0; DataHeader::BYTES];
        header.emit(&mut bytes);
        bytes.extend(number.to_be_bytes().repeat(329));
        self.socket.send(&bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn legs_from_many_ports_meet_in_one_shard_and_each_brings_what_the_others_lack() {
    let (shards, house) = (shards(4), Arc::new(House::default()));
    let host = Host {
        house: Arc::clone(&house),
        known: Mutex::default(),
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = shards
        .listen(any, &ListenOptions::default(), Arc::new(host))
        .unwrap();
    for shard in 0..4 {
        let group = GroupExtension::ID_BIT | 4000 | shard;
        let to = listener.local_addr();
        let legs: Vec<Leg> = (1..=LEGS)
            .map(|number| Leg::connect(to, 100 * (shard + 1) + number, group))
            .collect();
        for leg in &legs {
            assert_eq!(
                leg.theirs.value() % 64,
                group % 4,
                "its shard is in its name"
            );
        }
        for number in 0..400 {
            // Each packet over one leg only: no leg has the whole stream.
            legs[(number % LEGS) as usize].send(number);
            if number % 20 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let bytes = expected(400);
        until("the stream arrives whole", || {
            has_arrived(&house, &format!("{group}"), &bytes)
        })
        .await;
        let handle = house.handles.lock().unwrap()[shard as usize].clone();
        until("all legs are shown", || {
            handle.status().legs.len() == LEGS as usize
        })
        .await;
    }
    let status = listener.status();
    let on_each: Vec<usize> = status.iter().map(|shard| shard.connections).collect();
    assert_eq!(on_each, [LEGS as usize; 4]);
    assert_eq!(status.iter().map(|s| s.hand_over_lost).sum::<u64>(), 0);
    shards.stop().await;
}

/// A listener that takes IPv4 and IPv6.
fn dual_stack(shards: &tidegate_srt_io::Shards, host: Host) -> tidegate_srt_io::ListenerHandle {
    let any = "[::]:0".parse().unwrap();
    shards
        .listen(any, &ListenOptions::default(), Arc::new(host))
        .unwrap()
}

/// A group with so much latency that a busy machine loses nothing either.
fn group_call(legs: Vec<LegOptions>, packets: u32) -> GroupCallOptions {
    let mut caller = CallerConfig::default();
    caller.connection.peer_latency = Duration::from_secs(2);
    GroupCallOptions {
        kind: GroupKind::Broadcast,
        legs,
        min_stability: None,
        caller,
        role: Role::Reader(Box::new(Numbers::new(packets))),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_called_over_ipv4_and_ipv6_each_leg_from_its_own_address() {
    let (shards, house) = (shards(2), Arc::new(House::default()));
    let host = Host {
        house: Arc::clone(&house),
        known: Mutex::default(),
    };
    let listener = dual_stack(&shards, host);
    let port = listener.local_addr().port();
    let from = |to: SocketAddr, local: &str| LegOptions {
        local: Some(local.parse().unwrap()),
        ..LegOptions::new(to, 0)
    };
    let legs = vec![
        from(([127, 0, 0, 1], port).into(), "127.0.0.7:0"),
        from(([127, 0, 0, 1], port).into(), "127.0.0.8:0"),
        LegOptions::new(format!("[::1]:{port}").parse().unwrap(), 0),
    ];
    let call = shards.call_group(group_call(legs, 2000)).unwrap();
    tokio::time::timeout(PATIENCE, call.connected())
        .await
        .unwrap()
        .unwrap();
    until("all legs are up at both ends", || {
        let theirs = house.handles.lock().unwrap().first().map(|it| it.status());
        let up = |legs: &[tidegate_srt::LegStatus]| {
            legs.len() == 3 && legs.iter().all(|leg| leg.state != LegState::Down)
        };
        up(&call.status().legs) && theirs.is_some_and(|theirs| up(&theirs.legs))
    })
    .await;
    let theirs = house.handles.lock().unwrap()[0].status();
    let mut from: Vec<String> = theirs
        .legs
        .iter()
        .map(|leg| leg.peer.ip().to_canonical().to_string())
        .collect();
    from.sort();
    assert_eq!(from, ["127.0.0.7", "127.0.0.8", "::1"]);
    let bytes = expected(2000);
    until("the stream arrives whole", || {
        house
            .streams
            .lock()
            .unwrap()
            .iter()
            .any(|(_, it)| *it == bytes)
    })
    .await;
    call.close();
    call.ended().await;
    shards.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_that_cannot_leave_from_its_address_is_named() {
    let shards = shards(1);
    let leg = LegOptions {
        local: Some("192.0.2.55:0".parse().unwrap()),
        ..LegOptions::new("127.0.0.1:9".parse().unwrap(), 0)
    };
    let error = shards.call_group(group_call(vec![leg], 1)).unwrap_err();
    assert!(error.to_string().contains("192.0.2.55"), "{error}");
    let error = shards.call_group(group_call(Vec::new(), 1)).unwrap_err();
    assert!(matches!(error, CallError::NoLegs));
    shards.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_whose_own_network_is_missing_does_not_hold_up_the_others() {
    let (shards, house) = (shards(1), Arc::new(House::default()));
    let host = Host {
        house: Arc::clone(&house),
        known: Mutex::default(),
    };
    let listener = dual_stack(&shards, host);
    let to = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().port()));
    let no_address = LegOptions {
        local: Some("192.0.2.55:0".parse().unwrap()),
        ..LegOptions::new(to, 2)
    };
    let legs = vec![no_address, LegOptions::new(to, 1)];
    let call = shards.call_group(group_call(legs, 500)).unwrap();
    tokio::time::timeout(PATIENCE, call.connected())
        .await
        .unwrap()
        .unwrap();
    let bytes = expected(500);
    until("the stream arrives whole", || {
        let streams = house.streams.lock().unwrap();
        streams.iter().any(|(_, it)| *it == bytes)
    })
    .await;
    assert_eq!(call.status().legs[0].state, LegState::Down);
    call.close();
    call.ended().await;
    shards.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_that_reached_nobody_is_called_again_by_a_fresh_socket() {
    let (shards, house) = (shards(1), Arc::new(House::default()));
    let host = Host {
        house,
        known: Mutex::default(),
    };
    let listener = dual_stack(&shards, host);
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    nobody.set_read_timeout(Some(PATIENCE)).unwrap();
    let good = ([127, 0, 0, 1], listener.local_addr().port()).into();
    let legs = vec![
        LegOptions::new(good, 0),
        LegOptions::new(nobody.local_addr().unwrap(), 0),
    ];
    let mut options = group_call(legs, 1);
    options.caller.connect_timeout = Duration::from_secs(2);
    let call = shards.call_group(options).unwrap();
    let rings = tokio::task::spawn_blocking(move || {
        let from = || nobody.recv_from(&mut [0; 2048]).unwrap().1;
        let first: SocketAddr = from();
        while from() == first {}
    });
    tokio::time::timeout(PATIENCE, rings)
        .await
        .expect("a call from another socket")
        .unwrap();
    call.close();
    call.ended().await;
    shards.stop().await;
}
