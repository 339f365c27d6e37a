//! Shards on loopback, both sides ours.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tidegate_srt::{
    CallerConfig, CloseReason, ConnectionConfig, ConnectionRequest, KeyLength, Received,
    RejectReason, RequestedEncryption,
};
use tidegate_srt_io::{
    Admission, AdmissionReply, CallOptions, Clock, ConnectionHandle, EndReason, Fountain,
    ListenOptions, ListenerHandle, Role, Shards, ShardsConfig, Sink, Wake,
};
use tidegate_udp::{Options, Run, Socket};
use tidegate_units::Instant;
use tokio::time::timeout;

const PASSPHRASE: &[u8] = b"correct horse battery";
const PATIENCE: Duration = Duration::from_secs(20);

/// What sinks have received, by stream ID, and the handles of those let in.
#[derive(Default)]
struct House {
    streams: Mutex<Vec<(String, Vec<u8>)>>,
    handles: Mutex<Vec<ConnectionHandle>>,
    shards: Mutex<Option<Arc<Shards>>>,
}

struct Collect {
    house: Arc<House>,
    stream: String,
    turn: Vec<u8>,
}

impl Sink for Collect {
    fn receive(&mut self, packet: Received) {
        self.turn.extend_from_slice(&packet.payload);
    }

    fn end_of_turn(&mut self, _now: Instant) {
        let mut streams = self.house.streams.lock().unwrap();
        let turn = std::mem::take(&mut self.turn);
        match streams.iter_mut().find(|(name, _)| *name == self.stream) {
            Some((_, bytes)) => bytes.extend(turn),
            None => streams.push((self.stream.clone(), turn)),
        }
    }

    fn closed(&mut self, _reason: &EndReason) {}
}

/// Gives numbered packets, a few at a time.
struct Numbers {
    waiting: VecDeque<Bytes>,
    next_at: Instant,
}

impl Numbers {
    fn new(count: u32) -> Self {
        let packet = |number: u32| Bytes::from(number.to_be_bytes().repeat(329));
        Self {
            waiting: (0..count).map(packet).collect(),
            next_at: Instant::ZERO,
        }
    }
}

impl Fountain for Numbers {
    fn next(&mut self, now: Instant) -> Option<(Bytes, Instant)> {
        if now < self.next_at {
            return None;
        }
        let packet = self.waiting.pop_front()?;
        if self.waiting.len().is_multiple_of(4) {
            self.next_at = now + Duration::from_millis(2);
        }
        Some((packet, now))
    }

    fn next_due(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.next_at)
    }

    fn attach(&mut self, _waker: Arc<dyn Wake>) {}

    fn closed(&mut self, _reason: &EndReason) {}
}

fn expected(count: u32) -> Vec<u8> {
    (0..count)
        .flat_map(|number| number.to_be_bytes().repeat(329))
        .collect()
}

/// Lets everybody in but those who ask for "forbidden".
struct Doorman(Arc<House>);

impl Admission for Doorman {
    fn admit(&self, request: ConnectionRequest, reply: AdmissionReply) {
        let stream = request.stream_id.to_string();
        if stream == "forbidden" {
            return reply.reject(RejectReason::Forbidden);
        }
        let house = Arc::clone(&self.0);
        let sink = Collect {
            house: Arc::clone(&house),
            stream,
            turn: Vec::new(),
        };
        let enter = move |keys| {
            let role = Role::Publisher(Box::new(sink));
            let handle = reply.accept(keys, ConnectionConfig::default(), role);
            house.handles.lock().unwrap().push(handle);
        };
        match request.encryption {
            RequestedEncryption::None => enter(None),
            RequestedEncryption::KeyMaterial(material) => {
                let shards = Arc::clone(self.0.shards.lock().unwrap().as_ref().unwrap());
                let opened = shards.keys().open(
                    request.peer.ip(),
                    material,
                    PASSPHRASE.to_vec(),
                    move |keys| enter(Some(keys.unwrap())),
                );
                opened.unwrap();
            }
        }
    }
}

fn shards(threads: usize) -> Arc<Shards> {
    Shards::start(&ShardsConfig {
        threads,
        ..ShardsConfig::default()
    })
    .unwrap()
}

