//! Shards on loopback, both sides ours.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_srt::{CallerConfig, CipherMode, CloseReason, KeyLength, RejectReason};
use tidegate_srt_io::{Clock, EndReason};
use tidegate_udp::{Options, Run, Socket};
use tokio::time::timeout;

use common::*;

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
        .generate(
            to.ip(),
            PASSPHRASE.to_vec(),
            KeyLength::Aes256,
            CipherMode::Ctr,
        )
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
