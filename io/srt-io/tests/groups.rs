//! Legs of a bonding group come from several addresses, which the kernel spreads over the
//! shards: they meet in one.
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
use tidegate_srt::{ConnectionConfig, ConnectionRequest, SequenceNumber, SrtVersion};
use tidegate_srt_io::{Admission, AdmissionReply, ListenOptions, Role};

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
            receive_latency_millis: 120,
            send_latency_millis: 120,
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