fn listen(shards: &Arc<Shards>, house: &Arc<House>, address: &str) -> ListenerHandle {
    *house.shards.lock().unwrap() = Some(Arc::clone(shards));
    let doorman = Arc::new(Doorman(Arc::clone(house)));
    shards
        .listen(address.parse().unwrap(), &ListenOptions::default(), doorman)
        .unwrap()
}

fn send(shards: &Shards, to: SocketAddr, stream: &str, packets: u32) -> ConnectionHandle {
    call(
        shards,
        to,
        CallerConfig {
            stream_id: Bytes::copy_from_slice(stream.as_bytes()),
            ..CallerConfig::default()
        },
        packets,
    )
}

fn call(shards: &Shards, to: SocketAddr, caller: CallerConfig, packets: u32) -> ConnectionHandle {
    let local = Some(SocketAddr::new(to.ip(), 0));
    let role = Role::Reader(Box::new(Numbers::new(packets)));
    shards
        .call(
            to,
            CallOptions {
                caller,
                role,
                local,
            },
        )
        .unwrap()
}

async fn until(what: &str, reached: impl Fn() -> bool) {
    let wait = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(
        timeout(PATIENCE, wait).await.is_ok(),
        "never happened: {what}"
    );
}

fn has_arrived(house: &House, stream: &str, bytes: &[u8]) -> bool {
    let streams = house.streams.lock().unwrap();
    streams
        .iter()
        .any(|(name, got)| name == stream && got == bytes)
}

#[tokio::test]
async fn many_callers_at_once_spread_over_the_shards_and_all_arrive_intact() {
    let (near, far, house) = (shards(2), shards(4), Arc::new(House::default()));
    let listener = listen(&far, &house, "127.0.0.1:0");
    assert_ne!(listener.local_addr().port(), 0);
    let calls: Vec<_> = (0..60)
        .map(|number| send(&near, listener.local_addr(), &format!("s{number}"), 200))
        .collect();
    for call in &calls {
        timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
    }
    let bytes = expected(200);
    for number in 0..60 {
        let stream = format!("s{number}");
        until("the stream arrives intact", || {
            has_arrived(&house, &stream, &bytes)
        })
        .await;
    }
    until("every shard has some of the connections", || {
        listener
            .status()
            .iter()
            .all(|status| status.connections > 0)
    })
    .await;
    near.stop().await;
    far.stop().await;
}

#[tokio::test]
async fn an_encrypted_call_over_ipv6_arrives_intact() {
    let (shards, house) = (shards(2), Arc::new(House::default()));
    let listener = listen(&shards, &house, "[::1]:0");
    let to = listener.local_addr();
    let keys = shards
        .keys()
        .generate(to.ip(), PASSPHRASE.to_vec(), KeyLength::Aes256)
        .await;
    let caller = CallerConfig {
        stream_id: Bytes::from_static(b"safe"),
        keys: Some(keys.unwrap().unwrap()),
        ..CallerConfig::default()
    };
    let call = call(&shards, to, caller, 300);
    let negotiated = timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
    assert_eq!(negotiated.encryption.unwrap().1, KeyLength::Aes256);
    let bytes = expected(300);
    until("the stream arrives intact", || {
        has_arrived(&house, "safe", &bytes)
    })
    .await;
    until("snapshots follow", || {
        let status = call.status();
        status
            .statistics
            .as_ref()
            .is_some_and(|s| s.total.packets_sent_unique == 300)
    })
    .await;
    shards.stop().await;
}

#[tokio::test]
async fn an_ipv4_caller_reaches_a_dual_stack_listener() {
    let (shards, house) = (shards(2), Arc::new(House::default()));
    let listener = listen(&shards, &house, "[::]:0");
    let to = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().port()));
    let _call = send(&shards, to, "v4", 50);
    let bytes = expected(50);
    until("the stream arrives intact", || {
        has_arrived(&house, "v4", &bytes)
    })
    .await;
    let peer = house.handles.lock().unwrap()[0].status().peer;
    assert!(peer.is_ipv4(), "{peer}");
    shards.stop().await;
}

#[tokio::test]
async fn stopping_says_goodbye_to_every_peer() {
    let (near, far, house) = (shards(1), shards(2), Arc::new(House::default()));
    let listener = listen(&far, &house, "127.0.0.1:0");
    let calls: Vec<_> = (0..10)
        .map(|n| send(&near, listener.local_addr(), &format!("s{n}"), 1))
        .collect();
    for call in &calls {
        timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
    }
    far.stop().await;
    for call in &calls {
        let reason = timeout(Duration::from_secs(3), call.ended()).await.unwrap();
        assert_eq!(reason, EndReason::Closed(CloseReason::Peer));
    }
    near.stop().await;
}

