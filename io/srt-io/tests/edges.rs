//! What goes wrong around connections: late answers, lost ones, broken neighbours.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tidegate_srt::{
    CallerConfig, CipherMode, ConnectionConfig, ConnectionRequest, KeyLength, RequestedEncryption,
};
use tidegate_srt_io::{
    Admission, AdmissionReply, CallOptions, ConnectionHandle, EndReason, Fountain, ListenOptions,
    Role, Wake,
};
use tidegate_units::Instant;
use tokio::time::timeout;

use common::*;

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
        local: Some(local),
        ..CallOptions::new(caller, Role::Reader(Box::new(Numbers::new(1))))
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
    let options = CallOptions::new(CallerConfig::default(), Role::Reader(Box::new(Broken)));
    let broken = near.call(to, options).unwrap();
    for call in [&broken, &whole] {
        let reason = timeout(PATIENCE, call.ended()).await.unwrap();
        assert_eq!(reason, EndReason::Stopping);
    }
    until("no more calls are taken", || {
        let options = CallOptions::new(CallerConfig::default(), Role::Reader(Box::new(Broken)));
        near.call(to, options).is_err()
    })
    .await;
    far.stop().await;
    near.stop().await;
}

/// Sends to whoever comes with the right passphrase.
#[derive(Default)]
struct Lectern(Mutex<Vec<ConnectionHandle>>);

impl Admission for Lectern {
    fn admit(&self, request: ConnectionRequest, reply: AdmissionReply) {
        let RequestedEncryption::KeyMaterial(material) = request.encryption else {
            return;
        };
        let keys = material.open(PASSPHRASE).unwrap();
        let role = Role::Reader(Box::new(Numbers::new(10_000)));
        // Whoever looks for the handle when the connection has ended finds it.
        let mut handles = self.0.lock().unwrap();
        handles.push(reply.accept(Some(keys), ConnectionConfig::default(), role));
    }
}

#[tokio::test]
async fn an_encrypted_reader_that_sends_is_sent_away_instead_of_hearing_nothing() {
    let shards = shards(2);
    let address = "127.0.0.1:0".parse().unwrap();
    let lectern = Arc::new(Lectern::default());
    let admission = Arc::clone(&lectern) as Arc<dyn Admission>;
    let listener = shards
        .listen(address, &ListenOptions::default(), admission)
        .unwrap();
    let to = listener.local_addr();
    let keys = shards
        .keys()
        .generate(
            to.ip(),
            PASSPHRASE.to_vec(),
            KeyLength::Aes128,
            CipherMode::Ctr,
        )
        .await;
    let caller = CallerConfig {
        keys: Some(keys.unwrap().unwrap()),
        ..CallerConfig::default()
    };
    let call = call(&shards, to, caller, 1000);
    timeout(PATIENCE, call.ended()).await.unwrap();
    let handle = lectern.0.lock().unwrap().pop().unwrap();
    timeout(PATIENCE, handle.ended()).await.unwrap();
    shards.stop().await;
}
