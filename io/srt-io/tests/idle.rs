//! A shard with nothing to do sleeps. Alone in its process, so that every thread named like a
//! shard is one of the test's.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::sync::Arc;
use std::time::Duration;

use tidegate_srt::{CallerConfig, ConnectionConfig, ConnectionRequest, Received};
use tidegate_srt_io::{
    Admission, AdmissionReply, CallOptions, EndReason, ListenOptions, Role, Shards, ShardsConfig,
    Sink,
};
use tidegate_units::Instant;

struct Nothing;

impl Sink for Nothing {
    fn receive(&mut self, _packet: Received) {}
    fn end_of_turn(&mut self, _now: Instant) {}
    fn closed(&mut self, _reason: &EndReason) {}
}

struct Everybody;

impl Admission for Everybody {
    fn admit(&self, _request: ConnectionRequest, reply: AdmissionReply) {
        let role = Role::Publisher(Box::new(Nothing));
        reply.accept(None, ConnectionConfig::default(), role);
    }
}

/// How often the shards have gone to sleep so far.
fn sleeps() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let count = |task: std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        field("Name:")?.starts_with("srt-shard").then_some(())?;
        field("voluntary_ctxt_switches:")?.parse::<u64>().ok()
    };
    tasks.filter_map(|task| count(task.unwrap())).sum()
}

async fn sleeps_in_two_seconds() -> u64 {
    // What led here has to settle first: snapshots of the moment before.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = sleeps();
    tokio::time::sleep(Duration::from_secs(2)).await;
    sleeps() - before
}

#[tokio::test]
async fn shards_without_media_hardly_ever_wake() {
    let shards = Shards::start(&ShardsConfig {
        threads: 2,
        ..ShardsConfig::default()
    })
    .unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = shards
        .listen(address, &ListenOptions::default(), Arc::new(Everybody))
        .unwrap();
    let idle = sleeps_in_two_seconds().await;
    assert!(idle <= 4, "a listener nobody calls woke {idle} times");
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let role = Role::Publisher(Box::new(Nothing));
            let options = CallOptions::new(CallerConfig::default(), role);
            shards.call(listener.local_addr(), options).unwrap()
        })
        .collect();
    for call in &calls {
        call.connected().await.unwrap();
    }
    // A tenth of a second's keepalives leave together, and wake the other shard. Snapshots come
    // along, or else wake twice a second.
    let quiet = sleeps_in_two_seconds().await;
    assert!(
        quiet <= 2 * 2 * (10 + 10 + 4),
        "twenty quiet connections woke it {quiet} times"
    );
    shards.stop().await;
}