#[tokio::test]
async fn a_closed_listener_frees_its_port_and_its_peers_know() {
    let (shards, house) = (shards(2), Arc::new(House::default()));
    let listener = listen(&shards, &house, "127.0.0.1:0");
    let to = listener.local_addr();
    let call = send(&shards, to, "s", 1);
    timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
    listener.close().await;
    let reason = timeout(Duration::from_secs(3), call.ended()).await.unwrap();
    assert_eq!(reason, EndReason::Closed(CloseReason::Peer));
    let again = listen(&shards, &house, &to.to_string());
    assert_eq!(again.local_addr(), to);
    shards.stop().await;
}

#[tokio::test]
async fn a_refused_caller_learns_it_and_a_closed_handle_ends_its_connection() {
    let (shards, house) = (shards(2), Arc::new(House::default()));
    let listener = listen(&shards, &house, "127.0.0.1:0");
    let refused = send(&shards, listener.local_addr(), "forbidden", 1);
    let reason = timeout(PATIENCE, refused.connected())
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(reason, EndReason::Refused(RejectReason::Peer(_))),
        "{reason:?}"
    );
    let call = send(&shards, listener.local_addr(), "s", 1);
    timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
    until("the far side is connected", || {
        !house.handles.lock().unwrap().is_empty()
    })
    .await;
    let far = house.handles.lock().unwrap()[0].clone();
    far.close();
    assert_eq!(
        timeout(PATIENCE, call.ended()).await.unwrap(),
        EndReason::Closed(CloseReason::Peer)
    );
    assert_eq!(
        timeout(PATIENCE, far.ended()).await.unwrap(),
        EndReason::Closed(CloseReason::Local)
    );
    shards.stop().await;
}

#[tokio::test]
async fn a_run_with_two_ids_is_handed_over_to_the_other_shard() {
    let (shards, house) = (shards(2), Arc::new(House::default()));
    let listener = listen(&shards, &house, "127.0.0.1:0");
    let stranger = Socket::bind("127.0.0.1:0".parse().unwrap(), &Options::default()).unwrap();
    let mut run = [0_u8; 64];
    run[12..16].copy_from_slice(&0x0100_0040_u32.to_be_bytes());
    run[44..48].copy_from_slice(&0x0100_0041_u32.to_be_bytes());
    let to = listener.local_addr();
    stranger.send(&[Run {
        to,
        from: None,
        bytes: &run,
        segment_bytes: 32,
    }]);
    until("both shards have counted a packet nobody owns", || {
        let status = listener.status();
        let unknown: Vec<u64> = status.iter().map(|s| s.endpoint.unknown_socket).collect();
        let handed: u64 = status.iter().map(|s| s.handed_over).sum();
        unknown == [1, 1] && handed <= 1
    })
    .await;
    shards.stop().await;
}

#[tokio::test]
async fn nobody_answering_is_a_failed_call() {
    let shards = shards(1);
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let caller = CallerConfig {
        connect_timeout: Duration::from_millis(400),
        ..CallerConfig::default()
    };
    let before = Clock::start().now();
    let call = call(&shards, silent.local_addr().unwrap(), caller, 1);
    let reason = timeout(PATIENCE, call.connected())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(reason, EndReason::Refused(RejectReason::Timeout));
    assert!(Clock::start().now().saturating_since(before) >= Duration::from_millis(400));
    shards.stop().await;
}

/// Accepts whoever asks, but only when the test says so.
#[derive(Default)]
struct Hesitant(Mutex<Option<AdmissionReply>>);

impl Admission for Hesitant {
    fn admit(&self, _request: ConnectionRequest, reply: AdmissionReply) {
        *self.0.lock().unwrap() = Some(reply);
    }
}

