//! A house that lets callers in and keeps what they send.
#![allow(dead_code, reason = "each test file uses its part of it")]
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionRequest, Received, RejectReason, RequestedEncryption,
};
use tidegate_srt_io::{
    Admission, AdmissionReply, CallOptions, ConnectionHandle, EndReason, Fountain, ListenOptions,
    ListenerHandle, Role, Shards, ShardsConfig, Sink, Wake,
};
use tidegate_units::Instant;
use tokio::time::timeout;

pub(crate) const PASSPHRASE: &[u8] = b"correct horse battery";
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What sinks have received, by stream ID, and the handles of those let in.
#[derive(Default)]
pub(crate) struct House {
    pub(crate) streams: Mutex<Vec<(String, Vec<u8>)>>,
    pub(crate) handles: Mutex<Vec<ConnectionHandle>>,
    pub(crate) shards: Mutex<Option<Arc<Shards>>>,
}

pub(crate) struct Collect {
    pub(crate) house: Arc<House>,
    pub(crate) stream: String,
    pub(crate) turn: Vec<u8>,
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
pub(crate) struct Numbers {
    pub(crate) waiting: VecDeque<Bytes>,
    pub(crate) next_at: Instant,
}

impl Numbers {
    pub(crate) fn new(count: u32) -> Self {
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

pub(crate) fn expected(count: u32) -> Vec<u8> {
    (0..count)
        .flat_map(|number| number.to_be_bytes().repeat(329))
        .collect()
}

/// Lets everybody in but those who ask for "forbidden".
pub(crate) struct Doorman(pub(crate) Arc<House>);

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

pub(crate) fn shards(threads: usize) -> Arc<Shards> {
    // What has to work between shards is to be seen with few connections.
    packing(0, threads)
}

pub(crate) fn packing(packed_connections: usize, threads: usize) -> Arc<Shards> {
    Shards::start(&ShardsConfig {
        threads,
        packed_connections,
        ..ShardsConfig::default()
    })
    .unwrap()
}

pub(crate) fn listen(shards: &Arc<Shards>, house: &Arc<House>, address: &str) -> ListenerHandle {
    *house.shards.lock().unwrap() = Some(Arc::clone(shards));
    let doorman = Arc::new(Doorman(Arc::clone(house)));
    shards
        .listen(address.parse().unwrap(), &ListenOptions::default(), doorman)
        .unwrap()
}

pub(crate) fn send(
    shards: &Shards,
    to: SocketAddr,
    stream: &str,
    packets: u32,
) -> ConnectionHandle {
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

pub(crate) fn call(
    shards: &Shards,
    to: SocketAddr,
    caller: CallerConfig,
    packets: u32,
) -> ConnectionHandle {
    let local = Some(SocketAddr::new(to.ip(), 0));
    let role = Role::Reader(Box::new(Numbers::new(packets)));
    shards
        .call(
            to,
            CallOptions {
                local,
                ..CallOptions::new(caller, role)
            },
        )
        .unwrap()
}

pub(crate) async fn until(what: &str, reached: impl Fn() -> bool) {
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

pub(crate) fn has_arrived(house: &House, stream: &str, bytes: &[u8]) -> bool {
    let streams = house.streams.lock().unwrap();
    streams
        .iter()
        .any(|(name, got)| name == stream && got == bytes)
}