#[tokio::test]
async fn who_is_let_in_when_the_port_is_gone_learns_that_nothing_comes_of_it() {
    let (shards, house) = (shards(2), Arc::new(House::default()));
    let hesitant = Arc::new(Hesitant::default());
    let admission = Arc::clone(&hesitant) as Arc<dyn Admission>;
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = shards
        .listen(address, &ListenOptions::default(), admission)
        .unwrap();
    let _call = send(&shards, listener.local_addr(), "late", 1);
    until("somebody asks", || hesitant.0.lock().unwrap().is_some()).await;
    listener.close().await;
    let reply = hesitant.0.lock().unwrap().take().unwrap();
    let sink = Collect {
        house: Arc::clone(&house),
        stream: "late".into(),
        turn: Vec::new(),
    };
    let role = Role::Publisher(Box::new(sink));
    let handle = reply.accept(None, ConnectionConfig::default(), role);
    let reason = timeout(Duration::from_secs(5), handle.ended()).await;
    assert_eq!(reason.unwrap(), EndReason::Abandoned);
    drop(handle);
    shards.stop().await;
}

#[tokio::test]
async fn a_call_that_cannot_be_placed_leaves_its_local_port_free() {
    let shards = shards(1);
    let to = SocketAddr::from(([127, 0, 0, 1], 9));
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let local = free.local_addr().unwrap();
    drop(free);
    let caller = CallerConfig {
        stream_id: Bytes::from(vec![b'x'; 600]),
        ..CallerConfig::default()
    };
    let options = CallOptions {
        caller,
        role: Role::Reader(Box::new(Numbers::new(1))),
        local: Some(local),
    };
    let call = shards.call(to, options).unwrap();
    let reason = timeout(PATIENCE, call.connected()).await.unwrap();
    assert!(matches!(reason, Err(EndReason::NotPlaced(_))), "{reason:?}");
    until("the port is free", || {
        std::net::UdpSocket::bind(local).is_ok()
    })
    .await;
    shards.stop().await;
}

/// Has no time for the first who asks, and lets the second one in.
struct Distracted {
    house: Arc<House>,
    asked: Mutex<u32>,
}

impl Admission for Distracted {
    fn admit(&self, _request: ConnectionRequest, reply: AdmissionReply) {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        if *asked == 1 {
            return;
        }
        let sink = Collect {
            house: Arc::clone(&self.house),
            stream: "second".into(),
            turn: Vec::new(),
        };
        let role = Role::Publisher(Box::new(sink));
        let handle = reply.accept(None, ConnectionConfig::default(), role);
        self.house.handles.lock().unwrap().push(handle);
    }
}

#[tokio::test]
async fn a_caller_nobody_had_time_for_gets_in_when_it_repeats_itself() {
    let (shards, house) = (shards(2), Arc::new(House::default()));
    let distracted = Distracted {
        house: Arc::clone(&house),
        asked: Mutex::new(0),
    };
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = shards
        .listen(address, &ListenOptions::default(), Arc::new(distracted))
        .unwrap();
    let call = send(&shards, listener.local_addr(), "busy", 20);
    timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
    let bytes = expected(20);
    until("the stream arrives intact", || {
        has_arrived(&house, "second", &bytes)
    })
    .await;
    shards.stop().await;
}

/// Breaks its media thread.
struct Broken;

impl Fountain for Broken {
    fn next(&mut self, _now: Instant) -> Option<(Bytes, Instant)> {
        panic!("as a fault of ours would");
    }

    fn next_due(&self) -> Option<Instant> {
        None
    }

    fn attach(&mut self, _waker: Arc<dyn Wake>) {}

    fn closed(&mut self, _reason: &EndReason) {}
}

#[tokio::test]
async fn a_broken_media_thread_leaves_nobody_waiting() {
    let (near, far, house) = (shards(1), shards(1), Arc::new(House::default()));
    let listener = listen(&far, &house, "127.0.0.1:0");
    let to = listener.local_addr();
    let whole = send(&near, to, "whole", 1);
    timeout(PATIENCE, whole.connected()).await.unwrap().unwrap();
    let options = CallOptions {
        caller: CallerConfig::default(),
        role: Role::Reader(Box::new(Broken)),
        local: None,
    };
    let broken = near.call(to, options).unwrap();
    for call in [&broken, &whole] {
        let reason = timeout(PATIENCE, call.ended()).await.unwrap();
        assert_eq!(reason, EndReason::Stopping);
    }
    until("no more calls are taken", || {
        let options = CallOptions {
            caller: CallerConfig::default(),
            role: Role::Reader(Box::new(Broken)),
            local: None,
        };
        near.call(to, options).is_err()
    })
    .await;
    far.stop().await;
    near.stop().await;
}
